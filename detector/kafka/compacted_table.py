"""Compacted topics as tables: the newest value per key, read whole and then followed."""

from collections.abc import Iterator
from typing import NamedTuple

from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

from detector.config.schema import Kafka, transaction_seconds
from detector.errors import ClusterError
from detector.kafka.bounded_read import BoundedRead, ReadLimits
from detector.kafka.broker_monitor import BrokerMonitor
from detector.kafka.client import open_client, table_properties
from detector.kafka.errors import explain, is_fatal, is_transient
from detector.kafka.offsets import TopicOffsets, learn_leaders
from detector.text import printable

READ_AT_ONCE = 500
WAIT_SECONDS = 0.05
"""Limits of one call: it returns when it has that many records or when this is over, whichever is first."""

KEY_CHARACTERS = 100
"""Characters of a key that a sentence shows."""


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
        self._consumer = open_client(Consumer, table_properties(kafka), kafka)
        self._offsets = TopicOffsets(kafka, topic, self._is_broker_away if broker_monitor else None)

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
        ends = self._ends(partitions)
        begins = self._offsets.begins(partitions)
        learn_leaders(self._consumer, self._topic)
        self._consumer.assign([TopicPartition(self._topic, partition, begins[partition]) for partition in partitions])
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

    def _ends(self, partitions: list[int]) -> dict[int, int]:
        """Return the partitions' ends. The records of transactions that are open at the call lie before them."""
        return self._offsets.ends(partitions)

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
