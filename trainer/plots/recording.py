"""Reader of a Parquet history for plots: a few cells and features at a time, since a history can be large."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector.config.catalogue import read_catalogue
from trainer.data.history import HistoryError


class Recording:
    """Parquet history of a folder; of two versions of a minute it returns the later."""

    def __init__(self, folder: Path) -> None:
        import pyarrow.dataset

        self.folder = folder
        self.catalogue = read_catalogue(folder / "catalogue.yaml")
        self._files: Any = pyarrow.dataset.dataset(
            folder, format="parquet", partitioning="hive", exclude_invalid_files=True
        )
        if not self._files.files:
            raise HistoryError(
                f"{folder}: contains no Parquet file; give another folder, or finish the run that writes it."
            )
        if not {"cell", "minute", *self.catalogue.names} <= set(self._files.schema.names):
            raise HistoryError(f"{folder}: lacks the columns of a history; make one with `faultline-trainer simulate`.")

    def extent(self) -> tuple[list[str], tuple[int, int]]:
        """Return the sorted cells, the first minute, and the minute after the last."""
        cells: set[str] = set()
        minutes: list[int] = []
        for batch in self._files.to_batches(columns=["cell", "minute"]):
            if batch.num_rows:
                cells.update(batch["cell"].unique().to_pylist())
                minute = batch["minute"].to_numpy()
                minutes += [int(minute.min()), int(minute.max())]
        if not minutes:
            raise HistoryError(f"{self.folder}: contains no minute; give a folder with Parquet files.")
        return sorted(cells), (min(minutes), max(minutes) + 1)

    def read(self, cells: Sequence[str], minutes: range, names: Sequence[str]) -> NDArray[np.float32]:
        """Return the values of cells, minutes and features; NaN is "not reported". # -> [cells, minutes, names]"""
        import pyarrow
        import pyarrow.compute

        values = np.full((len(cells), len(minutes), len(names)), np.nan, np.float32)
        cell_array = pyarrow.array(cells, "string")
        minute, cell = (pyarrow.compute.field(name) for name in ("minute", "cell"))
        selection = (minute >= minutes.start) & (minute < minutes.stop) & cell.cast("string").isin(cell_array)
        for batch in self._files.to_batches(columns=["cell", "minute", *names], filter=selection):
            offset = batch["minute"].to_numpy() - minutes.start
            rows = np.flatnonzero(offset % minutes.step == 0)
            cell_number = pyarrow.compute.index_in(batch["cell"].cast("string"), cell_array).to_numpy(
                zero_copy_only=False
            )
            for column_number, name in enumerate(names):
                column = batch[name].to_numpy(zero_copy_only=False)
                values[cell_number[rows].astype(int), offset[rows] // minutes.step, column_number] = column[rows]
        return values
