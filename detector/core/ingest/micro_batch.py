"""Micro-batch: windows that are due at the same time, the input of the stages after ingestion."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from detector.core.ingest.samples import Reason


@dataclass(kw_only=True)
class MicroBatch:
    """One run of the log, with the due windows and the silent cells, for all later stages."""

    partition: int
    rows: NDArray[np.int64]
    """Rows of the cells whose window is due, in log order. # [k]"""
    minute: NDArray[np.int64]
    """Last minutes of the due windows. # [k]"""
    coverage: NDArray[np.float32]
    """Share of the window's minutes that were reported. # [k]"""
    ends_silence: NDArray[np.bool_]
    """True where the minute is within `silent_minutes` of the watermark. # [k]"""
    starts_anew: NDArray[np.bool_]
    """True where the cell's window restarts: its earlier minutes no longer count. # [k]"""
    watermark: int | None = None
    """The minute that the watermark rose to at the end of this run; None if it did not rise."""
    silent_cells: list[str] = field(default_factory=list)
    """Cells without a record for `silent_minutes` of that watermark, whether or not their alarm is open already."""
    silent_since: list[int] = field(default_factory=list)
    """First minute that each silent cell did not report."""


@dataclass
class AdmissionResult:
    """Result of admitting one partition's samples to the windows."""

    micro_batches: list[MicroBatch]
    windows: NDArray[np.int8]
    """The due windows of all micro-batches in order, oldest minute first. # [sum k, 60, F]"""
    reasons: list[tuple[int, Reason]]
    """Refused samples, as (position among the samples, reason)."""
    outcomes: dict[str, int]
    """Number of accepted samples by outcome: `in_order`, `late`, `duplicate`, `restated`."""
