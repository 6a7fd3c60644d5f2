"""Sample of the input topic: the latest hours of some cells, chosen by the minutes that their records report."""

from collections.abc import Iterable, Sequence

import numpy as np

from detector.core.granularity import Granularity
from detector.core.ingest.decoder import Decoder
from detector.core.ingest.samples import Samples, select
from detector.history.sampling import SampleSize, is_chosen
from detector.kafka.readers.range_reader import OffsetRange, RangeReader, TimedRecords, partition_of

RAW_RECORDS = 1_000_000
"""Records of one sample: 2.5 GB, some ten seconds from a broker. Few of them are decoded."""

EARLY_MINUTES = 60
"""Minutes by which timestamps may be earlier than what they belong to and still narrow a range. So many more are read.
Clocks of senders in the field differ by seconds, and zones by whole hours."""

WORTH_LEAVING_OUT = 0.9
"""Largest share of a partition that is read in place of all of it. The first records of a log may bear an older
timestamp than their minute, and a tenth saved is not worth to miss them."""

FUTURE_MINUTES = 1440
"""Minutes beyond the newest that several cells have reached. A minute still later is of a wrong clock."""

ENOUGH = 0.5
"""Least share of the wanted records. If a sample has fewer, more cells are chosen and the ranges are read again."""


class TopicSample:
    """Reader of samples. Timestamps of records only narrow the ranges that are read, where they agree with minutes."""

    def __init__(self, reader: RangeReader, decoder: Decoder, granularity: Granularity, quorum_cells: int) -> None:
        """`quorum_cells` must have reached the minute that counts as the newest, or half of the cells if they are few.

        So one cell with a wrong clock does not move it.
        """
        self._reader, self._decoder, self._quorum_cells = reader, decoder, quorum_cells
        self._granularity = granularity

    def read(self, cell: str, size: SampleSize) -> list[Samples]:
        """Return the samples of each partition that has any, in order of time. Raises ClusterError.

        Whole partitions are read, the cell's own first, as many as some seconds allow.
        """
        ranges = self._affordable(self._recent_ranges(size), partition_of(cell.encode(), self._reader.partition_count))
        wanted = size.records(self._granularity)
        share = wanted / max(1, sum(map(len, ranges)))
        samples = self._recent(self._read_share(ranges, share), size)
        count = sum(map(len, samples))
        if share < 1 and count < ENOUGH * wanted:
            share *= wanted / max(1, count)
            samples = self._recent(self._read_share(ranges, share), size)
        return samples

    def _recent_ranges(self, size: SampleSize) -> list[OffsetRange]:
        """Return ranges that hold the latest hours by the newest records' minutes, and perhaps more."""
        whole = [part for part in self._reader.whole_ranges() if len(part)]
        edges = {edge.records.partition: edge for edge in self._reader.newest(whole)}
        samples = {partition: self._decoder.decode(edge.records)[0] for partition, edge in edges.items()}
        newest = self._newest_minute(samples.values())
        if newest is None:
            return whole
        since_ms = (newest - round(size.hours * 60) - EARLY_MINUTES) * 60_000
        recent = self._reader.offset_ranges(whole, since_ms)
        ranges = []
        for part, narrow in zip(whole, recent, strict=True):
            recent_part = OffsetRange(part.partition, narrow.begin, part.end)
            is_narrower = len(recent_part) < WORTH_LEAVING_OUT * len(part)
            edge = edges.get(part.partition)
            is_timely = edge is not None and _are_timely(edge, samples[part.partition])
            ranges.append(recent_part if is_narrower and is_timely else part)
        return ranges

    def _newest_minute(self, samples: Iterable[Samples]) -> int | None:
        """Return the minute that several cells have reached; None without any sample."""
        reached: dict[str, int] = {}
        for part in samples:
            for cell, minute in zip(part.cells, part.minute.tolist(), strict=True):
                reached[cell] = max(minute, reached.get(cell, minute))
        newest_first = sorted(reached.values(), reverse=True)
        if not newest_first:
            return None
        return newest_first[min(self._quorum_cells, (len(newest_first) + 1) // 2) - 1]

    def _affordable(self, ranges: list[OffsetRange], home_partition: int) -> list[OffsetRange]:
        """Return whole ranges of at most RAW_RECORDS in total, and at least the end of the home partition's."""
        chosen_ranges: list[OffsetRange] = []
        room = RAW_RECORDS
        for offset_range in sorted(ranges, key=lambda candidate: candidate.partition != home_partition):
            if len(offset_range) <= room or not chosen_ranges:
                chosen_ranges.append(offset_range.cut_end(room)[0])
                room -= len(chosen_ranges[-1])
        return chosen_ranges

    def _read_share(self, ranges: list[OffsetRange], share: float) -> dict[int, list[Samples]]:
        """Return this share of the cells, by partition."""
        parts: dict[int, list[Samples]] = {}
        for records in self._reader.read(ranges, lambda key: key is not None and is_chosen(key, share)):
            parts.setdefault(records.partition, []).append(self._decoder.decode(records)[0])
        return parts

    def _recent(self, parts: dict[int, list[Samples]], size: SampleSize) -> list[Samples]:
        """Return what belongs to the latest hours, one part per partition, each in order of time."""
        newest = self._newest_minute(samples for part in parts.values() for samples in part)
        if newest is None:
            return []
        since = newest + self._granularity.period_minutes - round(size.hours * 60)
        recent = [_between(part, since, newest + FUTURE_MINUTES) for _, part in sorted(parts.items())]
        return [samples for samples in recent if len(samples)]


def _are_timely(edge: TimedRecords, samples: Samples) -> bool:
    """Return whether most records of an edge do not bear a timestamp long before their minute."""
    lags_ms = edge.timestamps_ms[samples.index] - samples.minute * 60_000
    return bool(len(lags_ms)) and float(np.median(lags_ms)) >= -EARLY_MINUTES * 60_000


def _between(part: Sequence[Samples], first: int, last: int) -> Samples:
    """Return the samples of the minutes from `first` to `last`, in order of time, then of offset."""
    minute = np.concatenate([samples.minute for samples in part])
    whole = Samples(
        partition=part[0].partition,
        index=np.arange(len(minute)),
        cells=[cell for samples in part for cell in samples.cells],
        minute=minute,
        values=np.concatenate([samples.values for samples in part]),
    )
    order = np.argsort(minute, kind="stable")
    return select(whole, order[(minute[order] >= first) & (minute[order] <= last)])
