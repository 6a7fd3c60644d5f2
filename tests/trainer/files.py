"""A history as another tool would write it: one file a day, no more than the format asks for."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
from numpy.typing import NDArray

from detector.config.catalogue import catalogue_yaml
from detector.core.features import Catalogue


def write_day(
    folder: Path,
    day: str,
    cells: Sequence[str],
    minute: NDArray[np.int64],
    values: NDArray[np.float32],
    names: Sequence[str],
) -> None:
    """# cells [n], minute [n], values [n, F]"""
    columns: dict[str, object] = {"cell": pyarrow.array(cells), "minute": pyarrow.array(minute)}
    for feature, name in enumerate(names):
        columns[name] = pyarrow.array(values[:, feature], from_pandas=True)
    target = folder / f"day={day}"
    target.mkdir(parents=True, exist_ok=True)
    pyarrow.parquet.write_table(pyarrow.table(columns), target / "any.parquet")


def write_catalogue(catalogue: Catalogue, path: Path) -> None:
    """Write the features that the files of a history have."""
    path.write_text(catalogue_yaml(catalogue), encoding="utf-8")
