"""The labels' topic as an operator's verbs see it: read whole, one record added, confirmed by the broker."""

from collections.abc import Iterator
from contextlib import closing
from time import time

from detector.config.schema import Config
from detector.kafka.compacted_table import Table
from detector.kafka.producer import Publisher
from detector.kafka.topics import partitions_of


def read_shelf(config: Config) -> Iterator[tuple[bytes, bytes | None]]:
    """Every record there is, oldest first; None = retired. Raises ClusterError."""
    topic = config.kafka.topics.labels
    count = partitions_of(config, topic)
    with closing(Table(config.kafka, topic)) as table:
        for _, key, value in table.records(list(range(count))):
            yield key, value


def put_on_shelf(config: Config, *records: tuple[bytes, bytes | None]) -> None:
    """Publishes labels, or retires some, and waits until the broker has them on all replicas. Raises ClusterError."""
    now = int(time() * 1000)
    Publisher(config.kafka).publish(config.kafka.topics.labels, [(key, value, now) for key, value in records])
