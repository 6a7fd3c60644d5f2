"""What a network reported: minutes of cells, from Parquet or straight from a simulated network.

Parquet: `cell` (string), `minute` (int64), one float32 column per feature, null = not reported, partitioned by day.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from detector.config import read_catalogue
from detector.core.features import Catalogue
from detector.history import HistoryError
from trainer.simulator import Episode, Life, Network, catalogue, delivered

START_MINUTE = 29_459_520
"""Monday, 2026-01-05 00:00 UTC: where simulated pasts begin, so that they begin with a week."""


class History(Protocol):
    """Any network's past, by cell number and minute."""

    @property
    def catalogue(self) -> Catalogue: ...

    @property
    def cells(self) -> Sequence[str]: ...

    @property
    def span(self) -> tuple[int, int]:
        """First minute, and the one after the last."""
        ...

    def read(self, cell: NDArray[np.int64], minute: NDArray[np.int64]) -> NDArray[np.float32]:
        """NaN where nothing was reported. # [n], [n] -> [n, F]"""
        ...


@dataclass(frozen=True)
class SimulatedHistory:
    """A simulated network's past, with what befell it: never stored, made where it is looked at."""

    network: Network
    span: tuple[int, int]
    episodes: tuple[Episode, ...] = ()
    whole: bool = False
    """With all of the world's features: what the operator never delivers is null, and what it does in its own units."""

    @cached_property
    def life(self) -> Life:
        return Life(self.network, self.episodes)

    @cached_property
    def catalogue(self) -> Catalogue:
        return catalogue() if self.whole else self.network.operator.measurement.catalogue()

    @property
    def cells(self) -> Sequence[str]:
        return self.network.names

    def read(self, cell: NDArray[np.int64], minute: NDArray[np.int64]) -> NDArray[np.float32]:
        values = self.life.reported(cell, minute)
        return values if self.whole else values[:, delivered(self.network.operator.measurement)]


class ParquetHistory:
    """A network's past from files, held in memory: 0.5 kB a cell and minute. Of two versions of a minute, the later."""

    def __init__(self, folder: Path) -> None:
        import pyarrow.dataset

        self.catalogue: Catalogue = read_catalogue(folder / "catalogue.yaml")
        try:
            table = pyarrow.dataset.dataset(folder, format="parquet", partitioning="hive", exclude_invalid_files=True)
            columns = table.to_table(columns=["cell", "minute", *self.catalogue.names])
        except (pyarrow.ArrowInvalid, FileNotFoundError, KeyError) as error:
            raise HistoryError(
                f"{folder}: is no history ({str(error).splitlines()[0]}); make one with `faultline-trainer simulate`."
            ) from None
        minute = columns["minute"].to_numpy()
        if not len(minute):
            raise HistoryError(f"{folder}: holds no minute; give a folder with Parquet files.")
        names, number = np.unique(columns["cell"].to_numpy(zero_copy_only=False).astype(str), return_inverse=True)
        self.cells: Sequence[str] = names.tolist()
        self.span: tuple[int, int] = (int(minute.min()), int(minute.max()) + 1)
        shape = (len(self.cells), self.span[1] - self.span[0], len(self.catalogue))
        self._values = np.full(shape, np.nan, np.float32)
        for feature, name in enumerate(self.catalogue.names):
            self._values[number, minute - self.span[0], feature] = columns[name].to_numpy(zero_copy_only=False)

    def read(self, cell: NDArray[np.int64], minute: NDArray[np.int64]) -> NDArray[np.float32]:
        inside = (minute >= self.span[0]) & (minute < self.span[1])
        values = self._values[cell, np.where(inside, minute - self.span[0], 0)]
        return np.where(inside[:, None], values, np.nan).astype(np.float32)
