"""What a record is: bytes from Kafka become columns, or a rejection with a reason from a closed list.

Nothing here raises on bad data. What a record says about *its own* minute is judged here; whether that minute fits the
rest of the network is judged by the frontier, and whether it fits its cell by the windows.
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

MAX_CELL_NAME = 128
"""Characters. The longest 3GPP distinguished names in the field are about 100; a name beyond this is an accident."""

EARLIEST_MINUTE, LATEST_MINUTE = 15_778_080, 68_374_080
"""2000-01-01 and 2100-01-01. Outside, it is no time in seconds: milliseconds read as seconds lie in the year 50,000."""


class Reason(StrEnum):
    """Why a record went to the dead letters. Closed: it labels a metric."""

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
    """One partition's share of a poll, as Kafka gave it."""

    partition: int
    offsets: NDArray[np.int64]
    keys: list[bytes | None]
    values: list[bytes | None]

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True)
class Samples:
    """The decodable records of one partition, in offset order; NaN = not reported."""

    partition: int
    index: NDArray[np.int64]
    """Position of each sample among the `Records` it came from. # [n]"""
    cells: list[str]
    minute: NDArray[np.int64]
    values: NDArray[np.float32]
    """# [n, F]"""

    def __len__(self) -> int:
        return len(self.cells)


@dataclass(frozen=True)
class Rejection:
    """One refused record: where it lies among its `Records`, and why."""

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
    """Decodes records of one catalogue. About 11 µs of a record's 14 are msgspec's, 3 the row of floats."""

    def __init__(self, catalogue: Catalogue, max_record_bytes: int) -> None:
        self._catalogue = catalogue
        self._max_record_bytes = max_record_bytes
        self.typed: Callable[[bytes], Any] = msgspec.json.Decoder(_record_type(_features_type(catalogue))).decode
        """The bare decoding of one value, without its checks."""
        self._low, self._high = catalogue.bounds

    def decode(self, records: Records) -> tuple[Samples, list[Rejection]]:
        """Every record becomes either a sample or a rejection, whatever its bytes."""
        values = np.empty((len(records), len(self._catalogue)), np.float32)
        minute = np.empty(len(records), np.int64)
        index: list[int] = []
        cells: list[str] = []
        rejections: list[Rejection] = []
        with np.errstate(over="ignore"):
            for position, (key, value) in enumerate(zip(records.keys, records.values, strict=True)):
                reason = self._fill(key, value, cells, minute, values)
                if reason is None:
                    index.append(position)
                else:
                    rejections.append(Rejection(position, reason))
        count = len(index)
        samples = Samples(records.partition, np.array(index, np.int64), cells, minute[:count], values[:count])
        return self._refuse_impossible(samples, rejections)

    def _fill(
        self,
        key: bytes | None,
        value: bytes | None,
        cells: list[str],
        minute: NDArray[np.int64],
        values: NDArray[np.float32],
    ) -> Reason | None:
        """Appends one record to the columns, at the row that `cells` has reached, or says why not."""
        if not value:
            return Reason.TOMBSTONE if value is None else Reason.EMPTY
        if len(value) > self._max_record_bytes:
            return Reason.TOO_LARGE
        try:
            record = self.typed(value)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return diagnose(value, self._catalogue.names)
        if key != record.cell.encode():
            return Reason.KEY_MISMATCH
        when = _minute_of(record.time)
        if when is None:
            return Reason.TIME
        row = len(cells)
        minute[row] = when
        values[row] = msgspec.structs.astuple(record.features)
        cells.append(record.cell)
        return None

    def _refuse_impossible(self, samples: Samples, rejections: list[Rejection]) -> tuple[Samples, list[Rejection]]:
        all_null = np.asarray(np.isnan(samples.values).all(axis=1))
        outside = ((samples.values < self._low) | (samples.values > self._high)).any(axis=1)
        bad = all_null | outside
        if not bad.any():
            return samples, rejections
        for row in np.flatnonzero(bad):
            reason = Reason.ALL_NULL if all_null[row] else Reason.OUT_OF_RANGE
            rejections.append(Rejection(int(samples.index[row]), reason))
        return select(samples, np.flatnonzero(~bad)), rejections


def select(samples: Samples, rows: NDArray[np.int64]) -> Samples:
    """The samples at `rows`, in that order."""
    return Samples(
        samples.partition,
        samples.index[rows],
        [samples.cells[row] for row in rows],
        samples.minute[rows],
        samples.values[rows],
    )


def _minute_of(time: datetime | int | float) -> int | None:
    """The minute a time lies in, or None where it is no time of this century."""
    seconds = time.timestamp() if isinstance(time, datetime) else time
    minute = seconds // 60
    return int(minute) if EARLIEST_MINUTE <= minute < LATEST_MINUTE else None


def diagnose(value: bytes, names: Sequence[str]) -> Reason:
    """Why a record that the typed decoder refused is wrong: the slow look, for refused records only."""
    try:
        value.decode()
    except UnicodeDecodeError:
        return Reason.NOT_UTF8
    try:
        record = msgspec.json.decode(value)
    except (msgspec.MsgspecError, RecursionError):
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


def records_of(cell: str, first: int, values: NDArray[np.float32], names: Sequence[str]) -> Records:
    """One cell's minutes as the input topic would carry them; those of which nothing is known are left out.

    # values f32 [m, F], the first of minute `first`
    """
    there = np.flatnonzero(~np.isnan(values).all(axis=1))
    bodies: list[bytes | None] = []
    for at in there.tolist():
        told = [None if np.isnan(one) else float(one) for one in values[at]]
        features = dict(zip(names, told, strict=True))
        bodies.append(msgspec.json.encode({"cell": cell, "time": (first + at) * 60, "features": features}))
    return Records(0, there.astype(np.int64), [cell.encode()] * len(there), bodies)
