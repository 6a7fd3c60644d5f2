"""Index of a history: the row groups that hold a cell on a day, from one pass over cells and minutes."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detector.history.parquet import HistoryFiles, Keys

DAY = 1440

BLOCK = 16
"""Cells that share one bit of the index: 40,000 row groups of 10,000 cells each take 3 MB."""

LEAST_SHARE = 0.1
"""Least cells of a day, as a share of the fullest day: a day with fewer comes from a wrong clock and is not counted."""


class ParquetIndex:
    """Index of row groups by block of cells and day."""

    def __init__(self, files: HistoryFiles) -> None:
        self.cell_numbers: dict[str, int] = {}
        """Number of each cell by its name, in order of appearance: cells of one file have neighbouring numbers."""
        self._groups: list[tuple[Path, int]] = []
        self._cells_of_day: dict[int, NDArray[np.bool_]] = {}
        """Whether a day has a record of each cell, by day."""
        self._bounds: dict[int, tuple[int, int]] = {}
        """First and last minute of each day that has a record."""
        entries: list[tuple[int, int, NDArray[np.uint8]]] = []
        for path, group in files.groups(files.paths):
            for day, cells in self._add_group(files.keys(path, group)):
                entries.append((len(self._groups), day, _bits(cells, len(self.cell_numbers))))
            self._groups.append((path, group))
        self._group = np.array([group for group, _, _ in entries], np.int64)
        self._day = np.array([day for _, day, _ in entries], np.int64)
        self._bits = np.zeros((len(entries), len(_bits(np.arange(0), len(self.cell_numbers)))), np.uint8)
        for row, (_, _, bits) in enumerate(entries):
            self._bits[row, : len(bits)] = bits

    @property
    def span(self) -> tuple[int, int]:
        """First minute and exclusive end of the history; days of wrong clocks are left out."""
        most = max(int(cells.sum()) for cells in self._cells_of_day.values())
        days = [self._bounds[day] for day, cells in self._cells_of_day.items() if cells.sum() >= LEAST_SHARE * most]
        return min(first for first, _ in days), max(last for _, last in days) + 1

    @property
    def groups(self) -> Sequence[tuple[Path, int]]:
        """All row groups of the history, in order."""
        return self._groups

    def groups_with(self, number: NDArray[np.int64], minute: NDArray[np.int64]) -> Iterator[tuple[Path, int]]:
        """Yield the row groups that may hold one of these minutes of these cells, in order. # [n], [n]"""
        needed = np.zeros(len(self._day), bool)
        days = minute // DAY
        for day in np.unique(days).tolist():
            entries = np.flatnonzero(self._day == day)
            bits = _bits(number[days == day], len(self.cell_numbers))
            needed[entries] = (self._bits[entries] & bits).any(axis=1)
        for group in np.unique(self._group[needed]).tolist():
            yield self._groups[group]

    def _add_group(self, keys: Keys) -> Iterator[tuple[int, NDArray[np.int64]]]:
        """Yield the days of a row group, each with the numbers of its cells."""
        number = np.array([self.cell_numbers.setdefault(name, len(self.cell_numbers)) for name in keys.names], np.int64)
        days = keys.minute // DAY
        for day in np.unique(days).tolist():
            rows = days == day
            used = np.zeros(len(number), bool)
            used[keys.cell[rows]] = True
            cells, minute = number[used], keys.minute[rows]
            present = np.zeros(len(self.cell_numbers), bool)
            present[cells] = True
            before = self._cells_of_day.get(day, present[:0])
            present[: len(before)] |= before
            self._cells_of_day[day] = present
            first, last = self._bounds.get(day, (minute.min(), minute.max()))
            self._bounds[day] = (int(min(first, minute.min())), int(max(last, minute.max())))
            yield day, cells


def _bits(numbers: NDArray[np.int64], cells: int) -> NDArray[np.uint8]:
    """Return the blocks of these cells, one bit each. # [n] -> uint8 [cells / BLOCK / 8]"""
    blocks = np.zeros(-(-cells // BLOCK), bool)
    blocks[numbers // BLOCK] = True
    return np.packbits(blocks)
