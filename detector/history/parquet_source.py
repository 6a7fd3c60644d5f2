"""History source of a folder of Parquet files."""

from pathlib import Path

import numpy as np

from detector.errors import TimeError
from detector.history.parquet import HistoryError, HistoryFiles, ParquetDays
from detector.history.sampling import CellMinutes, HistorySample, SampleSize, sample_cells
from detector.text import did_you_mean
from detector.timestamps import write_minute


class ParquetSource:
    """History source (see `HistorySource`) that reads a folder of Parquet files."""

    def __init__(self, folder: Path) -> None:
        self._days = ParquetDays(folder)
        self._folder = folder
        self.catalogue = self._days.catalogue

    def minutes(self, cell: str, first: int, last: int) -> CellMinutes:
        """Return the minutes of a cell from `first` to `last`, exclusive. Raises OperatorError where there are none."""
        try:
            values = self._days.episode(cell, first, last)
        except HistoryError:
            raise self._missing_minutes(cell, first, last) from None
        reported = np.flatnonzero(~np.isnan(values).all(axis=1))
        return CellMinutes(first + reported * self.catalogue.period_minutes, values[reported])

    def read_sample(self, cell: str, sample: SampleSize) -> HistorySample:
        """Return the last days of every block of cells, with an equal share of the cells of each."""
        days = max(1, round(sample.hours / 24))
        total = sum(self._days.records(block, days) for block in range(self._days.blocks))
        share = sample.records(self.catalogue.granularity) / max(1, total)
        parts = [list(sample_cells(self._days.days(block, days), share)) for block in range(self._days.blocks)]
        return HistorySample(self.catalogue, [part for part in parts if part])

    def _missing_minutes(self, cell: str, first: int, last: int) -> TimeError:
        files, names, minutes = HistoryFiles(self._folder), set[str](), list[int]()
        for path, group in files.groups(files.paths):
            keys = files.keys(path, group)
            names |= set(keys.names)
            if len(keys.minute):
                minutes += [int(keys.minute.min()), int(keys.minute.max())]
        if cell in names:
            return TimeError(
                f"{self._folder}: holds nothing of cell {cell!r} from {write_minute(first)} to {write_minute(last)};"
                f" the history begins at {write_minute(min(minutes))} and ends at {write_minute(max(minutes))};"
                " choose another time."
            )
        remedy = did_you_mean(cell, sorted(names)) or " Give the name of one of those."
        return TimeError(f"{self._folder}: has no cell {cell!r} among its {len(names):,} cells.{remedy}")
