"""Decoding of records: bytes from Kafka become columns, or a rejection with a reason from a closed list.

Bad data raises no exception here. This module checks that a record's minute is a time at all. The watermark checks
whether the minute fits the partition, and the windows whether it fits the cell.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from detector.core.features import Catalogue
from detector.core.vocabulary import EARLIEST_MINUTE, LATEST_MINUTE
from detector.malformed_json import MALFORMED_JSON

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


def _features_type(catalogue: Catalogue) -> type[msgspec.Struct]:
    fields = [(f"f{number}", float | None) for number in range(len(catalogue))]
    rename = {f"f{number}": name for number, name in enumerate(catalogue.names)}
    return msgspec.defstruct("Features", fields, forbid_unknown_fields=True, rename=rename, gc=False)


def _record_type(features: type[msgspec.Struct]) -> type[msgspec.Struct]:
    cell = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_CELL_NAME)]
    time = Annotated[datetime, msgspec.Meta(tz=True)] | int | float
    fields: list[tuple[str, Any]] = [("cell", cell), ("time", time), ("features", features)]
    return msgspec.defstruct("Record", fields, forbid_unknown_fields=True, gc=False)


class Decoder:
    """Decoder for the records of one catalogue. msgspec takes about 11 µs of a record's 14, the row of floats 3."""

    def __init__(self, catalogue: Catalogue, max_record_bytes: int) -> None:
        self._catalogue = catalogue
        self._max_record_bytes = max_record_bytes
        self.decode_value: Callable[[bytes], Any] = msgspec.json.Decoder(_record_type(_features_type(catalogue))).decode
        """Decode one value, without further checks."""
        self._low, self._high = catalogue.bounds

    def decode(self, records: Records) -> tuple[Samples, list[Rejection]]:
        """Decode records: each becomes either a sample or a rejection, whatever its bytes."""
        values = np.empty((len(records), len(self._catalogue)), np.float32)
        minute = np.empty(len(records), np.int64)
        index: list[int] = []
        cells: list[str] = []
        rejections: list[Rejection] = []
        with np.errstate(over="ignore"):
            for position, (key, value) in enumerate(zip(records.keys, records.values, strict=True)):
                reason = self._append_record(key, value, cells, minute, values)
                if reason is None:
                    index.append(position)
                else:
                    rejections.append(Rejection(position, reason))
        count = len(index)
        samples = Samples(records.partition, np.array(index, np.int64), cells, minute[:count], values[:count])
        return self._refuse_impossible(samples, rejections)

    def _append_record(
        self,
        key: bytes | None,
        value: bytes | None,
        cells: list[str],
        minute: NDArray[np.int64],
        values: NDArray[np.float32],
    ) -> Reason | None:
        """Append one record to the columns at row `len(cells)`, or return the reason for its rejection."""
        if not value:
            return Reason.TOMBSTONE if value is None else Reason.EMPTY
        if len(value) > self._max_record_bytes:
            return Reason.TOO_LARGE
        try:
            record = self.decode_value(value)
        except MALFORMED_JSON:
            return diagnose(value, self._catalogue.names)
        if key != record.cell.encode():
            return Reason.KEY_MISMATCH
        record_minute = _minute_of(record.time)
        if record_minute is None:
            return Reason.TIME
        row = len(cells)
        minute[row] = record_minute
        values[row] = msgspec.structs.astuple(record.features)
        cells.append(record.cell)
        return None

    def _refuse_impossible(self, samples: Samples, rejections: list[Rejection]) -> tuple[Samples, list[Rejection]]:
        all_null = np.asarray(np.isnan(samples.values).all(axis=1))
        out_of_range = ((samples.values < self._low) | (samples.values > self._high)).any(axis=1)
        impossible = all_null | out_of_range
        if not impossible.any():
            return samples, rejections
        for row in np.flatnonzero(impossible):
            reason = Reason.ALL_NULL if all_null[row] else Reason.OUT_OF_RANGE
            rejections.append(Rejection(int(samples.index[row]), reason))
        return select(samples, np.flatnonzero(~impossible)), rejections


def select(samples: Samples, rows: NDArray[np.int64]) -> Samples:
    """Return the samples at `rows`, in that order."""
    return Samples(
        partition=samples.partition,
        index=samples.index[rows],
        cells=[samples.cells[row] for row in rows],
        minute=samples.minute[rows],
        values=samples.values[rows],
    )


def _minute_of(time: datetime | int | float) -> int | None:
    """Return the minute of a time, or None for a time outside this century."""
    seconds = time.timestamp() if isinstance(time, datetime) else time
    minute = seconds // 60
    return int(minute) if EARLIEST_MINUTE <= minute < LATEST_MINUTE else None


def diagnose(value: bytes, names: Sequence[str]) -> Reason:
    """Return the reason why the typed decoder refused a record. This check is slow: it is for refused records only."""
    try:
        value.decode()
    except UnicodeDecodeError:
        return Reason.NOT_UTF8
    try:
        record = msgspec.json.decode(value)
    except MALFORMED_JSON:
        return Reason.MALFORMED
    if not isinstance(record, dict) or set(record) != {"cell", "time", "features"}:
        return Reason.WRONG_SHAPE
    cell, time, features = record["cell"], record["time"], record["features"]
    if not isinstance(cell, str) or not isinstance(features, dict):
        return Reason.WRONG_TYPE
    if not 1 <= len(cell) <= MAX_CELL_NAME:
        return Reason.CELL_NAME
    if isinstance(time, str):
        try:
            msgspec.convert(time, Annotated[datetime, msgspec.Meta(tz=True)])
        except msgspec.ValidationError:
            return Reason.TIME
    elif isinstance(time, bool) or not isinstance(time, int | float):
        return Reason.TIME
    if set(names) - set(features):
        return Reason.MISSING_FEATURE
    if set(features) - set(names):
        return Reason.UNKNOWN_FEATURE
    return Reason.WRONG_TYPE


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
