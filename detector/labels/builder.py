"""Construction of a label from one episode of one cell: its minutes and the baseline they are judged against."""

import uuid
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detector.core.features import Baseline, Catalogue
from detector.core.granularity import Granularity
from detector.labels.label import Label

LONGEST_WINDOWS = 2
"""Most windows' lengths of an episode that a label uses: later windows repeat the earlier ones."""

NAMESPACE = uuid.UUID("a1d1c0de-53f5-5b5e-8a1f-6f0a4b8d9c3e")


@dataclass(frozen=True, kw_only=True)
class LabelWindow:
    """Minutes of a label, with the catalogue of their features and the baseline they are judged against."""

    values: NDArray[np.float32]
    """Samples of `label_span(begin, end)` as reported, NaN = not reported. # [m, F]"""
    catalogue: Catalogue
    baseline: Baseline


@dataclass(frozen=True, kw_only=True)
class LabelMeta:
    """Name of a label, its cell and the minutes of its episode; `end` is exclusive."""

    name: str
    kind: str
    cell: str
    begin: int
    end: int
    note: str = ""


def longest_minutes(granularity: Granularity) -> int:
    """Return the most minutes of an episode that a label uses."""
    return LONGEST_WINDOWS * granularity.window_minutes


def label_span(begin: int, end: int, granularity: Granularity) -> tuple[int, int]:
    """Return the first minute, and the exclusive end, of the minutes that a label needs of an episode.

    Both are bounds of periods. Half of the first window lies inside the episode, and more of every other.
    """
    period, window = granularity.period_minutes, granularity.window_minutes
    begin, end = granularity.first_minute(begin), -(-end // period) * period
    last = min(end, begin + longest_minutes(granularity))
    return min(begin + window // 2, last) - window, last


def build_label(window: LabelWindow, meta: LabelMeta) -> Label:
    """Return the label of one episode. Its id follows from cell, name and begin, so the same episode replaces it."""
    baseline = window.baseline
    return Label(
        id=str(uuid.uuid5(NAMESPACE, f"{meta.cell}\n{meta.name}\n{meta.begin}")),
        name=meta.name,
        kind=meta.kind,
        cell=meta.cell,
        minute=label_span(meta.begin, meta.end, window.catalogue.granularity)[0],
        catalogue=window.catalogue.digest,
        values=window.values.astype("<f4").tobytes(),
        baseline=np.asarray(baseline.table[baseline.rows([meta.cell])[0]]).astype("<f2").tobytes(),
        note=meta.note,
    )
