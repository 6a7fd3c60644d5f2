"""Topic history: the input topic as a source of past minutes, for teaching and search."""

from contextlib import closing
from difflib import get_close_matches

import numpy as np

from detector.config.schema import Config
from detector.core.features import Catalogue
from detector.core.ingest.samples import Decoder, Records, Samples
from detector.errors import OperatorError, TimeError
from detector.history.sampling import CellMinutes, HistorySample, SampleSize, is_chosen
from detector.kafka.readers.range_reader import OffsetRange, RangeReader, partition_of
from detector.timestamps import write_minute

RAW_RECORDS = 1_000_000
"""Records of one sample: 2.5 GB, some ten seconds from a broker. Few of them are decoded."""

MOST_OTHER_NAMES = 100_000
"""Other cells' names that are remembered, to suggest the one that was meant."""


class TopicHistory:
    """Source of the minutes that the input topic still holds. The caller closes it."""

    def __init__(self, config: Config, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self._topic = config.kafka.topics.minutes
        self._delay = config.minutes.behind_minutes
        self._reader = RangeReader(config)
        self._decoder = Decoder(catalogue, config.limits.record_bytes)

    def minutes(self, cell: str, first: int, last: int) -> CellMinutes:
        """Return a cell's minutes in [first, last), the newest record of each. Raises OperatorError.

        The partition of the cell's key is searched first, then the others. Records are found by their own timestamps,
        up to `behind_minutes` after the minute they report.
        """
        key, other_keys = cell.encode(), set[bytes]()

        def is_wanted(record_key: bytes | None) -> bool:
            if record_key is not None and record_key != key and len(other_keys) < MOST_OTHER_NAMES:
                other_keys.add(record_key)
            return record_key == key

        samples: list[Samples] = []
        for partition in _search_order(key, self._reader.partition_count):
            (offset_range,) = self._reader.offset_ranges([partition], first * 60_000, (last + self._delay) * 60_000)
            samples += [self._decoder.decode(records)[0] for records in self._reader.read(offset_range, is_wanted)]
            if samples:
                break
        minute = np.concatenate([np.empty(0, np.int64), *(batch.minute for batch in samples)])
        rows_inside = np.flatnonzero((minute >= first) & (minute < last))
        if not len(rows_inside):
            raise self._absence_error(cell, first, last, sorted(other_keys))
        values = np.concatenate([batch.values for batch in samples])
        _, newest = np.unique(minute[rows_inside][::-1], return_index=True)
        rows = rows_inside[::-1][newest]
        return CellMinutes(minute[rows], values[rows])

    def read_sample(self, cell: str, sample: SampleSize) -> HistorySample:
        """Return a fair share of the cells of whole partitions, the cell's own partition first.

        As many partitions are read as some seconds allow. Raises ClusterError.
        """
        bounds = self._reader.bounds_ms()
        if bounds is None:
            return HistorySample(self.catalogue, [])
        since = bounds[1] - round(sample.hours * 3_600_000)
        ranges = self._reader.offset_ranges(range(self._reader.partition_count), since, bounds[1] + 1)
        chosen_ranges = self._affordable(ranges, partition_of(cell.encode(), self._reader.partition_count))
        share = sample.records / max(1, sum(map(len, chosen_ranges)))

        def is_wanted(key: bytes | None) -> bool:
            return key is not None and is_chosen(key, share)

        parts = []
        for offset_range in chosen_ranges:
            samples = [self._decoder.decode(records)[0] for records in self._reader.read(offset_range, is_wanted)]
            parts.append([batch for batch in samples if len(batch)])
        return HistorySample(self.catalogue, [part for part in parts if part])

    def close(self) -> None:
        """Close the reader."""
        self._reader.close()

    def _affordable(self, ranges: list[OffsetRange], home_partition: int) -> list[OffsetRange]:
        """Return whole ranges of at most RAW_RECORDS in total, and at least the end of the home partition's."""
        chosen_ranges: list[OffsetRange] = []
        for offset_range in sorted(ranges, key=lambda candidate: candidate.partition != home_partition):
            room = RAW_RECORDS - sum(map(len, chosen_ranges))
            if len(offset_range) <= room or not chosen_ranges:
                begin = max(offset_range.begin, offset_range.end - room)
                chosen_ranges.append(OffsetRange(offset_range.partition, begin, offset_range.end))
        return chosen_ranges

    def _absence_error(self, cell: str, first: int, last: int, other_keys: list[bytes]) -> OperatorError:
        """Return the error that says why a cell has no minute in [first, last)."""
        bounds, period = self._reader.bounds_ms(), f"{write_minute(first)} to {write_minute(last)}"
        if bounds is None:
            return TimeError(f"topic {self._topic} is empty; teach from files with --history.")
        oldest, newest = (ms // 60_000 for ms in bounds)
        if last <= oldest or first > newest:
            return TimeError(
                f"topic {self._topic} holds {write_minute(oldest)} to {write_minute(newest)}, and nothing of {period};"
                " teach from files with --history."
            )
        if not other_keys:
            return TimeError(f"topic {self._topic} holds no minute of any cell from {period}; choose another time.")
        similar_cells = get_close_matches(cell, [name.decode(errors="replace") for name in other_keys], 3)
        suggestion = f"; did you mean {' or '.join(similar_cells)}?" if similar_cells else "; check the cell's name."
        return TimeError(
            f"topic {self._topic} holds no minute of cell {cell!r} from {period}, but minutes of {len(other_keys):,}"
            f" other cells{suggestion}"
        )


def _search_order(key: bytes, partitions: int) -> list[int]:
    """Return all partitions, the one of the key first."""
    home_partition = partition_of(key, partitions)
    return sorted(range(partitions), key=lambda partition: partition != home_partition)


def read_cell_records(config: Config, cell: str, first: int, last: int) -> Records:
    """Return a cell's records of the minutes in [first, last), by the records' own time. Raises ClusterError.

    Records up to `behind_minutes` later are included. A cell lies in one partition: that of its key, or else the first
    that has any of its records.
    """
    key = cell.encode()
    with closing(RangeReader(config)) as reader:
        end_ms = (last + config.minutes.behind_minutes) * 60_000
        for partition in _search_order(key, reader.partition_count):
            (offset_range,) = reader.offset_ranges([partition], first * 60_000, end_ms)
            batches = list(reader.read(offset_range, lambda record_key: record_key == key))
            if batches:
                return Records(
                    partition,
                    np.concatenate([records.offsets for records in batches]),
                    [record_key for records in batches for record_key in records.keys],
                    [value for records in batches for value in records.values],
                )
    return Records(0, np.empty(0, np.int64), [], [])
