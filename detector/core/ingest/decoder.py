"""Decoder of records: bytes from Kafka become columns, or a rejection with a reason from a closed list.

Bad data raises no exception here. Only a record without a readable cell and time is refused. A value that cannot be
used is not reported, and counted. The watermark checks whether the minute fits the partition, and the windows whether
it fits the cell.
"""

from collections.abc import Collection

import msgspec
import numpy as np
from numpy.typing import NDArray

from detector.core.features import Catalogue
from detector.core.ingest.feed_period import PeriodMeter
from detector.core.ingest.record_parser import ABSENT_VALUE, ParsedRecord, RecordParser
from detector.core.ingest.record_time import record_minute
from detector.core.ingest.samples import MAX_CELL_NAME, Reason, Records, Rejection, Samples, select
from detector.core.ingest.value_faults import FaultCounts, ValueFault

FATAL = {
    ValueFault.MISSING: Reason.MISSING_FEATURE,
    ValueFault.UNKNOWN: Reason.UNKNOWN_FEATURE,
    ValueFault.OUT_OF_RANGE: Reason.OUT_OF_RANGE,
    ValueFault.NUMERIC_TEXT: Reason.WRONG_TYPE,
    ValueFault.NOT_A_NUMBER: Reason.WRONG_TYPE,
}
"""Reasons of the records that a fault of a value refuses, where the operator wants that."""


class Decoder:
    """Decoder for the records of one catalogue. The row of floats takes 3 µs of a record's 14."""

    def __init__(self, catalogue: Catalogue, max_record_bytes: int, fatal: Collection[str] = ()) -> None:
        """`fatal`: faults of a value that refuse its record."""
        self._catalogue, self._names, self._max_record_bytes = catalogue, catalogue.names, max_record_bytes
        self._fatal = frozenset(map(ValueFault, fatal))
        self.parser = RecordParser(catalogue.names)
        self._low, self._high = catalogue.bounds
        self._faults = FaultCounts()
        self._row_faults: list[tuple[int, ValueFault]] = []
        """Faults of single values in the records of this call, as (row, kind)."""
        self.period_meter = PeriodMeter()

    def take_faults(self) -> FaultCounts:
        """Return the faults of values since the last call."""
        faults, self._faults = self._faults, FaultCounts()
        return faults

    def decode(self, records: Records) -> tuple[Samples, list[Rejection]]:
        """Decode records: each becomes either a sample or a rejection, whatever its bytes."""
        values = np.empty((len(records), len(self._names)), np.float32)
        minutes = np.empty(len(records), np.float64)
        index: list[int] = []
        cells: list[str] = []
        rejections: list[Rejection] = []
        self._row_faults = []
        with np.errstate(over="ignore"):
            for position, (key, value) in enumerate(zip(records.keys, records.values, strict=True)):
                reason = self._append_record(key, value, cells, minutes, values)
                if reason is None:
                    index.append(position)
                else:
                    rejections.append(Rejection(position, reason))
        count = len(index)
        minutes = minutes[:count]
        self.period_meter.observe(cells, minutes)
        minute = self._catalogue.sample_minute(minutes)
        samples = Samples(records.partition, np.array(index, np.int64), cells, minute, values[:count])
        return self._refuse_empty(samples, rejections)

    def _append_record(
        self,
        key: bytes | None,
        value: bytes | None,
        cells: list[str],
        minutes: NDArray[np.float64],
        values: NDArray[np.float32],
    ) -> Reason | None:
        """Append one record to the columns at row `len(cells)`, or return the reason for its rejection."""
        if not value:
            return Reason.TOMBSTONE if value is None else Reason.EMPTY
        if len(value) > self._max_record_bytes:
            return Reason.TOO_LARGE
        record = self.parser.parse(value) or self._parse_slowly(value)
        if isinstance(record, Reason):
            return record
        reason = _check_key(key, record.cell)
        minute = None if reason else record_minute(record.time)
        if minute is None:
            return reason or Reason.TIME
        row = len(cells)
        minutes[row] = minute
        values[row] = record.values
        cells.append(record.cell)
        for kind, name, found in record.faults:
            self._row_faults.append((row, kind))
            self._faults.add(kind, name, 1, f"{record.cell}: {found}" if found else record.cell)
        return None

    def _parse_slowly(self, value: bytes) -> ParsedRecord | Reason:
        """Parse what the typed pass could not read, or return why it cannot be read at all."""
        try:
            record = self.parser.parse_slowly(value)
        except UnicodeDecodeError:
            return Reason.NOT_UTF8
        except (ValueError, RecursionError, msgspec.MsgspecError):
            return Reason.MALFORMED
        if record is None:
            return Reason.WRONG_SHAPE
        if not isinstance(record.cell, str):
            return Reason.WRONG_TYPE
        is_time = isinstance(record.time, str | int | float) and not isinstance(record.time, bool)
        return record if is_time else Reason.TIME

    def _refuse_empty(self, samples: Samples, rejections: list[Rejection]) -> tuple[Samples, list[Rejection]]:
        """Empty impossible values, and refuse the records that report nothing, or what the operator calls fatal."""
        values = samples.values
        absent = values == ABSENT_VALUE
        out_of_range = ((values < self._low) & ~absent) | (values > self._high)
        is_faulty = {kind: np.zeros(len(samples), bool) for kind in ValueFault}
        for row, kind in self._row_faults:
            is_faulty[kind][row] = True
        for kind, mask in ((ValueFault.MISSING, absent), (ValueFault.OUT_OF_RANGE, out_of_range)):
            if mask.any():
                self._count(kind, mask, samples)
                is_faulty[kind] |= mask.any(axis=1)
                values[mask] = np.nan
        self._faults.values += values.size
        is_refused = np.isnan(values).all(axis=1)
        for kind in set(ValueFault) - {ValueFault.MISSING}:
            is_refused &= ~is_faulty[kind]
        reasons = np.where(is_refused, Reason.ALL_NULL, "").astype(object)
        for kind in self._fatal:
            reasons[is_faulty[kind]] = FATAL[kind]
            is_refused |= is_faulty[kind]
        if not is_refused.any():
            return samples, rejections
        for row in np.flatnonzero(is_refused).tolist():
            rejections.append(Rejection(int(samples.index[row]), Reason(reasons[row])))
        return select(samples, np.flatnonzero(~is_refused)), rejections

    def _count(self, kind: ValueFault, mask: NDArray[np.bool_], samples: Samples) -> None:
        """Count the faults of a kind by feature. # mask [n, F]"""
        counts = np.count_nonzero(mask, axis=0)
        for feature in np.flatnonzero(counts).tolist():
            row = int(np.argmax(mask[:, feature]))
            value = f": {samples.values[row, feature]:g}" if kind == ValueFault.OUT_OF_RANGE else ""
            self._faults.add(kind, self._names[feature], int(counts[feature]), f"{samples.cells[row]}{value}")


def _check_key(key: bytes | None, cell: str) -> Reason | None:
    try:
        name = cell.encode()
    except UnicodeEncodeError:
        return Reason.MALFORMED
    if not 1 <= len(cell) <= MAX_CELL_NAME:
        return Reason.CELL_NAME
    return None if key == name else Reason.KEY_MISMATCH
