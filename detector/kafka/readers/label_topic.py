"""The labels' topic as an operator's verbs see it: read whole, one record added, confirmed by the broker."""

from collections.abc import Iterator
from contextlib import closing
from time import time

from detector.config.schema import Config
from detector.kafka.compacted_table import CompactedTable
from detector.kafka.producer import RecordProducer
from detector.kafka.topics import partitions_of


def read_labels(config: Config) -> Iterator[tuple[bytes, bytes | None]]:
    """Every record there is, oldest first; None = retired. Raises ClusterError."""
    topic = config.kafka.topics.labels
    count = partitions_of(config, topic)
    with closing(CompactedTable(config.kafka, topic)) as table:
        for _, key, value in table.records(list(range(count))):
            yield key, value


def publish_labels(config: Config, *records: tuple[bytes, bytes | None]) -> None:
    """Publishes labels, or retires some, and waits until the broker has them on all replicas. Raises ClusterError."""
    now = int(time() * 1000)
    RecordProducer(config.kafka).publish(config.kafka.topics.labels, [(key, value, now) for key, value in records])
