"""Minutes as records of the input topic."""

from collections.abc import Iterator, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from detector.notifications import iso_time


def minute_records(
    cells: Sequence[str], minute: int, values: NDArray[np.float32], names: Sequence[str]
) -> Iterator[tuple[bytes, bytes, int]]:
    """(key, value, timestamp in ms) of one minute of these cells; NaN becomes null. # values [cells, F]"""
    time = iso_time(minute)
    rounded = np.round(values.astype(np.float64), 4)
    for cell, row in zip(cells, rounded.tolist(), strict=True):
        features = {name: _number(value) for name, value in zip(names, row, strict=True)}
        body = msgspec.json.encode({"cell": cell, "time": time, "features": features})
        yield cell.encode(), body, minute * 60_000


def _number(value: float) -> float | int | None:
    if value != value:
        return None
    return int(value) if value.is_integer() else value
