"""Minutes from the input topic into a collection: decoded as the daemon does, refused records counted."""

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from detector.core.ingest.samples import Decoder, Samples
from detector.kafka.readers.offset_reader import OffsetReader
from trainer.data.parquet_sink import Collection


@dataclass(frozen=True)
class RollLimits:
    """When what was read is written."""

    records: int
    seconds: float


class CollectionCounts:
    """What came of the records so far."""

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
    rolling: RollLimits,
    until_now: bool,
    stop: threading.Event,
    tell: Callable[[CollectionCounts], None] = lambda tally: None,
) -> CollectionCounts:
    """Until asked to stop, or all is read that was there at the beginning. Raises ClusterError, CollectionError."""
    tally, offsets = CollectionCounts(), dict(collection.offsets)
    parts: list[Samples] = []
    since = monotonic()
    while not stop.is_set() and not (until_now and not reader.unread):
        for records in reader.read():
            samples, rejections = decoder.decode(records)
            tally.refused.update(str(rejection.reason) for rejection in rejections)
            offsets[records.partition] = int(records.offsets[-1]) + 1
            parts.append(samples)
        if sum(map(len, parts)) >= rolling.records or monotonic() - since >= rolling.seconds:
            tally.written += collection.write(parts, offsets)
            parts, since = [], monotonic()
            tell(tally)
    tally.written += collection.write(parts, offsets)
    return tally
