"""Feed sample: the last records of the input topic as they are, for a profile of the feed."""

from contextlib import closing

import numpy as np

from detector.config.schema import Config
from detector.feed_profile.records import RawRecords
from detector.history.sampling import is_chosen
from detector.kafka.readers.range_reader import OffsetRange, RangeReader, TimedRecords

MOST_ROUNDS = 8
"""Reads of twice as many offsets, while most of them hold no record: aborted transactions, holes of a compaction."""

LEAST_REPORTS = 4
"""Records per cell that show a period. Larger networks are read further back, for a part of their cells."""

DEPTH = 10
"""Offsets that are read for that, as a multiple of the wanted records: 200,000 records are some seconds."""


def read_feed_sample(config: Config, records: int) -> RawRecords:
    """Return about so many of the last committed records, the same number of each partition. Raises ClusterError."""
    with closing(RangeReader(config)) as reader:
        parts, unread = _read_tails(reader, records)
        keys = [key for part in parts for key in part.records.keys if key is not None]
        if unread and len(keys) < LEAST_REPORTS * len(set(keys)):
            share = 1 / (2 * DEPTH)  # so that they add half of the wanted records
            deeper = [rest.cut_end(DEPTH * records // len(unread))[0] for rest in unread]
            parts += reader.read_timed(deeper, lambda key: key is not None and is_chosen(key, share))
        parts.sort(key=lambda part: (part.records.partition, part.records.offsets[0]))
        stamps = [part.timestamps_ms for part in parts]
        return RawRecords(
            source=config.kafka.topics.minutes,
            parts=[part.records for part in parts],
            timestamp_ms=np.concatenate([np.empty(0, np.int64), *stamps]),
            partition_count=reader.partition_count,
        )


def _read_tails(reader: RangeReader, records: int) -> tuple[list[TimedRecords], list[OffsetRange]]:
    """Return the last records of all partitions, and the ranges before them."""
    unread = [part for part in reader.whole_ranges() if len(part)]
    parts: list[TimedRecords] = []
    size = -(-records // max(1, len(unread)))
    for _ in range(MOST_ROUNDS):
        cuts = [part.cut_end(size) for part in unread]
        parts += reader.read_timed([tail for tail, _ in cuts], lambda key: True)
        unread = [rest for _, rest in cuts if len(rest)]
        if not unread or 2 * sum(len(part.records) for part in parts) >= records:
            break
        size *= 2
    return parts, unread
