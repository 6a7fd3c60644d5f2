"""The labels' topic as an operator's verbs see it: read whole, one record added, confirmed by the broker."""

from collections.abc import Iterator
from contextlib import closing
from time import time

from detector.config import Config
from detector.errors import ClusterError
from detector.kafka.cluster import partitions
from detector.kafka.publisher import Publisher
from detector.kafka.tables import Table


def read_shelf(config: Config) -> Iterator[tuple[bytes, bytes | None]]:
    """Every record there is, oldest first; None = retired. Raises ClusterError."""
    topic = config.kafka.topics.labels
    count = partitions(config).get(topic)
    if count is None:
        raise ClusterError(
            f"Kafka at {config.kafka.common['bootstrap.servers']}: topic {topic} does not exist; create it with"
            " `faultline topics --create`."
        )
    with closing(Table(config.kafka, topic)) as table:
        for _, key, value in table.records(list(range(count))):
            yield key, value


def put_on_shelf(config: Config, *records: tuple[bytes, bytes | None]) -> None:
    """Publishes labels, or retires some, and waits until the broker has them on all replicas. Raises ClusterError."""
    now = int(time() * 1000)
    Publisher(config.kafka).publish(config.kafka.topics.labels, [(key, value, now) for key, value in records])


def read_alarms(config: Config) -> Iterator[bytes | None]:
    """Every notification that the alarms' topic still holds. Raises ClusterError."""
    topic = config.kafka.topics.alarms
    with closing(Table(config.kafka, topic)) as table:
        for _, _, value in table.records(list(range(partitions(config).get(topic, 0)))):
            yield value
