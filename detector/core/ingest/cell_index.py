"""Which row of every array is whose: cells by partition and name, in rows given back when a cell is forgotten.

A cell may be awaited: known by the digest of its name, as a commit carries it, until it is heard and has a name.
"""

from hashlib import blake2b
from itertools import chain, repeat

import numpy as np
from numpy.typing import NDArray


class CellIndex:
    """At most `limit` cells, each with a row of its own. A cell seen on two partitions is two cells here."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.names: list[str] = []
        """By row; the name of a free row and of an awaited cell is empty."""
        self.digests = np.zeros(limit, np.uint64)
        """Of the names, by row."""
        self._rows: dict[int, dict[str, int]] = {}
        self._awaited: dict[int, dict[int, int]] = {}
        self._free: list[int] = []

    def __len__(self) -> int:
        return len(self.names) - len(self._free)

    def rows_of(self, partition: int) -> NDArray[np.int64]:
        named, awaited = self._rows.get(partition, {}), self._awaited.get(partition, {})
        return np.fromiter(chain(named.values(), awaited.values()), np.int64, len(named) + len(awaited))

    def occupied(self) -> NDArray[np.int64]:
        return np.sort(np.concatenate([np.empty(0, np.int64), *map(self.rows_of, {*self._rows, *self._awaited})]))

    def expect(self, partition: int, digests: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Rows for cells known by their digests alone, -1 where there is none left. # [n] -> [n]"""
        awaited = self._awaited.setdefault(partition, {})
        rows = np.full(len(digests), -1, np.int64)
        for position, digest in enumerate(digests.tolist()):
            row = self._take_row("", digest)
            if row is not None:
                awaited[digest] = rows[position] = row
        return rows

    def locate(self, partition: int, names: list[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The row of each cell, -1 where there is none left, and the rows newly named. # -> [n], [new]"""
        known = self._rows.setdefault(partition, {})
        rows = np.fromiter(map(known.get, names, repeat(-1)), np.int64, len(names))
        new = []
        for position in np.flatnonzero(rows < 0).tolist():
            name = names[position]
            if name not in known:
                row = self._name_row(partition, name)
                if row is None:
                    continue
                known[name] = row
                new.append(row)
            rows[position] = known[name]
        return rows, np.array(new, np.int64)

    def remove(self, partition: int, rows: NDArray[np.int64]) -> None:
        for row in rows.tolist():
            if self.names[row]:
                del self._rows[partition][self.names[row]]
            else:
                del self._awaited[partition][int(self.digests[row])]
            self.names[row] = ""
        self._free += rows.tolist()

    def _name_row(self, partition: int, name: str) -> int | None:
        digest = digest_of(name)
        row = self._awaited.get(partition, {}).pop(digest, None)
        if row is None:
            return self._take_row(name, digest)
        self.names[row] = name
        return row

    def _take_row(self, name: str, digest: int) -> int | None:
        if self._free:
            row = self._free.pop()
        elif len(self.names) < self.limit:
            row = len(self.names)
            self.names.append("")
        else:
            return None
        self.names[row] = name
        self.digests[row] = digest
        return row


def digest_of(name: str) -> int:
    """Eight bytes for a name: among 10,000 cells, two alike are met once in 10^11 partitions."""
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "little")
