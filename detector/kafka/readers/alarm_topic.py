"""Alarm topic reader: notifications and open alarms, as published."""

from collections.abc import Iterator
from contextlib import closing

from detector.alarms.journal import NotificationRecord, decode_notifications
from detector.config.schema import Config
from detector.kafka.compacted_table import CompactedTable
from detector.kafka.topics import partitions


def read_notices(config: Config) -> list[NotificationRecord]:
    """All there are, in the order of each partition; what another wrote there is passed over. Raises ClusterError."""
    return list(decode_notifications(read_alarms(config)))


def read_alarms(config: Config) -> Iterator[bytes | None]:
    """Every notification that the alarms' topic still holds. Raises ClusterError."""
    topic = config.kafka.topics.alarms
    with closing(CompactedTable(config.kafka, topic)) as table:
        for _, _, value in table.records(list(range(partitions(config, topic).get(topic, 0)))):
            yield value
