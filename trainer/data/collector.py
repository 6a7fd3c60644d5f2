"""Collector of minutes from the input topic: decodes records like the daemon, counts refused records, writes rolls."""

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from detector.core.ingest.decoder import Decoder
from detector.core.ingest.samples import Samples
from detector.kafka.readers.offset_reader import OffsetReader
from trainer.data.parquet_sink import Collection


@dataclass(frozen=True)
class RollLimits:
    """Limits at which the samples read so far are written as a roll, whichever is reached first."""

    records: int
    seconds: float


class CollectionCounts:
    """Counts of the records written, and of those refused by reason."""

    def __init__(self) -> None:
        self.written = 0
        self.refused: Counter[str] = Counter()

    def __str__(self) -> str:
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in sorted(self.refused.items()))
        return f"{self.written:,} records, {self.refused.total():,} refused" + (f" ({reasons})" if reasons else "")


def collect(
    reader: OffsetReader,
    decoder: Decoder,
    collection: Collection,
    limits: RollLimits,
    *,
    until_now: bool,
    stop: threading.Event,
    on_roll: Callable[[CollectionCounts], None] = lambda counts: None,
    on_records: Callable[[int], None] = lambda records: None,
) -> CollectionCounts:
    """Collect until `stop` is set or, with `until_now`, until all records present at the start are read.

    Raises ClusterError, CollectionError.
    """
    counts, offsets = CollectionCounts(), dict(collection.offsets)
    parts: list[Samples] = []
    roll_start = monotonic()
    while not stop.is_set() and not (until_now and not reader.unread_partitions):
        for records in reader.read():
            samples, rejections = decoder.decode(records)
            counts.refused.update(str(rejection.reason) for rejection in rejections)
            offsets[records.partition] = int(records.offsets[-1]) + 1
            parts.append(samples)
            on_records(len(records))
        if sum(map(len, parts)) >= limits.records or monotonic() - roll_start >= limits.seconds:
            counts.written += collection.write(parts, offsets)
            parts, roll_start = [], monotonic()
            on_roll(counts)
    counts.written += collection.write(parts, offsets)
    return counts
