"""Sink: the alarms, open alarms, dead letters and consumer offsets of a poll, published in one transaction."""

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
from detector.kafka.broker_monitor import BrokerMonitor
from detector.kafka.errors import explain, is_fatal
from detector.kafka.start_positions import checkpoint_to_metadata
from detector.kafka.transactions import Aborted, Fenced, Transactions

log = logging.getLogger("faultline.kafka")

DEAD_LETTER_BYTES = 900_000
"""Most bytes of a dead letter. A longer record is cut, and a header has its original length.

A producer sends a million bytes by default, key and headers included.
"""

DEAD_LETTER_KEY_BYTES = 10_000
"""Most bytes of a cut dead letter's key. No key that names a cell is longer."""


class Sink:
    """Transactional output of the daemon."""

    def __init__(self, config: Config, broker_monitor: BrokerMonitor, record_bytes: int) -> None:
        """`record_bytes`: the longest record that every topic accepts. Raises ClusterError."""
        self._kafka, self._topics = config.kafka, config.kafka.topics
        self._transactions = Transactions(config.kafka, broker_monitor, record_bytes)
        self._letter_bytes = min(DEAD_LETTER_BYTES, record_bytes * 9 // 10)

    def publish(
        self,
        alarms: Sequence[tuple[int, AlarmMessage, AlarmMessage]],
        rejections: Sequence[tuple[Records, Rejection]],
        offsets: dict[int, tuple[int, Checkpoint | None]],
        group_metadata: Any,
    ) -> Counter[str]:
        """Commit (partition, notification, open record)s, dead letters, and next offsets with their checkpoints.

        Return the number of alarms that were too long, by outcome: `shortened` or `dead_lettered`. Raises Aborted
        where the poll must be repeated, Fenced where another process has this transactional id, and ClusterError or
        KafkaException where this instance must end.
        """
        positions = [self._position(partition, *offset) for partition, offset in offsets.items()]
        try:
            return self._commit_or_abort(alarms, rejections, positions, group_metadata)
        except KafkaException as error:
            if not is_fatal(error.args[0]):
                raise
            cause = self._transactions.fatal_cause(error.args[0])
            if cause.code() == KafkaError._FENCED:
                raise Fenced(cause) from None
            raise self._explain(cause) from None

    def _commit_or_abort(
        self,
        alarms: Sequence[tuple[int, AlarmMessage, AlarmMessage]],
        rejections: Sequence[tuple[Records, Rejection]],
        positions: list[TopicPartition],
        group_metadata: Any,
    ) -> Counter[str]:
        """Commit a transaction, or abort it where the client demands that. Raises Aborted and KafkaException.

        The abort itself may be what tells of a fence: a commit that another process overtakes on the way ends with
        "Unknown broker error", which is not fatal.
        """
        cut_alarms: Counter[str] = Counter()
        try:
            self._transactions.begin()
            for partition, notification, open_record in alarms:
                cut_alarms.update(self._produce_alarm(notification))
                cut_alarms.update(self._produce_alarm(open_record, partition))
            for records, rejection in rejections:
                self._dead_letter(records, rejection)
            self._transactions.commit(positions, group_metadata)
        except KafkaException as error:
            if is_fatal(error.args[0]) or not error.args[0].txn_requires_abort():
                raise
            log.warning("a transaction is rolled back: %s", error.args[0].str())
            self._transactions.abort()
            raise Aborted(error.args[0]) from error
        return cut_alarms

    def take_over(self) -> None:
        """Replace a fenced producer by a new one. The poll must be repeated. Raises ClusterError."""
        try:
            self._transactions.take_over()
        except KafkaException as error:
            raise self._explain(error.args[0]) from None

    def _produce_alarm(self, message: AlarmMessage, partition: int | None = None) -> list[str]:
        """Produce a notification or, with a partition, the record of an open alarm.

        A message that is too long loses its evidence. One that still is goes to the dead letters, and the rest of the
        poll is published.
        """
        topic = self._topics.alarms if partition is None else self._topics.active
        if self._fits(topic, message, partition):
            return []
        if partition is None and self._fits(topic, shorten(message), partition):
            log.warning("an alarm was too long for topic %s and is published without its evidence", topic)
            return ["shortened"]
        log.error("an alarm is too long for topic %s and went to topic %s", topic, self._topics.deadletters)
        headers = {"__connect.errors.topic": topic, "__connect.errors.exception.message": "too_long"}
        self._produce_dead_letter(message.key, message.value, headers)
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
        names = f"{topics.alarms}, {topics.active} or {topics.deadletters}"
        return explain(error, self._kafka, names if error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED else "")

    def _position(self, partition: int, offset: int, checkpoint: Checkpoint | None) -> TopicPartition:
        metadata = checkpoint_to_metadata(checkpoint) if checkpoint else ""
        return TopicPartition(self._topics.minutes, partition, offset, metadata)

    def _dead_letter(self, records: Records, rejection: Rejection) -> None:
        """Produce a refused record unchanged, with its origin in Kafka Connect's headers."""
        row = rejection.index
        headers = {
            "__connect.errors.topic": self._topics.minutes,
            "__connect.errors.partition": str(records.partition),
            "__connect.errors.offset": str(records.offsets[row]),
            "__connect.errors.stage": "VALUE_CONVERTER",
            "__connect.errors.exception.class.name": "faultline.Rejection",
            "__connect.errors.exception.message": str(rejection.reason),
        }
        self._produce_dead_letter(records.keys[row], records.values[row], headers)

    def _produce_dead_letter(self, key: bytes | None, value: bytes | None, headers: dict[str, str]) -> None:
        encoded_headers = [(name, text.encode()) for name, text in headers.items()]
        if len(key or b"") + len(value or b"") > self._letter_bytes:
            encoded_headers.append(("faultline.original.bytes", str(len(value or b"")).encode()))
            key = key and key[: min(DEAD_LETTER_KEY_BYTES, self._letter_bytes // 2)]
            value = value and value[: self._letter_bytes - len(key or b"")]
        self._transactions.send(self._topics.deadletters, key=key, value=value, headers=encoded_headers)

    def _produce(self, topic: str, message: AlarmMessage, partition: int | None = None) -> None:
        partition_argument = {} if partition is None else {"partition": partition}
        self._transactions.send(
            topic,
            key=message.key,
            value=message.value,
            headers=message.headers,
            # A broker refuses a timestamp that is an hour ahead of its clock: a network whose clocks are ahead is no
            # reason to publish nothing.
            timestamp=min(message.timestamp_ms, int(time.time() * 1000)),
            **partition_argument,
        )
