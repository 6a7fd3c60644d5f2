"""Sampling of a history: one cell's episode for a label, and a bounded sample of all cells for its preview."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from detector.core.features import Catalogue
from detector.core.granularity import DAY_MINUTES, Granularity
from detector.core.ingest.samples import Samples
from detector.errors import TimeError
from detector.labels.builder import label_span, longest_minutes
from detector.timestamps import write_minute


@dataclass(frozen=True)
class CellMinutes:
    """Reported minutes of one cell, each once."""

    minute: NDArray[np.int64]
    values: NDArray[np.float32]
    """# [n, F]"""


@dataclass(frozen=True)
class HistorySample:
    """Sample of a history in memory; it is a `Days` of the replay."""

    catalogue: Catalogue
    parts: Sequence[Sequence[Samples]]
    """Samples by partition or block of cells, in order of time."""

    @property
    def blocks(self) -> int:
        """Number of partitions or blocks of cells."""
        return len(self.parts)

    def days(self, block: int) -> Sequence[Samples]:
        """Return the samples of one block, in order of time."""
        return self.parts[block]

    @property
    def records(self) -> int:
        """Number of samples of all cells."""
        return sum(len(samples) for part in self.parts for samples in part)

    @property
    def total_records(self) -> int:
        """Number of records of all blocks."""
        return self.records

    @property
    def cell_days(self) -> float:
        """Days that the samples stand for, added up over the cells."""
        return self.catalogue.granularity.cell_days(self.records)

    @property
    def cells(self) -> int:
        """Number of different cells."""
        return len({name for part in self.parts for samples in part for name in samples.cells})

    @property
    def span(self) -> tuple[int, int]:
        """First minute and exclusive end; (0, 0) where the sample is empty."""
        minutes = [m for part in self.parts for samples in part for m in (samples.minute.min(), samples.minute.max())]
        return (int(min(minutes)), int(max(minutes)) + self.catalogue.period_minutes) if minutes else (0, 0)


@dataclass(frozen=True)
class SampleSize:
    """Size of a sample: at most so many cell-days, out of the latest hours."""

    cell_days: float
    hours: float

    def records(self, granularity: Granularity) -> int:
        """Return the number of samples of all cells."""
        return round(self.cell_days * DAY_MINUTES / granularity.period_minutes)


class HistorySource(Protocol):
    """Source of past samples: a folder of Parquet files, or the input topic."""

    catalogue: Catalogue

    def minutes(self, cell: str, first: int, last: int) -> CellMinutes:
        """Return the minutes of a cell from `first` to `last`, exclusive, at least one. Raises OperatorError."""

    def read_sample(self, cell: str, sample: SampleSize) -> HistorySample:
        """Return the latest hours of some cells; a source may prefer those near `cell`. Raises OperatorError."""


@dataclass(frozen=True)
class EpisodeSlice:
    """Episode of a cell, with the minutes that a label needs of it; `end` is exclusive."""

    begin: int
    end: int
    values: NDArray[np.float32]
    """Samples of the label, NaN = not reported. # [m, F]"""
    reported: int
    """Number of these m samples that the cell reported."""


def cut(source: HistorySource, cell: str, begin: int, end: int | None, now: int, coverage: float) -> EpisodeSlice:
    """Return one episode of a cell; without an end it lasts a window's length, or as long as the cell has reported.

    `now` is the present minute, `coverage` the least share of the samples that must be reported. Raises OperatorError.
    """
    _check_span(begin, end, now)
    granularity = source.catalogue.granularity
    period, window = granularity.period_minutes, granularity.window_minutes
    last = min(end or begin + window, begin + longest_minutes(granularity))
    minutes = source.minutes(cell, granularity.first_minute(begin) - window, last)
    inside = minutes.minute[minutes.minute > begin - period]
    if not len(inside):
        raise TimeError(
            f"cell {cell!r} reported nothing from {write_minute(begin)} to {write_minute(last)}, but reported before;"
            " silence has an alarm of its own and cannot be taught; choose another time."
        )
    end = end or min(last, int(inside.max()) + period)
    first, last = label_span(begin, end, granularity)
    count, slots = (last - first) // period, (minutes.minute - first) // period
    needed = (slots >= 0) & (slots < count)
    slots, values = slots[needed], minutes.values[needed]
    if len(slots) < coverage * count:
        raise TimeError(
            f"cell {cell!r} reported {len(slots)} of the {count} {granularity.unit} from {write_minute(first)} to"
            f" {write_minute(last)}, and {coverage:.0%} are needed; choose another time or cell."
        )
    label_values = np.full((count, values.shape[1]), np.nan, np.float32)
    label_values[slots] = values
    return EpisodeSlice(begin, end, label_values, len(slots))


def _check_span(begin: int, end: int | None, now: int) -> None:
    for minute, option in ((begin, "--at"), ((end or begin + 1) - 1, "--until")):
        if minute > now:
            raise TimeError(
                f"{option} {write_minute(minute)} lies in the future: now is {write_minute(now)} UTC; give a past time."
            )
    if end is not None and end <= begin:
        raise TimeError(
            f"--until {write_minute(end)} is not after --at {write_minute(begin)}; give an end after the begin."
        )


def is_chosen(cell: str | bytes, share: float) -> bool:
    """Return whether a cell is in a sample of this share: by a hash of its name, so the choice is fair and stable."""
    return crc32(cell if isinstance(cell, bytes) else cell.encode()) < share * 2**32


def sample_cells(parts: Iterator[Samples], share: float) -> Iterator[Samples]:
    """Yield the samples of the chosen cells; parts without any are skipped."""
    for samples in parts:
        chosen = {name for name in set(samples.cells) if is_chosen(name, share)}
        rows = np.array([row for row, name in enumerate(samples.cells) if name in chosen], np.int64)
        if len(rows):
            names = [samples.cells[row] for row in rows.tolist()]
            yield Samples(samples.partition, rows, names, samples.minute[rows], samples.values[rows])
