"""Alarms, open alarms, dead letters and the consumer's offsets: all of a poll in one transaction, or none of it."""

import logging
import time
from collections.abc import Sequence
from typing import Any

from confluent_kafka import KafkaException, TopicPartition

from detector.config import Config
from detector.core.samples import Records, Rejection
from detector.core.votes import Memory
from detector.kafka.addresses import write_memory
from detector.kafka.cluster import explain
from detector.kafka.presence import Presence
from detector.kafka.transactions import Aborted, Transactions
from detector.notifications import Message

log = logging.getLogger("faultline.kafka")

DEAD_LETTER_BYTES = 900_000
"""A longer record is cut, and a header says so: a producer sends a million bytes by default, key and headers too."""

DEAD_LETTER_KEY_BYTES = 10_000
"""Of these the key may have so many: none that names a cell is longer."""


class Sink:
    """What a poll came to, on its way out."""

    def __init__(self, config: Config, presence: Presence) -> None:
        """Raises ClusterError."""
        self._kafka, self._topics = config.kafka, config.kafka.topics
        self._transactions = Transactions(config.kafka, presence)

    def publish(
        self,
        alarms: Sequence[tuple[int, Message, Message]],
        rejections: Sequence[tuple[Records, Rejection]],
        offsets: dict[int, tuple[int, Memory | None]],
        group_metadata: Any,
    ) -> None:
        """Commits (partition, notification, open record)s, dead letters and next offsets with their memory.

        Raises Aborted where the poll must be taken again, ClusterError or KafkaException where this instance must end.
        """
        positions = [self._position(number, *address) for number, address in offsets.items()]
        try:
            self._transactions.begin()
            for partition, message, opened in alarms:
                self._produce(self._topics.alarms, message)
                self._produce(self._topics.active, opened, partition)
            for records, rejection in rejections:
                self._bury(records, rejection)
            self._transactions.commit(positions, group_metadata)
        except KafkaException as error:
            if error.args[0].fatal():
                raise explain(error.args[0], self._kafka) from None
            if not error.args[0].txn_requires_abort():
                raise
            log.warning("transaction rolled back: %s", error.args[0].str())
            self._transactions.abort()
            raise Aborted(error.args[0]) from error

    def _position(self, number: int, offset: int, memory: Memory | None) -> TopicPartition:
        metadata = write_memory(memory) if memory else ""
        return TopicPartition(self._topics.minutes, number, offset, metadata)

    def _bury(self, records: Records, rejection: Rejection) -> None:
        """The record as it came, with its origin in Kafka Connect's headers."""
        at = rejection.index
        headers = {
            "__connect.errors.topic": self._topics.minutes,
            "__connect.errors.partition": str(records.partition),
            "__connect.errors.offset": str(records.offsets[at]),
            "__connect.errors.stage": "VALUE_CONVERTER",
            "__connect.errors.exception.class.name": "faultline.Rejection",
            "__connect.errors.exception.message": str(rejection.reason),
        }
        encoded = [(name, value.encode()) for name, value in headers.items()]
        key, value = records.keys[at], records.values[at]
        if len(key or b"") + len(value or b"") > DEAD_LETTER_BYTES:
            encoded.append(("faultline.original.bytes", str(len(value or b"")).encode()))
            key = key and key[:DEAD_LETTER_KEY_BYTES]
            value = value and value[: DEAD_LETTER_BYTES - DEAD_LETTER_KEY_BYTES]
        self._transactions.send(self._topics.deadletters, key=key, value=value, headers=encoded)

    def _produce(self, topic: str, message: Message, partition: int | None = None) -> None:
        placed = {} if partition is None else {"partition": partition}
        self._transactions.send(
            topic,
            key=message.key,
            value=message.value,
            headers=message.headers,
            # A broker refuses what is an hour ahead of its clock: a network whose clocks are is no reason to be silent.
            timestamp=min(message.timestamp_ms, int(time.time() * 1000)),
            **placed,
        )
