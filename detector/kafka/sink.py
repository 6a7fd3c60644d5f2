"""Alarms, open alarms, dead letters and the consumer's offsets: all of a poll in one transaction, or none of it."""

import logging
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

from confluent_kafka import KafkaError, KafkaException, TopicPartition

from detector.alarms.notifications import AlarmMessage, shorten
from detector.config.schema import Config
from detector.core.ingest.checkpoint import Checkpoint
from detector.core.ingest.samples import Records, Rejection
from detector.errors import ClusterError
from detector.kafka.assignment import write_memory
from detector.kafka.broker_monitor import BrokerMonitor
from detector.kafka.errors import explain, is_final
from detector.kafka.transactions import Aborted, Transactions

log = logging.getLogger("faultline.kafka")

DEAD_LETTER_BYTES = 900_000
"""A longer record is cut, and a header says so: a producer sends a million bytes by default, key and headers too."""

DEAD_LETTER_KEY_BYTES = 10_000
"""Of these the key may have so many: none that names a cell is longer."""


class Sink:
    """What a poll came to, on its way out."""

    def __init__(self, config: Config, presence: BrokerMonitor, record_bytes: int) -> None:
        """`record_bytes`: the longest record that every topic takes. Raises ClusterError."""
        self._kafka, self._topics = config.kafka, config.kafka.topics
        self._transactions = Transactions(config.kafka, presence, record_bytes)
        self._letter_bytes = min(DEAD_LETTER_BYTES, record_bytes * 9 // 10)

    def publish(
        self,
        alarms: Sequence[tuple[int, AlarmMessage, AlarmMessage]],
        rejections: Sequence[tuple[Records, Rejection]],
        offsets: dict[int, tuple[int, Checkpoint | None]],
        group_metadata: Any,
    ) -> Counter[str]:
        """Commits (partition, notification, open record)s, dead letters and next offsets with their memory. Says how
        many alarms were too long, by what became of them.

        Raises Aborted where the poll must be taken again, ClusterError or KafkaException where this instance must end.
        """
        cut: Counter[str] = Counter()
        positions = [self._position(number, *address) for number, address in offsets.items()]
        try:
            self._transactions.begin()
            for partition, message, opened in alarms:
                cut.update(self._tell(message))
                cut.update(self._tell(opened, partition))
            for records, rejection in rejections:
                self._bury(records, rejection)
            self._transactions.commit(positions, group_metadata)
        except KafkaException as error:
            if is_final(error.args[0]):
                raise self._explain(error.args[0]) from None
            if not error.args[0].txn_requires_abort():
                raise
            log.warning("transaction rolled back: %s", error.args[0].str())
            self._transactions.abort()
            raise Aborted(error.args[0]) from error
        return cut

    def _tell(self, message: AlarmMessage, partition: int | None = None) -> list[str]:
        """A notification or, with a partition, its open twin. What is too long loses its evidence; what still is goes
        to the dead letters, and all else of its poll goes out.
        """
        topic = self._topics.alarms if partition is None else self._topics.active
        if self._fits(topic, message, partition):
            return []
        if partition is None and self._fits(topic, shorten(message), partition):
            log.warning("an alarm was too long for %s and is told without its evidence", topic)
            return ["shortened"]
        log.error("an alarm is too long for %s and went to %s", topic, self._topics.deadletters)
        headers = {"__connect.errors.topic": topic, "__connect.errors.exception.message": "too_long"}
        self._post(message.key, message.value, headers)
        return ["dead_lettered"]

    def _fits(self, topic: str, message: AlarmMessage, partition: int | None) -> bool:
        try:
            self._produce(topic, message, partition)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.MSG_SIZE_TOO_LARGE:
                raise
            return False
        return True

    def _explain(self, error: KafkaError) -> ClusterError:
        topics = self._topics
        ours = f"{topics.alarms}, {topics.active} or {topics.deadletters}"
        return explain(error, self._kafka, ours if error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED else "")

    def _position(self, number: int, offset: int, memory: Checkpoint | None) -> TopicPartition:
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
        self._post(records.keys[at], records.values[at], headers)

    def _post(self, key: bytes | None, value: bytes | None, headers: dict[str, str]) -> None:
        encoded = [(name, text.encode()) for name, text in headers.items()]
        if len(key or b"") + len(value or b"") > self._letter_bytes:
            encoded.append(("faultline.original.bytes", str(len(value or b"")).encode()))
            key = key and key[: min(DEAD_LETTER_KEY_BYTES, self._letter_bytes // 2)]
            value = value and value[: self._letter_bytes - len(key or b"")]
        self._transactions.send(self._topics.deadletters, key=key, value=value, headers=encoded)

    def _produce(self, topic: str, message: AlarmMessage, partition: int | None = None) -> None:
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
