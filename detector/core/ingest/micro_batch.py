"""What a run of the log comes to, between the windows and the steps that follow them."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from detector.core.ingest.samples import Reason


@dataclass
class MicroBatch:
    """One run of the log, seen by all later steps at once: whose windows are due, who spoke, who has gone silent."""

    partition: int
    rows: NDArray[np.int64]
    """Of the cells whose window is due, in log order. # [k]"""
    minute: NDArray[np.int64]
    coverage: NDArray[np.float32]
    """Share of the window's minutes that were reported. # [k]"""
    heard: NDArray[np.bool_]
    """Which of them end a silence: their minute lies within `silent_minutes` of the frontier. # [k]"""
    fresh: NDArray[np.bool_]
    """Which of them begin anew: what they said before, if anything, no longer counts. # [k]"""
    frontier: int | None = None
    """The minute the frontier rose to at the end of this run, if it rose."""
    silent: list[str] = field(default_factory=list)
    """Cells not heard for `silent_minutes` of that frontier, whether or not that is news."""
    silent_since: list[int] = field(default_factory=list)
    """The first minute each of them failed to report."""


@dataclass
class AdmissionResult:
    """What became of one partition's samples."""

    turns: list[MicroBatch]
    windows: NDArray[np.int8]
    """The due windows of all turns, one after the other, oldest minute first. # [sum k, 60, F]"""
    reasons: list[tuple[int, Reason]]
    """(position among the samples, why it was refused)"""
    outcomes: dict[str, int]
