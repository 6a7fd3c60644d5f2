"""Search for one cell's minutes in the input topic. Every command that needs past minutes of a cell finds them here.

A record's timestamp is set by its producer or by the broker, and need not lie near the minute that the record reports.
The search therefore begins where the timestamps point. While minutes are missing, it reads on from there: to the end
for those that came late, then to the beginning for those that came early.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from detector.core.ingest.decoder import Decoder
from detector.core.ingest.samples import Records, Samples
from detector.kafka.readers.range_reader import OffsetRange, RangeReader, partition_of

FEW_RECORDS = 1_000_000
"""Most offsets that are read on where timestamps agree with minutes: ten seconds, for a gap that may be real."""

MOST_RECORDS = 10_000_000
"""Most offsets that are read on where timestamps say nothing: under two minutes."""

FIRST_STRETCH, LONGEST_STRETCH = 20_000, 320_000
"""Offsets of the first and the longest stretch that is read on at once. The search may end after each."""

COMPARED_CELLS = 50
"""Other cells whose records show whether timestamps agree with minutes. Decoding them takes 1 ms."""

MOST_OTHER_NAMES = 100_000
"""Other cells' names that are remembered, to suggest the one that was meant."""

Progress = Callable[[int, int], None]
"""Called with the offsets read on so far, and the most that will be read."""


def ignore_progress(searched: int, most: int) -> None:
    """Report nothing."""


@dataclass(frozen=True)
class MinuteQuery:
    """Minutes of a cell in [first, last), and how long after its minute a record usually comes."""

    cell: str
    first: int
    last: int
    delay_minutes: int


@dataclass(frozen=True)
class CellRecords:
    """Records of one cell in one partition, in order of offset, and their minutes as far as they can be decoded."""

    records: Records
    samples: Samples


class MinuteSearch:
    """Search for the minutes of one query. `searched` counts the offsets that were read on."""

    def __init__(
        self, reader: RangeReader, decoder: Decoder, query: MinuteQuery, progress: Progress = ignore_progress
    ) -> None:
        self._reader, self._decoder, self._query, self._progress = reader, decoder, query, progress
        self._key = query.cell.encode()
        self._missing = np.ones(query.last - query.first, bool)
        self._batches: dict[int, list[Records]] = {}
        self._agreements: dict[str, bool] = {}
        """Cells of which a record was decoded, with whether its minute agrees with its timestamp."""
        self.other_keys: set[bytes] = set()
        self.searched = 0
        self.is_exhausted = True
        """Whether the search saw all records, or found all minutes. Otherwise it ended at its limit."""

    def run(self) -> list[CellRecords]:
        """Return the cell's records by partition, those of the partition with most of them first. Raises ClusterError.

        They include all records of the cell that were met on the way, also of other minutes. Where timestamps mislead,
        partitions are read on that hold the cell, or all if none is known to.
        """
        whole = self._reader.whole_ranges()
        narrow = self._search_by_time(whole)
        chosen = [part for part in whole if not self._batches or part.partition in self._batches]
        if self._missing.any():
            self._read_on(chosen, narrow)
        if self._missing.all():
            self._read_on([part for part in whole if part not in chosen], narrow)
        found = [self._cell_records(partition, batches) for partition, batches in self._batches.items()]
        return sorted(found, key=lambda records: -len(records.samples))

    def _search_by_time(self, whole: list[OffsetRange]) -> dict[int, OffsetRange]:
        """Read where timestamps point: in the partition of the cell's key, then in all others if it has nothing."""
        query = self._query
        begin_ms, end_ms = query.first * 60_000, (query.last + query.delay_minutes) * 60_000
        narrow = self._reader.offset_ranges(whole, begin_ms, end_ms)
        home = partition_of(self._key, self._reader.partition_count)
        for ranges in ([narrow[home]], [*narrow[:home], *narrow[home + 1 :]]):
            self._read(ranges, self._is_own_or_compared)
            if self._batches:
                break
        self._agreements[query.cell] = not self._missing.all()
        return {part.partition: part for part in narrow}

    def _read_on(self, chosen: list[OffsetRange], narrow: dict[int, OffsetRange]) -> None:
        """Read these partitions outside their narrow ranges."""
        later = [OffsetRange(part.partition, narrow[part.partition].end, part.end) for part in chosen]
        earlier = [OffsetRange(part.partition, part.begin, narrow[part.partition].begin) for part in chosen]
        limit = FEW_RECORDS if self._is_timely else MOST_RECORDS
        most = min(limit, sum(map(len, later)) + sum(map(len, earlier)))
        for is_earlier, stretch in _stretches(later, earlier):
            if self.searched >= limit:
                self.is_exhausted = False
                return
            missing, batches = self._missing.sum(), self._count_batches()
            self._read(stretch, self._is_own)
            self.searched += sum(map(len, stretch))
            self._progress(min(self.searched, most), most)
            has_only_others = self._count_batches() > batches and self._missing.sum() == missing
            if not self._missing.any() or (is_earlier and self._is_timely and has_only_others):
                return

    @property
    def _is_timely(self) -> bool:
        """Whether timestamps agree with minutes, for most of the cells compared."""
        return sum(self._agreements.values()) * 2 > len(self._agreements)

    def _read(self, ranges: list[OffsetRange], has_wanted_key: Callable[[bytes | None], bool]) -> None:
        for records in self._reader.read(ranges, has_wanted_key):
            own = [row for row, key in enumerate(records.keys) if key == self._key]
            if len(own) < len(records):
                self._compare(records)
            if own:
                self._keep(_rows(records, own))

    def _is_own(self, key: bytes | None) -> bool:
        if key is not None and key != self._key and len(self.other_keys) < MOST_OTHER_NAMES:
            self.other_keys.add(key)
        return key == self._key

    def _is_own_or_compared(self, key: bytes | None) -> bool:
        is_compared = key is not None and len(self.other_keys) < COMPARED_CELLS and key not in self.other_keys
        return self._is_own(key) or is_compared

    def _compare(self, records: Records) -> None:
        """Note of other cells whether their minutes lie where their timestamps say."""
        query, (samples, _) = self._query, self._decoder.decode(records)
        for cell, minute in zip(samples.cells, samples.minute.tolist(), strict=True):
            if cell != query.cell:
                self._agreements[cell] = query.first - query.delay_minutes <= minute < query.last + query.delay_minutes

    def _count_batches(self) -> int:
        return sum(map(len, self._batches.values()))

    def _keep(self, records: Records) -> None:
        self._batches.setdefault(records.partition, []).append(records)
        slots = self._decoder.decode(records)[0].minute - self._query.first
        self._missing[slots[(slots >= 0) & (slots < len(self._missing))]] = False

    def _cell_records(self, partition: int, batches: list[Records]) -> CellRecords:
        offsets = np.concatenate([records.offsets for records in batches])
        keys = [key for records in batches for key in records.keys]
        values = [value for records in batches for value in records.values]
        records = _rows(Records(partition, offsets, keys, values), np.argsort(offsets).tolist())
        return CellRecords(records, self._decoder.decode(records)[0])


def _rows(records: Records, rows: list[int]) -> Records:
    return Records(
        records.partition,
        records.offsets[rows],
        [records.keys[row] for row in rows],
        [records.values[row] for row in rows],
    )


def _stretches(later: list[OffsetRange], earlier: list[OffsetRange]) -> Iterator[tuple[bool, list[OffsetRange]]]:
    """Yield the later ranges from their begins on, then the earlier ones from their ends on, as (is_earlier, pieces).

    The pieces of all ranges are cut at once, and double.
    """
    for is_earlier, ranges, cut in ((False, later, OffsetRange.cut), (True, earlier, OffsetRange.cut_end)):
        count, rest = FIRST_STRETCH, [part for part in ranges if len(part)]
        while rest:
            cuts = [cut(part, -(-count // len(rest))) for part in rest]
            yield is_earlier, [piece for piece, _ in cuts]
            rest = [part for _, part in cuts if len(part)]
            count = min(2 * count, LONGEST_STRETCH)
