"""Records and samples: what Kafka delivers, the columns that become of it, and the reasons why a record is refused."""

from dataclasses import dataclass
from enum import StrEnum

import msgspec
import numpy as np
from numpy.typing import NDArray

from detector.core.features import Catalogue

MAX_CELL_NAME = 128
"""Maximal length in characters. The longest 3GPP distinguished names in the field have about 100; more is an error."""


class Reason(StrEnum):
    """Reason why a record went to the dead letters. The list is closed: it labels a metric."""

    TOMBSTONE = "tombstone"
    EMPTY = "empty"
    TOO_LARGE = "too_large"
    NOT_UTF8 = "not_utf8"
    MALFORMED = "malformed"
    WRONG_SHAPE = "wrong_shape"
    WRONG_TYPE = "wrong_type"
    CELL_NAME = "cell_name"
    KEY_MISMATCH = "key_mismatch"
    TIME = "time"
    MISSING_FEATURE = "missing_feature"
    UNKNOWN_FEATURE = "unknown_feature"
    OUT_OF_RANGE = "out_of_range"
    ALL_NULL = "all_null"
    TOO_FAR_AHEAD = "too_far_ahead"
    TOO_LATE = "too_late"
    TOO_MANY_CELLS = "too_many_cells"


@dataclass(frozen=True)
class Records:
    """Records of one partition from one poll, as Kafka delivered them."""

    partition: int
    offsets: NDArray[np.int64]
    keys: list[bytes | None]
    values: list[bytes | None]

    def __len__(self) -> int:
        return len(self.values)

    def part(self, rows: slice) -> "Records":
        """Return the records of these rows."""
        return Records(self.partition, self.offsets[rows], self.keys[rows], self.values[rows])


@dataclass(frozen=True)
class Samples:
    """Samples: the decodable records of one partition, in offset order; NaN = not reported."""

    partition: int
    index: NDArray[np.int64]
    """Position of each sample among its `Records`. # [n]"""
    cells: list[str]
    minute: NDArray[np.int64]
    values: NDArray[np.float32]
    """# [n, F]"""

    def __len__(self) -> int:
        return len(self.cells)


@dataclass(frozen=True)
class Rejection:
    """One refused record: its position among its `Records`, and the reason."""

    index: int
    reason: Reason


def select(samples: Samples, rows: NDArray[np.int64]) -> Samples:
    """Return the samples at `rows`, in that order."""
    return Samples(
        partition=samples.partition,
        index=samples.index[rows],
        cells=[samples.cells[row] for row in rows],
        minute=samples.minute[rows],
        values=samples.values[rows],
    )


def records_of(cell: str, first: int, values: NDArray[np.float32], catalogue: Catalogue) -> Records:
    """Encode one cell's samples as the input topic carries them, without those that have no value at all.

    # values f32 [m, F], the first of minute `first`
    """
    period, shift = catalogue.period_minutes, catalogue.period_minutes if catalogue.stamp == "end" else 0
    reported = np.flatnonzero(~np.isnan(values).all(axis=1))
    bodies: list[bytes | None] = []
    for position in reported.tolist():
        row = [None if np.isnan(value) else float(value) for value in values[position]]
        features = dict(zip(catalogue.names, row, strict=True))
        bodies.append(
            msgspec.json.encode({"cell": cell, "time": (first + position * period + shift) * 60, "features": features})
        )
    return Records(0, reported.astype(np.int64), [cell.encode()] * len(reported), bodies)
