"""Compacted topics as what they are: a table of the newest value per key, read whole and then followed."""

from collections.abc import Callable, Iterator
from time import monotonic

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, Message, TopicPartition

from detector.config import Kafka, transaction_seconds
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
        """Per partition, every key's newest value, once no transaction is open in it.

        That an offset was committed does not say that all else of its transaction can be read: the coordinator tells
        one partition after the other, and a leader that moves is told later. Raises ClusterError where no broker
        answers in time.
        """
        rows: dict[int, dict[bytes, bytes]] = {number: {} for number in partitions}
        for number, key, value in self._read(partitions, self._is_decided):
            if value is None:
                rows[number].pop(key, None)
            else:
                rows[number][key] = value
        return rows

    def records(self, partitions: list[int]) -> Iterator[tuple[int, bytes, bytes | None]]:
        """All that lies there now as (partition, key, value), for whoever keeps less than the values; None = retired.

        Raises ClusterError where no broker answers in time.
        """
        return self._read(partitions, lambda end: True)

    def _read(
        self, partitions: list[int], is_last: Callable[[Message], bool]
    ) -> Iterator[tuple[int, bytes, bytes | None]]:
        """`is_last`: whether an end that was come to is the one to stop at."""
        self._consumer.assign([TopicPartition(self._topic, number, OFFSET_BEGINNING) for number in partitions])
        unread = set(partitions)
        patience = self._kafka.reach_seconds
        deadline = monotonic() + patience
        while unread:
            messages = self._consumer.consume(READ_AT_ONCE, WAIT_SECONDS)
            if not messages and self._is_away():
                deadline = monotonic() + patience
            elif not messages and monotonic() > deadline:
                raise ClusterError(
                    f"Kafka at {self._kafka.common['bootstrap.servers']}: topic {self._topic} was not read to its end"
                    f" within {patience:g} s; check that the broker runs."
                )
            for message in messages:
                if message.error() is not None and message.error().code() == KafkaError._PARTITION_EOF:
                    if is_last(message):
                        unread.discard(message.partition())
                    else:
                        patience = self._kafka.reach_seconds + transaction_seconds(self._kafka)
                elif message.error() is not None:
                    raise explain(message.error(), self._kafka, self._topic)
                else:
                    yield message.partition(), message.key(), message.value()
            if messages:  # after they were used, which may take longer than to wait for the next
                deadline = monotonic() + patience

    def _is_decided(self, end: Message) -> bool:
        """Nothing lies behind this end: what does is in a transaction, and not to be read before it is over."""
        _, high = self._consumer.get_watermark_offsets(TopicPartition(self._topic, end.partition()), cached=True)
        return bool(end.offset() >= high)

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
