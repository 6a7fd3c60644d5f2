"""A network's past in files: Parquet with `cell`, `minute` and one float32 column per feature, null = not reported.

A file is read one row group at a time: first who and when, then the features of the rows that are wanted, so that
memory needs a row group, however long the past. Of two versions of a minute the later counts: what was `received`
later, where a file says so, else what stands later, in the order of the files' paths.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector.config.loader import read_catalogue
from detector.core.ingest.samples import Samples
from detector.errors import OperatorError

DECODED_BYTES = 128 * 2**20
"""Of features decoded at once: all of an ordinary row group, some columns of a huge one."""


class HistoryError(OperatorError):
    """A history that cannot be read, or does not hold what is asked of it."""


@dataclass(frozen=True)
class Keys:
    """Whose and which minutes the rows of one row group are."""

    names: list[str]
    place: NDArray[np.int32]
    """Of each row's cell among the names. # [n], as the others"""
    minute: NDArray[np.int64]
    received: NDArray[np.float64] | None
    """Seconds since 1970, where the file says so."""


class HistoryFiles:
    """The files of a history, in the order of their paths; a row group is (file, number in it)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.catalogue = read_catalogue(folder / "catalogue.yaml")
        self.paths = sorted(path for path in folder.rglob("*.parquet") if not _is_hidden(path.relative_to(folder)))
        if not self.paths:
            raise HistoryError(f"{folder}: holds no Parquet file; make one with `faultline-trainer simulate`.")
        self._opened: tuple[Path | None, Any] = (None, None)

    def groups(self, paths: list[Path]) -> Iterator[tuple[Path, int]]:
        """All row groups of these files, in order."""
        for path in paths:
            yield from ((path, number) for number in range(self._open(path).num_row_groups))

    def count(self, path: Path) -> int:
        return int(self._open(path).metadata.num_rows)

    def keys(self, path: Path, group: int) -> Keys:
        file = self._open(path)
        wanted = [name for name in ("cell", "minute", "received") if name in file.schema_arrow.names]
        table = self._decode(path, group, wanted)
        for name in ("cell", "minute"):
            if name not in wanted or table[name].null_count:
                raise _nameless(path, name)
        cell = table["cell"].unify_dictionaries().combine_chunks()
        cell = cell if hasattr(cell, "dictionary") else cell.dictionary_encode()
        received = table["received"].to_numpy().astype(np.float64) if "received" in wanted else None
        place = cell.indices.to_numpy().astype(np.int32)
        return Keys(cell.dictionary.to_pylist(), place, table["minute"].to_numpy().astype(np.int64), received)

    def values(self, path: Path, group: int, rows: NDArray[np.int64] | None = None) -> NDArray[np.float32]:
        """The features of some rows of a row group, or of all; NaN where nothing was reported. # [n] -> [n, F]"""
        total = self._open(path).metadata.row_group(group).num_rows
        values = np.empty((total if rows is None else len(rows), len(self.catalogue)), np.float32)
        names = self.catalogue.names
        some = max(1, DECODED_BYTES // (4 * max(total, 1)))
        for first in range(0, len(names), some):
            table = self._decode(path, group, list(names[first : first + some]))
            for feature, name in enumerate(table.column_names, first):
                column = table[name].to_numpy()
                values[:, feature] = column if rows is None else column[rows]
        return values

    def _decode(self, path: Path, group: int, names: list[str]) -> Any:
        import pyarrow

        try:
            table = self._open(path).read_row_group(group, columns=names)
            return table.select(names)
        except (pyarrow.ArrowException, OSError, KeyError) as error:
            raise _unreadable(path, error) from None

    def _open(self, path: Path) -> Any:
        """The file, kept open until another is asked for."""
        import pyarrow.parquet

        if self._opened[0] != path:
            try:
                self._opened = (path, pyarrow.parquet.ParquetFile(path, read_dictionary=["cell"]))
            except KeyError:
                raise _nameless(path, "cell") from None
            except (pyarrow.ArrowException, OSError) as error:
                raise _unreadable(path, error) from None
        return self._opened[1]


class ParquetDays:
    """A history, read day by day in the order in which its records came.

    Files of the same name in several `day=` folders hold the same cells: they are read one day after the other, block
    by block, so that memory needs one file. Where names differ from day to day, all cells are one block.
    """

    def __init__(self, folder: Path) -> None:
        self._files = HistoryFiles(folder)
        self.catalogue = self._files.catalogue
        files = self._files.paths
        days = sorted({path.parent for path in files})
        by_name: dict[str, list[Path]] = {}
        for path in files:
            by_name.setdefault(path.name, []).append(path)
        whole = all(len(paths) == len(days) for paths in by_name.values())
        self._blocks = [[[path] for path in paths] for paths in by_name.values()] if whole else [
            [[path for path in files if path.parent == day] for day in days]
        ]  # fmt: skip

    @property
    def blocks(self) -> int:
        """Sets of cells that can be read apart."""
        return len(self._blocks)

    def records(self, block: int, latest: int) -> int:
        """How many there are in a block's latest days."""
        return sum(self._files.count(path) for paths in self._blocks[block][-latest:] for path in paths)

    def days(self, block: int, latest: int = 0) -> Iterator[Samples]:
        """A block's records, one day at a time, all of them or the latest; its number stands for the partition."""
        for paths in self._blocks[block][-latest:]:
            groups = list(self._files.groups(paths))
            if not groups:
                continue
            keys = [self._files.keys(*group) for group in groups]
            minute = np.concatenate([one.minute for one in keys])
            came = np.concatenate([one.minute if one.received is None else one.received for one in keys])
            order = np.argsort(came, kind="stable")
            cells = np.concatenate([np.array(one.names, object)[one.place] for one in keys])[order].tolist()
            values = np.concatenate([self._files.values(*group) for group in groups])
            yield Samples(block, np.arange(len(cells)), cells, minute[order], values[order])

    def episode(self, cell: str, first: int, last: int) -> NDArray[np.float32]:
        """One cell's minutes from `first` on, up to `last`, which is not among them. # -> [last - first, F]

        Raises HistoryError where it holds none of them.
        """
        values = np.full((last - first, len(self.catalogue)), np.nan, np.float32)
        latest = np.full(last - first, -np.inf)
        for path, group in self._files.groups(self._files.paths):
            keys = self._files.keys(path, group)
            if cell in keys.names:
                rows = np.flatnonzero(keys.place == keys.names.index(cell))
                rows = rows[(keys.minute[rows] >= first) & (keys.minute[rows] < last)]
                at = keys.minute[rows] - first
                new = newest(keys, rows, at, latest)
                values[at[new]] = self._files.values(path, group, rows[new])
        if np.isinf(latest).all():
            raise HistoryError(f"{self._files.folder}: holds no minute of {cell!r} from {first} to {last}.")
        return values


def newest(
    keys: Keys, rows: NDArray[np.int64], at: NDArray[np.int64], latest: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Which of some rows are no older than what lies at their place, in order of arrival; `latest` notes when.

    # rows, at [n], latest [places] -> positions among the n
    """
    came = np.full(len(rows), _LONG_AGO) if keys.received is None else keys.received[rows]
    order = np.argsort(came, kind="stable")
    order = order[came[order] >= latest[at[order]]]
    latest[at[order]] = came[order]
    return order


_LONG_AGO = np.finfo(np.float64).min
"""When a record came whose file does not say so: before any that does."""


def _unreadable(path: Path, error: Exception) -> HistoryError:
    return HistoryError(f"{path}: is no minutes of a history ({str(error).splitlines()[0]}).")


def _nameless(path: Path, column: str) -> HistoryError:
    return HistoryError(f"{path}: has rows without a {column}; every minute of a history has cell and minute.")


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(("_", ".")) for part in path.parts)
