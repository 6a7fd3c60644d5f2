"""A labelled episode out of a history: its minutes, and the baseline they are to be judged against."""

import uuid

import numpy as np

from detector.core.features import Baseline
from detector.core.turns import WINDOW
from detector.errors import LabelError
from detector.labels import Label
from trainer.history import History

SETTLED_MINUTES = 30
"""From so long after its begin on, an episode's windows count: half of each lies inside."""

LONGEST_MINUTES = 120
"""Of an episode: later windows repeat the earlier ones."""

NAMESPACE = uuid.UUID("a1d1c0de-53f5-5b5e-8a1f-6f0a4b8d9c3e")


def make_label(
    history: History, baseline: Baseline, name: str, kind: str, cell: str, begin: int, end: int, note: str = ""
) -> Label:
    """One exemplar of `name` from one episode of one cell. Raises LabelError."""
    if cell not in set(history.cells):
        raise LabelError(f"cell {cell!r} is not in the history; `cells` of its Parquet files lists those that are.")
    last = min(end, begin + LONGEST_MINUTES, history.span[1])
    first = min(begin + SETTLED_MINUTES, last) - WINDOW
    if last - begin < 1 or first < history.span[0]:
        raise LabelError(
            f"the episode of {cell} from minute {begin} to {end} lies outside the history"
            f" ({history.span[0]} to {history.span[1]}, an hour before it included)."
        )
    minute = np.arange(first, last)
    values = history.read(np.full(len(minute), list(history.cells).index(cell)), minute)
    coefficients = baseline.table[baseline.rows([cell])[0]]
    return Label(
        id=str(uuid.uuid5(NAMESPACE, f"{cell}\n{name}\n{begin}")),
        name=name,
        kind=kind,
        cell=cell,
        minute=first,
        catalogue=history.catalogue.digest,
        values=values.astype("<f4").tobytes(),
        baseline=np.asarray(coefficients).astype("<f2").tobytes(),
        note=note,
    )
