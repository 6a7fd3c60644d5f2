"""Index of cells: the row that each cell has in every per-cell array, by partition and name.

A forgotten cell returns its row, and the next new cell takes it. A row can be reserved for a cell of which only the
digest of its name is known, as a commit carries it. The first record of that cell gives the row its name.
"""

from hashlib import blake2b
from itertools import chain, repeat

import numpy as np
from numpy.typing import NDArray


class CellIndex:
    """Index of at most `limit` cells, each with its own row. A cell name on two partitions counts as two cells."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.names: list[str] = []
        """Names by row; empty for a free row and for a reserved one."""
        self.digests = np.zeros(limit, np.uint64)
        """Digests of the names, by row."""
        self._rows: dict[int, dict[str, int]] = {}
        self._reserved_rows: dict[int, dict[int, int]] = {}
        self._free_rows: list[int] = []

    def __len__(self) -> int:
        return len(self.names) - len(self._free_rows)

    def rows_of(self, partition: int) -> NDArray[np.int64]:
        """Return the rows of a partition, reserved ones included. # [n]"""
        row_by_name, row_by_digest = self._rows.get(partition, {}), self._reserved_rows.get(partition, {})
        return np.fromiter(
            chain(row_by_name.values(), row_by_digest.values()), np.int64, len(row_by_name) + len(row_by_digest)
        )

    def reserve(self, partition: int, digests: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Reserve rows for cells known by their digests alone; -1 where no row is left. # [n] -> [n]"""
        row_by_digest = self._reserved_rows.setdefault(partition, {})
        rows = np.full(len(digests), -1, np.int64)
        for position, digest in enumerate(digests.tolist()):
            row = self._allocate_row("", digest)
            if row is not None:
                row_by_digest[digest] = rows[position] = row
        return rows

    def locate(self, partition: int, names: list[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the row of each cell, -1 where no row is left, and the rows of new cells. # -> [n], [new]"""
        row_by_name = self._rows.setdefault(partition, {})
        rows = np.fromiter(map(row_by_name.get, names, repeat(-1)), np.int64, len(names))
        new_rows = []
        for position in np.flatnonzero(rows < 0).tolist():
            name = names[position]
            if name not in row_by_name:
                row = self._name_row(partition, name)
                if row is None:
                    continue
                row_by_name[name] = row
                new_rows.append(row)
            rows[position] = row_by_name[name]
        return rows, np.array(new_rows, np.int64)

    def remove(self, partition: int, rows: NDArray[np.int64]) -> None:
        """Free these rows of a partition."""
        for row in rows.tolist():
            if self.names[row]:
                del self._rows[partition][self.names[row]]
            else:
                del self._reserved_rows[partition][int(self.digests[row])]
            self.names[row] = ""
        self._free_rows += rows.tolist()

    def _name_row(self, partition: int, name: str) -> int | None:
        digest = digest_of(name)
        row = self._reserved_rows.get(partition, {}).pop(digest, None)
        if row is None:
            return self._allocate_row(name, digest)
        self.names[row] = name
        return row

    def _allocate_row(self, name: str, digest: int) -> int | None:
        if self._free_rows:
            row = self._free_rows.pop()
        elif len(self.names) < self.limit:
            row = len(self.names)
            self.names.append("")
        else:
            return None
        self.names[row] = name
        self.digests[row] = digest
        return row


def digest_of(name: str) -> int:
    """Return eight bytes for a name: among 10,000 cells, a collision is expected once in 10^11 partitions."""
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "little")
