"""One episode of one cell as a label: which of its minutes, and the baseline they are to be judged against."""

import uuid

import numpy as np
from numpy.typing import NDArray

from detector.core.features import WINDOW, Baseline, Catalogue
from detector.labels.label import Label

SETTLED_MINUTES = 30
"""From so long after its begin on, an episode's windows count: half of each lies inside."""

LONGEST_MINUTES = 120
"""Of an episode: later windows repeat the earlier ones."""

NAMESPACE = uuid.UUID("a1d1c0de-53f5-5b5e-8a1f-6f0a4b8d9c3e")


def label_span(begin: int, end: int) -> tuple[int, int]:
    """The minutes a label needs of an episode, from its first window's first to the one after its last."""
    last = min(end, begin + LONGEST_MINUTES)
    return min(begin + SETTLED_MINUTES, last) - WINDOW, last


def build_label(
    values: NDArray[np.float32],
    catalogue: Catalogue,
    baseline: Baseline,
    name: str,
    kind: str,
    cell: str,
    begin: int,
    end: int,
    note: str = "",
) -> Label:
    """One exemplar of `name` from an episode of a cell; the same episode again replaces it.

    # values [m, F]: the minutes of `label_span(begin, end)`
    """
    return Label(
        id=str(uuid.uuid5(NAMESPACE, f"{cell}\n{name}\n{begin}")),
        name=name,
        kind=kind,
        cell=cell,
        minute=label_span(begin, end)[0],
        catalogue=catalogue.digest,
        values=values.astype("<f4").tobytes(),
        baseline=np.asarray(baseline.table[baseline.rows([cell])[0]]).astype("<f2").tobytes(),
        note=note,
    )
