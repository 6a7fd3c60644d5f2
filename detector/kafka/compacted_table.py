"""Compacted topics as what they are: a table of the newest value per key, read whole and then followed."""

from collections.abc import Callable, Iterator
from time import monotonic
from typing import TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import OffsetSpec

from detector.config.schema import Kafka, transaction_seconds
from detector.errors import ClusterError
from detector.kafka.broker_monitor import ANSWER_SECONDS, BrokerMonitor
from detector.kafka.client import open_admin, open_client, table_properties
from detector.kafka.errors import STALE_LEADER, explain, is_final, may_pass

READ_AT_ONCE = 500
WAIT_SECONDS = 0.05
"""A call returns when it has all the records asked for or when this is over, whichever is first."""

Answer = TypeVar("Answer")


class CompactedTable:
    """A reader of one compacted topic, outside the consumer group."""

    def __init__(self, kafka: Kafka, topic: str, presence: BrokerMonitor | None = None) -> None:
        """Where `presence` is given, a broker that is away is waited for."""
        self._kafka, self._presence = kafka, presence
        self._topic = topic
        self._consumer, self._admin = open_client(Consumer, table_properties(kafka), kafka), open_admin(kafka)

    def read(self, partitions: list[int]) -> dict[int, dict[bytes, bytes]]:
        """Per partition, every key's newest value, once every transaction that was open in it is over.

        Raises ClusterError where no broker answers in time.
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
        places = [TopicPartition(self._topic, number) for number in partitions]
        ends = self._answer(lambda: self._ends(places))
        self._consumer.assign(self._answer(lambda: self._begins(places)))
        unread = set(partitions)
        patience = self._kafka.reach_seconds + transaction_seconds(self._kafka)
        deadline = monotonic() + patience
        while unread:
            messages = self._consumer.consume(READ_AT_ONCE, WAIT_SECONDS)
            if not messages and self._is_away():
                deadline = monotonic() + patience
            elif not messages and monotonic() > deadline:
                raise self._unread(patience)
            for message in messages:
                error = message.error()
                if error is None:
                    yield message.partition(), message.key(), message.value()
                elif error.code() != KafkaError._PARTITION_EOF:
                    self._bear(error)
                elif message.offset() >= ends[message.partition()]:
                    unread.discard(message.partition())
            if messages:  # after they were used, which may take longer than to wait for the next
                deadline = monotonic() + patience

    def _begins(self, places: list[TopicPartition]) -> list[TopicPartition]:
        """Asked by the consumer itself: that tells it who leads. One that is assigned what it knows nothing of looks
        for the leader within a second, and one that is told OFFSET_BEGINNING asks for that half a second later.
        """
        ask = self._consumer.get_watermark_offsets
        return [TopicPartition(self._topic, place.partition, ask(place, ANSWER_SECONDS)[0]) for place in places]

    def _ends(self, places: list[TopicPartition]) -> dict[int, int]:
        """Where the partitions end for sure, with what is still in a transaction.

        The client calls an end what lies before an open transaction. A coordinator tells one partition after the other
        that a transaction is over, and later where a leader moves: committed offsets do not say that all else of it can
        be read. And a leader that has just taken over shows less than it has until its followers confirm it; asked for
        its end, it says to ask again (KIP-207).
        """
        found = self._admin.list_offsets(dict.fromkeys(places, OffsetSpec.latest()), request_timeout=ANSWER_SECONDS)
        return {place.partition: future.result().offset for place, future in found.items()}

    def _answer(self, ask: Callable[[], Answer]) -> Answer:
        """Asks again for as long as that may bring an answer. Raises ClusterError."""
        deadline = monotonic() + self._kafka.reach_seconds
        while True:
            try:
                return ask()
            except KafkaException as error:
                self._bear(error.args[0])
                if error.args[0].code() in STALE_LEADER:
                    self._admin = open_admin(self._kafka)
            if self._is_away():
                deadline = monotonic() + self._kafka.reach_seconds
            elif monotonic() > deadline:
                raise self._unread(self._kafka.reach_seconds)

    def _bear(self, error: KafkaError) -> None:
        """Raises ClusterError for what asking again does not mend."""
        if is_final(error) or not may_pass(error):
            raise explain(error, self._kafka, self._topic) from None

    def _unread(self, seconds: float) -> ClusterError:
        return ClusterError(
            f"Kafka at {self._kafka.common['bootstrap.servers']}: topic {self._topic} was not read to its end within"
            f" {seconds:g} s; check that the broker runs."
        )

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
