"""What an operator looks back at: one cell's episode, to teach it, and a bounded sample of all cells, to preview it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from detector.core.features import WINDOW, Catalogue
from detector.core.ingest.samples import Samples
from detector.errors import TimeError
from detector.labels.builder import LONGEST_MINUTES, label_span
from detector.timestamps import write_minute

USUAL_MINUTES = 60
"""An episode whose end is not given lasts so long, or as long as the cell has reported: its windows from the half hour
on are what is taught, and an hour has seven of them."""


@dataclass(frozen=True)
class CellMinutes:
    """What one cell reported, each minute once."""

    minute: NDArray[np.int64]
    values: NDArray[np.float32]
    """# [n, F]"""


@dataclass(frozen=True)
class HistorySample:
    """A sample of the past, held in memory: as `replaying.Days`."""

    catalogue: Catalogue
    parts: Sequence[Sequence[Samples]]
    """By partition, or set of cells, in order of time."""

    @property
    def blocks(self) -> int:
        return len(self.parts)

    def days(self, block: int) -> Sequence[Samples]:
        return self.parts[block]

    @property
    def records(self) -> int:
        return sum(len(samples) for part in self.parts for samples in part)

    @property
    def cells(self) -> int:
        return len({name for part in self.parts for samples in part for name in samples.cells})

    @property
    def span(self) -> tuple[int, int]:
        """Its first minute, and the one after its last."""
        minutes = [m for part in self.parts for samples in part for m in (samples.minute.min(), samples.minute.max())]
        return (int(min(minutes)), int(max(minutes)) + 1) if minutes else (0, 0)


@dataclass(frozen=True)
class SampleSize:
    """How much of the past is looked at."""

    cell_days: float
    hours: float

    @property
    def records(self) -> int:
        return round(self.cell_days * 1440)


class HistorySource(Protocol):
    """Where the past lies."""

    def minutes(self, cell: str, first: int, last: int) -> CellMinutes:
        """One cell's from `first` on, up to `last`, which is not among them; at least one. Raises OperatorError."""

    def look(self, cell: str, sample: SampleSize) -> HistorySample:
        """The latest hours of some cells; `cell` says which others are near at hand. Raises OperatorError."""


@dataclass(frozen=True)
class EpisodeSlice:
    """An episode, and the minutes that a label needs of it."""

    begin: int
    end: int
    values: NDArray[np.float32]
    """# [m, F], NaN = not reported"""
    reported: int
    """Of these m minutes."""


def cut(past: HistorySource, cell: str, begin: int, end: int | None, now: int, coverage: float) -> EpisodeSlice:
    """One episode of a cell; without an end it lasts USUAL_MINUTES, or as long as the cell has reported.

    Raises OperatorError where there is too little of it.
    """
    for minute, option in ((begin, "--at"), ((end or begin + 1) - 1, "--until")):
        if minute > now:
            raise TimeError(f"{option} {write_minute(minute)} lies in the future: it is {write_minute(now)} UTC.")
    if end is not None and end <= begin:
        raise TimeError(f"--until {write_minute(end)} is not after --at {write_minute(begin)}.")
    last = min(end or begin + USUAL_MINUTES, begin + LONGEST_MINUTES)
    found = past.minutes(cell, begin - WINDOW, last)
    inside = found.minute[found.minute >= begin]
    if not len(inside):
        raise TimeError(
            f"cell {cell!r} reported nothing from {write_minute(begin)} to {write_minute(last)}, though it did before;"
            " a silence is an alarm of its own, and need not be taught."
        )
    end = end or min(last, int(inside.max()) + 1)
    first, last = label_span(begin, end)
    at = found.minute - first
    at, values = at[(at >= 0) & (at < last - first)], found.values[(at >= 0) & (at < last - first)]
    if len(at) < coverage * (last - first):
        raise TimeError(
            f"cell {cell!r} reported {len(at)} of the {last - first} minutes from {write_minute(first)} to"
            f" {write_minute(last)}, and {coverage:.0%} are needed; choose another time or cell."
        )
    whole = np.full((last - first, values.shape[1]), np.nan, np.float32)
    whole[at] = values
    return EpisodeSlice(begin, end, whole, len(at))


def is_chosen(cell: str | bytes, share: float) -> bool:
    """The same cells every time: by a hash of the name, so that a sample is a fair one."""
    return crc32(cell if isinstance(cell, bytes) else cell.encode()) < share * 2**32


def thinned(parts: Iterator[Samples], share: float) -> Iterator[Samples]:
    """Of each, the chosen cells' alone."""
    for samples in parts:
        chosen = {name for name in set(samples.cells) if is_chosen(name, share)}
        rows = np.array([row for row, name in enumerate(samples.cells) if name in chosen], np.int64)
        if len(rows):
            names = [samples.cells[row] for row in rows.tolist()]
            yield Samples(samples.partition, rows, names, samples.minute[rows], samples.values[rows])
