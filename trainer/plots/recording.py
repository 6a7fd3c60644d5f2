"""A history in Parquet, read a few cells and features at a time: a person looks at a corner of what may be huge."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector.config.loader import read_catalogue
from trainer.data.history import HistoryError


class Recording:
    """The folder that `ParquetHistory` reads. Of two versions of a minute, the later."""

    def __init__(self, folder: Path) -> None:
        import pyarrow.dataset

        self.folder = folder
        self.catalogue = read_catalogue(folder / "catalogue.yaml")
        self._files: Any = pyarrow.dataset.dataset(
            folder, format="parquet", partitioning="hive", exclude_invalid_files=True
        )
        if not self._files.files:
            raise HistoryError(f"{folder}: holds no Parquet; give another folder, or finish the run that made it.")
        if not {"cell", "minute", *self.catalogue.names} <= set(self._files.schema.names):
            raise HistoryError(f"{folder}: is no history; make one with `faultline-trainer simulate`.")

    def extent(self) -> tuple[list[str], tuple[int, int]]:
        """Its cells in order, its first minute, and the one after the last."""
        cells: set[str] = set()
        minutes: list[int] = []
        for batch in self._files.to_batches(columns=["cell", "minute"]):
            if batch.num_rows:
                cells.update(batch["cell"].unique().to_pylist())
                minute = batch["minute"].to_numpy()
                minutes += [int(minute.min()), int(minute.max())]
        if not minutes:
            raise HistoryError(f"{self.folder}: holds no minute; give a folder with Parquet files.")
        return sorted(cells), (min(minutes), max(minutes) + 1)

    def read(self, cells: Sequence[str], minutes: range, names: Sequence[str]) -> NDArray[np.float32]:
        """NaN where nothing was reported. # -> [cells, minutes, names]"""
        import pyarrow
        import pyarrow.compute

        values = np.full((len(cells), len(minutes), len(names)), np.nan, np.float32)
        wanted = pyarrow.array(cells, "string")
        minute, cell = (pyarrow.compute.field(name) for name in ("minute", "cell"))
        inside = (minute >= minutes.start) & (minute < minutes.stop) & cell.cast("string").isin(wanted)
        for batch in self._files.to_batches(columns=["cell", "minute", *names], filter=inside):
            since = batch["minute"].to_numpy() - minutes.start
            rows = np.flatnonzero(since % minutes.step == 0)
            number = pyarrow.compute.index_in(batch["cell"].cast("string"), wanted).to_numpy(zero_copy_only=False)
            for place, name in enumerate(names):
                column = batch[name].to_numpy(zero_copy_only=False)
                values[number[rows].astype(int), since[rows] // minutes.step, place] = column[rows]
        return values
