"""History of a network: the minutes that its cells reported, from Parquet files or from a simulated network.

Parquet: `cell` (string), `minute` (int64), one float32 column per feature, null = not reported, partitioned by day.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from detector.core.features import Catalogue
from detector.history.parquet import HistoryError, HistoryFiles, Keys, newest_rows
from detector.history.parquet_index import ParquetIndex
from trainer.simulator import (
    FaultEpisode,
    Network,
    NetworkTimeline,
    aggregated_values,
    catalogue,
    catalogue_at,
    delivered_columns,
)

READ_BYTES = 2 * 2**30
"""Bytes of whole cells read together. Files from a stream contain all cells, and every read scans them again, so
larger reads need fewer scans. Baselines of 10,000 cells and four weeks take 14 such reads."""

START_MINUTE = 29_459_520
"""Monday, 2026-01-05 00:00 UTC: the first minute of simulated histories, so that they begin with a week."""


class History(Protocol):
    """Reported values of a network, by cell number and minute."""

    @property
    def catalogue(self) -> Catalogue: ...

    @property
    def cells(self) -> Sequence[str]: ...

    @property
    def span(self) -> tuple[int, int]:
        """First minute, and the minute after the last sample's period."""
        ...

    def read(self, cell: NDArray[np.int64], minute: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the values of samples, each by the first minute of its period; NaN = not reported.

        # [n], [n] -> [n, F]
        """
        ...


@dataclass(frozen=True)
class SimulatedHistory:
    """History of a simulated network with its fault episodes: computed at each read, never stored."""

    network: Network
    span: tuple[int, int]
    episodes: tuple[FaultEpisode, ...] = ()
    whole: bool = False
    """True: all features of the simulator, null where the operator does not deliver one. False: the operator's own
    features in its own units."""
    period_minutes: int = 1
    """Granularity period: a sample is the aggregate of its minutes."""

    @cached_property
    def life(self) -> NetworkTimeline:
        return NetworkTimeline(self.network, self.episodes)

    @cached_property
    def catalogue(self) -> Catalogue:
        features = catalogue() if self.whole else self.network.operator.measurement.catalogue()
        return catalogue_at(features, self.period_minutes)

    @property
    def cells(self) -> Sequence[str]:
        return self.network.names

    def read(self, cell: NDArray[np.int64], minute: NDArray[np.int64]) -> NDArray[np.float32]:
        values = aggregated_values(self.life.reported_values, cell, minute, self.period_minutes)
        return values if self.whole else values[:, delivered_columns(self.network.operator.measurement)]


class ParquetHistory:
    """History of a network from files, read on demand; memory holds only an index of the files.

    A read decodes every row group that contains a requested minute. Read many minutes of whole cells at a time.
    """

    def __init__(self, folder: Path) -> None:
        """Index the folder. Raises HistoryError if it holds no minute."""
        self.folder = folder
        self._files = HistoryFiles(folder)
        self.catalogue: Catalogue = self._files.catalogue
        self._index = ParquetIndex(self._files)
        self._number = self._index.cell_numbers
        if not self._number:
            raise HistoryError(f"{folder}: holds no minute. Give a folder with Parquet files.")
        first, last = self._index.span
        self.span: tuple[int, int] = first, last - 1 + self.catalogue.period_minutes
        self.cells: Sequence[str] = sorted(self._number)
        self._numbers = np.array([self._number[name] for name in self.cells])

    @property
    def rows_at_once(self) -> int:
        """Minutes of cells per read. With fewer, the same files are read more often."""
        return max(1, READ_BYTES // (4 * len(self.catalogue)))

    def spread_groups(self, count: int) -> list[tuple[Path, int]]:
        """Return at most so many row groups: pairs of neighbours, spread over the history in the order of its files."""
        groups = self._index.groups
        first = np.linspace(0, max(0, len(groups) - 2), max(1, count // 2)).round().astype(int).tolist()
        return [groups[index] for index in sorted({*first, *(index + 1 for index in first)}) if index < len(groups)]

    def group_keys(self, group: tuple[Path, int]) -> Keys:
        """Return the cells and minutes of a row group as they are stored. Raises HistoryError."""
        return self._files.stored_keys(*group)

    def stored_values(self, group: tuple[Path, int], rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the features of some rows of a row group as they are stored. # [n] -> [n, F]. Raises HistoryError."""
        return self._files.stored_values(*group, rows)

    def read(self, cell: NDArray[np.int64], minute: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the values, NaN where nothing was reported; the newest of several records of a minute. # -> [n, F]"""
        inside = (minute >= self.span[0]) & (minute < self.span[1])
        key = self._key(self._numbers[cell], np.where(inside, minute, self.span[0]))
        unique, inverse = (key, None) if (key[1:] > key[:-1]).all() else np.unique(key, return_inverse=True)
        result = np.full((len(unique), len(self.catalogue)), np.nan, np.float32)
        latest = np.full(len(unique), -np.inf)
        for path, group in self._index.groups_with(self._numbers[cell[inside]], minute[inside]):
            keys = self._files.keys(path, group)
            rows, at = self._matches(keys, unique)
            new = newest_rows(keys, rows, at, latest)
            if len(new):
                result[at[new]] = self._files.values(path, group, rows[new])
        values = result if inverse is None else result[inverse]
        values[~inside] = np.nan
        return values

    def _key(self, number: NDArray[np.int64], minute: NDArray[np.int64]) -> NDArray[np.int64]:
        return number * (self.span[1] - self.span[0]) + (minute - self.span[0])

    def _matches(self, keys: Keys, unique: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the rows with a requested key, and the position of each key in `unique`."""
        number = np.array([self._number[name] for name in keys.names])[keys.cell]
        inside = np.flatnonzero((keys.minute >= self.span[0]) & (keys.minute < self.span[1]))
        key = self._key(number[inside], keys.minute[inside])
        at = np.minimum(np.searchsorted(unique, key), len(unique) - 1)
        hit = unique[at] == key
        return inside[hit], at[hit]
