"""Where in its files a history's cells and days lie: found in one pass over who and when, and small enough to keep."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detector.history.parquet import HistoryFiles, Keys

DAY = 1440

BLOCK = 16
"""Cells that are remembered as one: 40,000 row groups of 10,000 cells each take 3 MB."""

LEAST_SHARE = 0.1
"""Of the cells of the fullest day: a day of which fewer cells tell is a wrong clock's, and no part of the past."""


class ParquetIndex:
    """An index of row groups by block of cells and day."""

    def __init__(self, files: HistoryFiles) -> None:
        self.number: dict[str, int] = {}
        """Of a cell, by its name: in order of appearance, so that cells of one file have neighbouring numbers."""
        self._groups: list[tuple[Path, int]] = []
        self._told: dict[int, NDArray[np.bool_]] = {}
        """The cells that each day tells of."""
        self._bounds: dict[int, tuple[int, int]] = {}
        entries: list[tuple[int, int, NDArray[np.uint8]]] = []
        for path, group in files.groups(files.paths):
            for day, cells in self._look_into(files.keys(path, group)):
                entries.append((len(self._groups), day, _bits(cells, len(self.number))))
            self._groups.append((path, group))
        self._group = np.array([group for group, _, _ in entries], np.int64)
        self._day = np.array([day for _, day, _ in entries], np.int64)
        self._bits = np.zeros((len(entries), len(_bits(np.arange(0), len(self.number)))), np.uint8)
        for row, (_, _, bits) in enumerate(entries):
            self._bits[row, : len(bits)] = bits

    @property
    def span(self) -> tuple[int, int]:
        """First minute, and the one after the last; what wrong clocks told of other days lies outside."""
        most = max(int(cells.sum()) for cells in self._told.values())
        days = [self._bounds[day] for day, cells in self._told.items() if cells.sum() >= LEAST_SHARE * most]
        return min(first for first, _ in days), max(last for _, last in days) + 1

    def holding(self, number: NDArray[np.int64], minute: NDArray[np.int64]) -> Iterator[tuple[Path, int]]:
        """The row groups that may hold some of these minutes of these cells, in order. # [n], [n]"""
        wanted = np.zeros(len(self._day), bool)
        days = minute // DAY
        for day in np.unique(days).tolist():
            here = np.flatnonzero(self._day == day)
            bits = _bits(number[days == day], len(self.number))
            wanted[here] = (self._bits[here] & bits).any(axis=1)
        for group in np.unique(self._group[wanted]).tolist():
            yield self._groups[group]

    def _look_into(self, keys: Keys) -> Iterator[tuple[int, NDArray[np.int64]]]:
        """The days of which a row group tells, and of which cells."""
        number = np.array([self.number.setdefault(name, len(self.number)) for name in keys.names], np.int64)
        days = keys.minute // DAY
        for day in np.unique(days).tolist():
            rows = days == day
            used = np.zeros(len(number), bool)
            used[keys.place[rows]] = True
            cells, minute = number[used], keys.minute[rows]
            told = np.zeros(len(self.number), bool)
            told[cells] = True
            before = self._told.get(day, told[:0])
            told[: len(before)] |= before
            self._told[day] = told
            first, last = self._bounds.get(day, (minute.min(), minute.max()))
            self._bounds[day] = (int(min(first, minute.min())), int(max(last, minute.max())))
            yield day, cells


def _bits(numbers: NDArray[np.int64], cells: int) -> NDArray[np.uint8]:
    """The blocks that these cells are in, a bit each. # [n] -> uint8 [cells / BLOCK / 8]"""
    blocks = np.zeros(-(-cells // BLOCK), bool)
    blocks[numbers // BLOCK] = True
    return np.packbits(blocks)
