"""Label topic, as commands use it: read whole, and written with the broker's confirmation."""

from collections.abc import Iterator
from contextlib import closing
from time import time

from detector.config.schema import Config
from detector.kafka.compacted_table import CompactedTable
from detector.kafka.producer import RecordProducer
from detector.kafka.topics import partition_count


def read_labels(config: Config) -> Iterator[tuple[bytes, bytes | None]]:
    """Yield every (label id, label) on the topic, oldest first. A label of None retires its id. Raises ClusterError.

    A record without a key is left out: no label can be replaced or retired without one. The daemon's log names it.
    """
    topic = config.kafka.topics.labels
    count = partition_count(config, topic)
    with closing(CompactedTable(config.kafka, topic)) as table:
        for record in table.records(list(range(count))):
            if record.key is not None:
                yield record.key, record.value


def publish_labels(config: Config, *records: tuple[bytes, bytes | None]) -> None:
    """Publish labels, or retire some, and wait until the broker has them on all replicas. Raises ClusterError."""
    now = int(time() * 1000)
    RecordProducer(config.kafka).publish(config.kafka.topics.labels, [(key, value, now) for key, value in records])
