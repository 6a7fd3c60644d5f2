"""Alarm topic: its notifications, as published."""

from collections.abc import Iterator
from contextlib import closing

from detector.alarms.journal import NotificationRecord, decode_notifications
from detector.config.schema import Config
from detector.kafka.compacted_table import CompactedTable
from detector.kafka.topics import partition_counts


def read_notifications(config: Config) -> list[NotificationRecord]:
    """Return the notifications on the topic, in the order of each partition. Raises ClusterError.

    Records that are no notifications are left out.
    """
    return list(decode_notifications(read_notification_values(config)))


def read_notification_values(config: Config) -> Iterator[bytes | None]:
    """Yield the value of every record that the alarm topic holds. Raises ClusterError."""
    topic = config.kafka.topics.alarms
    with closing(CompactedTable(config.kafka, topic)) as table:
        for record in table.records(list(range(partition_counts(config, topic).get(topic, 0)))):
            yield record.value
