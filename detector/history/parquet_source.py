"""A history in Parquet as a past to look back at."""

from difflib import get_close_matches
from pathlib import Path

import numpy as np

from detector.errors import TimeError
from detector.history.parquet import HistoryError, HistoryFiles, ParquetDays
from detector.history.sampling import CellMinutes, HistorySample, SampleSize, thinned
from detector.timestamps import write_minute


class ParquetSource:
    """A folder of files."""

    def __init__(self, folder: Path) -> None:
        self._days = ParquetDays(folder)
        self._folder = folder
        self.catalogue = self._days.catalogue

    def minutes(self, cell: str, first: int, last: int) -> CellMinutes:
        """Raises OperatorError."""
        try:
            values = self._days.episode(cell, first, last)
        except HistoryError:
            raise self._absence(cell, first, last) from None
        reported = np.flatnonzero(~np.isnan(values).all(axis=1))
        return CellMinutes(first + reported, values[reported])

    def look(self, cell: str, sample: SampleSize) -> HistorySample:
        """The last days of every set of cells, a fair part of its cells."""
        days = max(1, round(sample.hours / 24))
        total = sum(self._days.records(block, days) for block in range(self._days.blocks))
        share = sample.records / max(1, total)
        parts = [list(thinned(self._days.days(block, days), share)) for block in range(self._days.blocks)]
        return HistorySample(self.catalogue, [part for part in parts if part])

    def _absence(self, cell: str, first: int, last: int) -> TimeError:
        files, names, minutes = HistoryFiles(self._folder), set[str](), list[int]()
        for path, group in files.groups(files.paths):
            keys = files.keys(path, group)
            names |= set(keys.names)
            if len(keys.minute):
                minutes += [int(keys.minute.min()), int(keys.minute.max())]
        times = f"{write_minute(first)} to {write_minute(last)}"
        if cell in names:
            return TimeError(
                f"{self._folder}: holds nothing of cell {cell!r} from {times}; it begins at"
                f" {write_minute(min(minutes))}"
                f" and ends at {write_minute(max(minutes))}."
            )
        like = get_close_matches(cell, sorted(names), 3)
        meant = f"; did you mean {' or '.join(like)}?" if like else "."
        return TimeError(f"{self._folder}: knows no cell {cell!r}, and {len(names):,} others{meant}")
