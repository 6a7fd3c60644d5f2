"""Which row of every array is whose: cells by partition and name, in rows given back when a cell is forgotten."""

import numpy as np
from numpy.typing import NDArray


class Cells:
    """At most `limit` cells, each with a row of its own. A cell seen on two partitions is two cells here."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.names: list[str] = []
        """By row; the name of a free row is empty."""
        self._rows: dict[int, dict[str, int]] = {}
        self._free: list[int] = []

    def __len__(self) -> int:
        return len(self.names) - len(self._free)

    def rows_of(self, partition: int) -> NDArray[np.int64]:
        rows = self._rows.get(partition, {})
        return np.fromiter(rows.values(), np.int64, len(rows))

    def occupied(self) -> NDArray[np.int64]:
        return np.sort(np.concatenate([np.empty(0, np.int64), *map(self.rows_of, self._rows)]))

    def locate(self, partition: int, names: list[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The row of each cell, -1 where there is none left, and the rows that are new. # -> [n], [new]"""
        known = self._rows.setdefault(partition, {})
        rows = np.fromiter((known.get(name, -1) for name in names), np.int64, len(names))
        new = []
        for position in np.flatnonzero(rows < 0).tolist():
            name = names[position]
            if name not in known:
                row = self._take_row(name)
                if row is None:
                    continue
                known[name] = row
                new.append(row)
            rows[position] = known[name]
        return rows, np.array(new, np.int64)

    def remove(self, partition: int, rows: NDArray[np.int64]) -> None:
        for row in rows.tolist():
            del self._rows[partition][self.names[row]]
            self.names[row] = ""
        self._free += rows.tolist()

    def _take_row(self, name: str) -> int | None:
        if self._free:
            row = self._free.pop()
            self.names[row] = name
            return row
        if len(self.names) == self.limit:
            return None
        self.names.append(name)
        return len(self.names) - 1
