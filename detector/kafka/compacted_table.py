"""Compacted topics as tables: the newest value per key, read whole and then followed."""

from collections.abc import Callable, Iterator
from time import monotonic
from typing import NamedTuple, TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition
from confluent_kafka.admin import OffsetSpec

from detector.config.schema import Kafka, transaction_seconds
from detector.errors import ClusterError
from detector.kafka.bounded_read import BoundedRead, ReadLimits
from detector.kafka.broker_monitor import ANSWER_SECONDS, BrokerMonitor
from detector.kafka.client import open_admin, open_client, table_properties
from detector.kafka.errors import STALE_LEADER, explain, is_fatal, is_transient
from detector.text import printable

READ_AT_ONCE = 500
WAIT_SECONDS = 0.05
"""Limits of one call: it returns when it has that many records or when this is over, whichever is first."""

KEY_CHARACTERS = 100
"""Characters of a key that a sentence shows."""

Answer = TypeVar("Answer")


class TableRecord(NamedTuple):
    """Record of a compacted topic. A value of None retires its key."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    """None where the topic was not compacted when the record was written."""
    value: bytes | None

    def __str__(self) -> str:
        """Return where the record lies, with its key made harmless."""
        key = "none" if self.key is None else printable(self.key.decode(errors="backslashreplace"), KEY_CHARACTERS)
        return f"topic {self.topic}, partition {self.partition}, offset {self.offset}, key {key}"


class CompactedTable:
    """Reader of one compacted topic, outside the consumer group."""

    def __init__(self, kafka: Kafka, topic: str, broker_monitor: BrokerMonitor | None = None) -> None:
        """With a `broker_monitor`, the reader waits without a deadline while the broker is away."""
        self._kafka, self._broker_monitor = kafka, broker_monitor
        self._topic = topic
        self._consumer, self._admin = open_client(Consumer, table_properties(kafka), kafka), open_admin(kafka)

    def read(self, partitions: list[int]) -> dict[int, dict[bytes | None, TableRecord]]:
        """Return every key's newest record by partition, once all transactions open in it at the call are over.

        Retired keys are left out. Raises ClusterError where no broker answers in time.
        """
        tables: dict[int, dict[bytes | None, TableRecord]] = {partition: {} for partition in partitions}
        for record in self.records(partitions):
            table = tables[record.partition]
            table.pop(record.key, None)
            if record.value is not None:
                table[record.key] = record
        return tables

    def records(self, partitions: list[int]) -> Iterator[TableRecord]:
        """Yield all records present at the call. For callers that need not keep the values.

        Raises ClusterError where no broker answers in time.
        """
        positions = [TopicPartition(self._topic, partition) for partition in partitions]
        ends = self._request(lambda: self._ends(positions))
        self._consumer.assign(self._request(lambda: self._begins(positions)))
        seconds = self._kafka.reach_seconds + transaction_seconds(self._kafka)
        table_read = BoundedRead(
            self._consumer,
            partitions,
            ReadLimits(records=READ_AT_ONCE, wait_seconds=WAIT_SECONDS, deadline_seconds=seconds),
            on_error=lambda message: self._raise_unless_transient(message.error()),
            timeout_error=lambda: self._timeout_error(seconds),
            is_end=lambda message: message.offset() >= ends[message.partition()],
            is_broker_away=self._is_broker_away,
        )
        while table_read.unread_partitions:
            yield from map(self._record, table_read.poll())

    def _begins(self, positions: list[TopicPartition]) -> list[TopicPartition]:
        """Return the partitions at their first offsets.

        The consumer itself asks, because the answer tells it who leads. One that is assigned a partition it knows
        nothing of looks for the leader within a second. One that is given OFFSET_BEGINNING asks for that offset half a
        second later.
        """
        ask = self._consumer.get_watermark_offsets
        return [
            TopicPartition(self._topic, position.partition, ask(position, ANSWER_SECONDS)[0]) for position in positions
        ]

    def _ends(self, positions: list[TopicPartition]) -> dict[int, int]:
        """Return the partitions' end offsets, including the records of open transactions.

        A consumer reports the last stable offset as the end: the offset before the first open transaction. The
        coordinator ends a transaction on one partition after the other, and later on a partition whose leader moves.
        So committed offsets do not guarantee that the transaction's other records are readable. A new leader exposes
        fewer records than it has until its followers confirm them. To a request for its end it returns a retriable
        error (KIP-207).
        """
        requests = dict.fromkeys(positions, OffsetSpec.latest())
        answers = self._admin.list_offsets(requests, request_timeout=ANSWER_SECONDS)
        return {position.partition: future.result().offset for position, future in answers.items()}

    def _request(self, ask: Callable[[], Answer]) -> Answer:
        """Repeat a request while its failure may be temporary. Raises ClusterError."""
        deadline = monotonic() + self._kafka.reach_seconds
        while True:
            try:
                return ask()
            except KafkaException as error:
                self._raise_unless_transient(error.args[0])
                if error.args[0].code() in STALE_LEADER:
                    self._admin = open_admin(self._kafka)
            if self._is_broker_away():
                deadline = monotonic() + self._kafka.reach_seconds
            elif monotonic() > deadline:
                raise self._timeout_error(self._kafka.reach_seconds)

    def _raise_unless_transient(self, error: KafkaError) -> None:
        """Raise ClusterError for an error that is not transient."""
        if is_fatal(error) or not is_transient(error):
            raise explain(error, self._kafka, self._topic) from None

    def _timeout_error(self, seconds: float) -> ClusterError:
        return ClusterError(
            f"Kafka at {self._kafka.common['bootstrap.servers']}: topic {self._topic} was not read to its end within"
            f" {seconds:g} s; check that the broker runs."
        )

    def _is_broker_away(self) -> bool:
        return self._broker_monitor is not None and not self._broker_monitor.probe()

    def changes(self) -> Iterator[TableRecord]:
        """Yield the records written since the last read, without waiting."""
        messages: list[Message] = self._consumer.consume(READ_AT_ONCE, 0)
        for message in messages:
            error = message.error()
            if error is None:
                yield self._record(message)
            elif is_fatal(error):
                raise explain(error, self._kafka, self._topic)

    def _record(self, message: Message) -> TableRecord:
        return TableRecord(self._topic, message.partition(), message.offset(), message.key(), message.value())

    def close(self) -> None:
        """Close the client."""
        self._consumer.close()
