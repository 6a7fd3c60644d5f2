"""What a network reported: minutes of cells, from Parquet or straight from a simulated network.

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
from trainer.simulator import FaultEpisode, Life, Network, catalogue, delivered

READ_BYTES = 2 * 2**30
"""Of whole cells read together. The more, the less often files that hold all cells, as a stream leaves them, are read
again; baselines of 10,000 cells and four weeks take 14 such reads."""

START_MINUTE = 29_459_520
"""Monday, 2026-01-05 00:00 UTC: where simulated pasts begin, so that they begin with a week."""


class History(Protocol):
    """Any network's past, by cell number and minute."""

    @property
    def catalogue(self) -> Catalogue: ...

    @property
    def cells(self) -> Sequence[str]: ...

    @property
    def span(self) -> tuple[int, int]:
        """First minute, and the one after the last."""
        ...

    def read(self, cell: NDArray[np.int64], minute: NDArray[np.int64]) -> NDArray[np.float32]:
        """NaN where nothing was reported. # [n], [n] -> [n, F]"""
        ...


@dataclass(frozen=True)
class SimulatedHistory:
    """A simulated network's past, with what befell it: never stored, made where it is looked at."""

    network: Network
    span: tuple[int, int]
    episodes: tuple[FaultEpisode, ...] = ()
    whole: bool = False
    """With all of the world's features: what the operator never delivers is null, and what it does in its own units."""

    @cached_property
    def life(self) -> Life:
        return Life(self.network, self.episodes)

    @cached_property
    def catalogue(self) -> Catalogue:
        return catalogue() if self.whole else self.network.operator.measurement.catalogue()

    @property
    def cells(self) -> Sequence[str]:
        return self.network.names

    def read(self, cell: NDArray[np.int64], minute: NDArray[np.int64]) -> NDArray[np.float32]:
        values = self.life.reported(cell, minute)
        return values if self.whole else values[:, delivered(self.network.operator.measurement)]


class ParquetHistory:
    """A network's past from files, read where it is asked for; kept in memory is only where to look.

    A read goes through every row group that holds any of it once, so ask for much at a time, and for whole cells.
    """

    def __init__(self, folder: Path) -> None:
        self._files = HistoryFiles(folder)
        self.catalogue: Catalogue = self._files.catalogue
        self._whereabouts = ParquetIndex(self._files)
        self._number = self._whereabouts.cell_numbers
        if not self._number:
            raise HistoryError(f"{folder}: holds no minute; give a folder with Parquet files.")
        self.span: tuple[int, int] = self._whereabouts.span
        self.cells: Sequence[str] = sorted(self._number)
        self._numbers = np.array([self._number[name] for name in self.cells])

    @property
    def rows_at_once(self) -> int:
        """Minutes of cells that are well read together: fewer, and files are read again and again."""
        return max(1, READ_BYTES // (4 * len(self.catalogue)))

    def read(self, cell: NDArray[np.int64], minute: NDArray[np.int64]) -> NDArray[np.float32]:
        inside = (minute >= self.span[0]) & (minute < self.span[1])
        key = self._key(self._numbers[cell], np.where(inside, minute, self.span[0]))
        sought, place = (key, None) if (key[1:] > key[:-1]).all() else np.unique(key, return_inverse=True)
        found = np.full((len(sought), len(self.catalogue)), np.nan, np.float32)
        latest = np.full(len(sought), -np.inf)
        for path, group in self._whereabouts.groups_with(self._numbers[cell[inside]], minute[inside]):
            keys = self._files.keys(path, group)
            rows, at = self._matching(keys, sought)
            new = newest_rows(keys, rows, at, latest)
            if len(new):
                found[at[new]] = self._files.values(path, group, rows[new])
        values = found if place is None else found[place]
        values[~inside] = np.nan
        return values

    def _key(self, number: NDArray[np.int64], minute: NDArray[np.int64]) -> NDArray[np.int64]:
        return number * (self.span[1] - self.span[0]) + (minute - self.span[0])

    def _matching(self, keys: Keys, sought: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The rows that are sought, and where."""
        number = np.array([self._number[name] for name in keys.names])[keys.cell]
        inside = np.flatnonzero((keys.minute >= self.span[0]) & (keys.minute < self.span[1]))
        key = self._key(number[inside], keys.minute[inside])
        at = np.minimum(np.searchsorted(sought, key), len(sought) - 1)
        hit = sought[at] == key
        return inside[hit], at[hit]
