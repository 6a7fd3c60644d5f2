"""A network's past in files: Parquet with `cell`, `minute` and one float32 column per feature, null = not reported.

Files of the same name in several `day=` folders hold the same cells: they are read one day after the other, block by
block, so that memory needs one file. Where names differ from day to day, all cells are one block.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector.config import read_catalogue
from detector.core.samples import Samples
from detector.errors import OperatorError


class HistoryError(OperatorError):
    """A history that cannot be read, or does not hold what is asked of it."""


class ParquetDays:
    """A history, read day by day in the order in which its records came."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.catalogue = read_catalogue(folder / "catalogue.yaml")
        files = sorted(path for path in folder.rglob("*.parquet") if not _is_hidden(path.relative_to(folder)))
        if not files:
            raise HistoryError(f"{folder}: holds no Parquet file; make one with `faultline-trainer simulate`.")
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

    def days(self, block: int) -> Iterator[Samples]:
        """A block's records, one day at a time; the block's number stands for the partition."""
        for paths in self._blocks[block]:
            table = self._read(paths, None)
            minute = table["minute"].to_numpy()
            came = table["received"].to_numpy() if "received" in table.column_names else minute
            order = np.argsort(came, kind="stable")
            cells = np.array(table["cell"].to_pylist(), object)[order].tolist()
            yield Samples(block, np.arange(len(cells)), cells, minute[order], self._values(table)[order])

    def episode(self, cell: str, first: int, last: int) -> NDArray[np.float32]:
        """One cell's minutes from `first` on, up to `last`, which is not among them. # -> [last - first, F]

        Raises HistoryError where it holds none of them.
        """
        import pyarrow.dataset

        wanted = (pyarrow.dataset.field("cell") == cell) & (pyarrow.dataset.field("minute") >= first)
        table = self._read([path for block in self._blocks for day in block for path in day],
                           wanted & (pyarrow.dataset.field("minute") < last))  # fmt: skip
        if not table.num_rows:
            raise HistoryError(f"{self._folder}: holds no minute of {cell!r} from {first} to {last}.")
        values = np.full((last - first, len(self.catalogue)), np.nan, np.float32)
        values[table["minute"].to_numpy() - first] = self._values(table)
        return values

    def _read(self, paths: list[Path], wanted: Any) -> Any:
        import pyarrow
        import pyarrow.dataset

        try:
            dataset = pyarrow.dataset.dataset([str(path) for path in paths], format="parquet")
            names = [name for name in ("cell", "minute", "received") if name in dataset.schema.names]
            return dataset.to_table(columns=[*names, *self.catalogue.names], filter=wanted)
        except (pyarrow.ArrowInvalid, OSError, KeyError) as error:
            raise HistoryError(f"{paths[0]}: is no minutes of a history ({str(error).splitlines()[0]}).") from None

    def _values(self, table: Any) -> NDArray[np.float32]:
        values = np.empty((table.num_rows, len(self.catalogue)), np.float32)
        for feature, name in enumerate(self.catalogue.names):
            values[:, feature] = table[name].to_numpy()
        return values


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(("_", ".")) for part in path.parts)
