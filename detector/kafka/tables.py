"""Compacted topics as what they are: a table of the newest value per key, read whole and then followed."""

from collections.abc import Iterator
from time import monotonic

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition

from detector.config import Kafka
from detector.errors import ClusterError
from detector.kafka.cluster import explain, is_final, open_client
from detector.kafka.presence import Presence
from detector.kafka.properties import table_properties

READ_AT_ONCE = 500
WAIT_SECONDS = 0.05
"""A call returns when it has all the records asked for or when this is over, whichever is first."""


class Table:
    """A reader of one compacted topic, outside the consumer group."""

    def __init__(self, kafka: Kafka, topic: str, presence: Presence | None = None) -> None:
        """Where `presence` is given, a broker that is away is waited for."""
        self._kafka, self._presence = kafka, presence
        self._topic = topic
        self._consumer = open_client(Consumer, table_properties(kafka), kafka)

    def read(self, partitions: list[int]) -> dict[int, dict[bytes, bytes]]:
        """Per partition, every key's newest value, once no transaction is open in it: the client calls an end what lies
        behind those, too. Raises ClusterError where no broker answers in time.
        """
        rows: dict[int, dict[bytes, bytes]] = {number: {} for number in partitions}
        for number, key, value in self.records(partitions):
            if value is None:
                rows[number].pop(key, None)
            else:
                rows[number][key] = value
        return rows

    def records(self, partitions: list[int]) -> Iterator[tuple[int, bytes, bytes | None]]:
        """All that lies there now as (partition, key, value), for whoever keeps less than the values; None = retired.

        Raises ClusterError where no broker answers in time.
        """
        self._consumer.assign([TopicPartition(self._topic, number, OFFSET_BEGINNING) for number in partitions])
        unread = set(partitions)
        deadline = monotonic() + self._kafka.reach_seconds
        while unread:
            messages = self._consumer.consume(READ_AT_ONCE, WAIT_SECONDS)
            if not messages and self._is_away():
                deadline = monotonic() + self._kafka.reach_seconds
            elif not messages and monotonic() > deadline:
                raise ClusterError(
                    f"Kafka at {self._kafka.common['bootstrap.servers']}: topic {self._topic} was not read to its end"
                    f" within {self._kafka.reach_seconds:g} s; check that the broker runs."
                )
            for message in messages:
                if message.error() is not None and message.error().code() == KafkaError._PARTITION_EOF:
                    unread.discard(message.partition())
                elif message.error() is not None:
                    raise explain(message.error(), self._kafka, self._topic)
                else:
                    yield message.partition(), message.key(), message.value()
            if messages:  # after they were used, which may take longer than to wait for the next
                deadline = monotonic() + self._kafka.reach_seconds

    def _is_away(self) -> bool:
        return self._presence is not None and not self._presence.ask()

    def changes(self) -> Iterator[tuple[bytes, bytes | None]]:
        """What has been written since, without waiting; None = retired."""
        for message in self._consumer.consume(READ_AT_ONCE, 0):
            error = message.error()
            if error is None:
                yield message.key(), message.value()
            elif is_final(error):
                raise explain(error, self._kafka, self._topic)

    def close(self) -> None:
        self._consumer.close()
