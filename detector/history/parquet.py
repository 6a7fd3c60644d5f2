"""History in Parquet: columns `cell`, `minute` and one float32 per feature, null = not reported.

A file is read one row group at a time: first cells and minutes, then the features of the required rows. Memory
therefore needs one row group, however long the history is. Of two versions of a minute the later counts: by `received`
where a file has that column, else by the order of the files' paths.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector.config.catalogue import read_catalogue
from detector.core.ingest.samples import Samples
from detector.errors import OperatorError

DECODED_BYTES = 128 * 2**20
"""Most bytes of features that are decoded together: all of an ordinary row group, some columns of a huge one."""


class HistoryError(OperatorError):
    """History that cannot be read, or does not hold what is required."""


@dataclass(frozen=True)
class Keys:
    """Cell and minute of every row of one row group."""

    names: list[str]
    cell: NDArray[np.int32]
    """Index of each row's cell in `names`. # [n], as the others"""
    minute: NDArray[np.int64]
    received: NDArray[np.float64] | None
    """Time of arrival in seconds since 1970; None where the file has no such column."""


class HistoryFiles:
    """Files of a history, in the order of their paths; a row group is (file, index in the file)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.catalogue = read_catalogue(folder / "catalogue.yaml")
        self._bounds = self.catalogue.bounds
        self.paths = sorted(path for path in folder.rglob("*.parquet") if not _is_hidden(path.relative_to(folder)))
        if not self.paths:
            raise HistoryError(f"{folder}: holds no Parquet file; make one with `faultline-trainer simulate`.")
        self._opened: tuple[Path | None, Any] = (None, None)

    def groups(self, paths: list[Path]) -> Iterator[tuple[Path, int]]:
        """Yield all row groups of these files, in order. Raises HistoryError."""
        for path in paths:
            yield from ((path, group) for group in range(self._open(path).num_row_groups))

    def count(self, path: Path) -> int:
        """Return the number of rows of a file. Raises HistoryError."""
        return int(self._open(path).metadata.num_rows)

    def keys(self, path: Path, group: int) -> Keys:
        """Return the cells and samples' minutes of a row group. Raises HistoryError."""
        keys = self.stored_keys(path, group)
        return replace(keys, minute=self.catalogue.granularity.first_minute(keys.minute))

    def stored_keys(self, path: Path, group: int) -> Keys:
        """Return the cells and minutes of a row group as they are stored. Raises HistoryError."""
        file = self._open(path)
        columns = [name for name in ("cell", "minute", "received") if name in file.schema_arrow.names]
        table = self._decode(path, group, columns)
        for name in ("cell", "minute"):
            if name not in columns or table[name].null_count:
                raise _missing_key(path, name)
        cell = table["cell"].unify_dictionaries().combine_chunks()
        cell = cell if hasattr(cell, "dictionary") else cell.dictionary_encode()
        return Keys(
            names=cell.dictionary.to_pylist(),
            cell=cell.indices.to_numpy().astype(np.int32),
            minute=table["minute"].to_numpy().astype(np.int64),
            received=table["received"].to_numpy().astype(np.float64) if "received" in columns else None,
        )

    def values(self, path: Path, group: int, rows: NDArray[np.int64] | None = None) -> NDArray[np.float32]:
        """Return the features of some rows of a row group, or of all; NaN = not reported. # [n] -> [n, F]

        A value outside the range of its feature counts as not reported, as it does in a record. Raises HistoryError.
        """
        values = self.stored_values(path, group, rows)
        low, high = self._bounds
        values[(values < low) | (values > high)] = np.nan
        return values

    def stored_values(self, path: Path, group: int, rows: NDArray[np.int64] | None = None) -> NDArray[np.float32]:
        """Return the features as they are stored, whatever their range. # [n] -> [n, F]. Raises HistoryError."""
        total = self._open(path).metadata.row_group(group).num_rows
        values = np.empty((total if rows is None else len(rows), len(self.catalogue)), np.float32)
        names = self.catalogue.names
        columns_at_once = max(1, DECODED_BYTES // (4 * max(total, 1)))
        for first in range(0, len(names), columns_at_once):
            table = self._decode(path, group, list(names[first : first + columns_at_once]))
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
        """Return the file; it stays open until another file is opened."""
        import pyarrow.parquet

        if self._opened[0] != path:
            try:
                self._opened = (path, pyarrow.parquet.ParquetFile(path, read_dictionary=["cell"]))
            except KeyError:
                raise _missing_key(path, "cell") from None
            except (pyarrow.ArrowException, OSError) as error:
                raise _unreadable(path, error) from None
        return self._opened[1]


class ParquetDays:
    """History that is read day by day, in the order in which its records arrived.

    Files of the same name in several `day=` folders hold the same cells, a block. Each block is read one day after the
    other, so that memory needs one file. Where the names differ from day to day, all cells are one block.
    """

    def __init__(self, folder: Path) -> None:
        self._files = HistoryFiles(folder)
        self.catalogue = self._files.catalogue
        files = self._files.paths
        days = sorted({path.parent for path in files})
        by_name: dict[str, list[Path]] = {}
        for path in files:
            by_name.setdefault(path.name, []).append(path)
        if all(len(paths) == len(days) for paths in by_name.values()):
            self._blocks = [[[path] for path in paths] for paths in by_name.values()]
        else:
            self._blocks = [[[path for path in files if path.parent == day] for day in days]]

    @property
    def blocks(self) -> int:
        """Number of sets of cells that can be read independently."""
        return len(self._blocks)

    def records(self, block: int, latest: int) -> int:
        """Return the number of records in the latest days of a block."""
        return sum(self._files.count(path) for paths in self._blocks[block][-latest:] for path in paths)

    @property
    def total_records(self) -> int:
        """Number of records of all blocks."""
        return sum(self.records(block, 0) for block in range(self.blocks))

    def days(self, block: int, latest: int = 0) -> Iterator[Samples]:
        """Yield a block's records day by day: all days, or the latest ones. The block is their partition."""
        for paths in self._blocks[block][-latest:]:
            groups = list(self._files.groups(paths))
            if not groups:
                continue
            keys = [self._files.keys(*group) for group in groups]
            minute = np.concatenate([group.minute for group in keys])
            arrival = np.concatenate([group.minute if group.received is None else group.received for group in keys])
            order = np.argsort(arrival, kind="stable")
            cells = np.concatenate([np.array(group.names, object)[group.cell] for group in keys])[order].tolist()
            values = np.concatenate([self._files.values(*group) for group in groups])
            yield Samples(block, np.arange(len(cells)), cells, minute[order], values[order])

    def episode(self, cell: str, first: int, last: int) -> NDArray[np.float32]:
        """Return the samples of one cell from `first` to `last`, exclusive; NaN = not reported. # -> [m, F]

        `first` is the first minute of a period. Raises HistoryError where the history holds none of them.
        """
        period = self.catalogue.period_minutes
        count = -(-(last - first) // period)
        values = np.full((count, len(self.catalogue)), np.nan, np.float32)
        latest = np.full(count, -np.inf)
        for path, group in self._files.groups(self._files.paths):
            keys = self._files.keys(path, group)
            if cell in keys.names:
                rows = np.flatnonzero(keys.cell == keys.names.index(cell))
                rows = rows[(keys.minute[rows] >= first) & (keys.minute[rows] < last)]
                slots = (keys.minute[rows] - first) // period
                newer = newest_rows(keys, rows, slots, latest)
                values[slots[newer]] = self._files.values(path, group, rows[newer])
        if np.isinf(latest).all():
            raise HistoryError(
                f"{self._files.folder}: holds no minute of {cell!r} from {first} to {last}; give a cell and a time that"
                " it holds."
            )
        return values


def newest_rows(
    keys: Keys, rows: NDArray[np.int64], slots: NDArray[np.int64], latest: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Return which of the rows are no older than the latest row of their slot, in order of arrival.

    Writes the arrival of these rows into `latest`. # rows, slots [n], latest [slots] -> indices into rows
    """
    arrival = np.full(len(rows), _UNKNOWN_ARRIVAL) if keys.received is None else keys.received[rows]
    order = np.argsort(arrival, kind="stable")
    order = order[arrival[order] >= latest[slots[order]]]
    latest[slots[order]] = arrival[order]
    return order


_UNKNOWN_ARRIVAL = np.finfo(np.float64).min
"""Arrival of a record whose file has no `received`: before every known arrival."""


def _unreadable(path: Path, error: Exception) -> HistoryError:
    return HistoryError(
        f"{path}: cannot be read as minutes of a history ({str(error).splitlines()[0]}); write the file again, or"
        " remove it."
    )


def _missing_key(path: Path, column: str) -> HistoryError:
    return HistoryError(f"{path}: has rows without a {column}; every minute of a history has cell and minute.")


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(("_", ".")) for part in path.parts)
