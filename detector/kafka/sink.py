"""Alarms, open alarms, dead letters and the consumer's offsets: all of a poll in one transaction, or none of it."""

import logging
import time
from collections.abc import Callable, Sequence
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Producer, TopicPartition

from detector.config import Config
from detector.core.samples import Records, Rejection
from detector.core.votes import Memory
from detector.kafka.cluster import explain, open_client
from detector.kafka.properties import producer_properties
from detector.kafka.source import write_memory
from detector.notifications import Message

log = logging.getLogger("faultline.kafka")

RETRIES = 5
"""Of the start of the first transaction; librdkafka has waited for the broker inside each."""

CALL_SECONDS = 2.0
"""For one call of a transaction, before it is called again to go on. The one that adds the offsets takes no notice, and
waits for `transaction.timeout.ms`: the configuration sees to that."""

AWAY_SECONDS = 1.0
"""A broker that does not say what topics there are within this is away."""


DEAD_LETTER_BYTES = 900_000
"""A longer record is cut, and a header says so: a producer sends a million bytes by default, key and headers too."""

DEAD_LETTER_KEY_BYTES = 10_000
"""Of these the key may have so many: none that names a cell is longer."""


class Aborted(Exception):
    """The transaction was rolled back: nothing of the poll was published, and its memory must be taken up anew."""

    def __init__(self, error: KafkaError) -> None:
        super().__init__(error.str())
        self.error = error


class Sink:
    """One transactional producer, the same for the life of the instance: its id fences whoever had it before."""

    def __init__(self, config: Config, waiting: Callable[[], None] = lambda: None) -> None:
        """`waiting` is called again and again while a transaction waits for a broker that is away."""
        self._kafka, self._waiting = config.kafka, waiting
        self._topics = config.kafka.topics
        self._producer = open_client(Producer, producer_properties(config.kafka), config.kafka)
        try:
            self._retry(lambda: self._producer.init_transactions(self._kafka.reach_seconds))
        except KafkaException as error:
            raise explain(error.args[0], self._kafka) from None

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
        try:
            self._producer.begin_transaction()
            for partition, message, opened in alarms:
                self._produce(self._topics.alarms, message)
                self._produce(self._topics.active, opened, partition)
            for records, rejection in rejections:
                self._bury(records, rejection)
            positions = [self._position(number, *address) for number, address in offsets.items()]
            self._persist(lambda: self._producer.send_offsets_to_transaction(positions, group_metadata, CALL_SECONDS))
            self._persist(lambda: self._producer.commit_transaction(CALL_SECONDS))
        except KafkaException as error:
            if error.args[0].fatal():
                raise explain(error.args[0], self._kafka) from None
            if not error.args[0].txn_requires_abort():
                raise
            log.warning("transaction rolled back: %s", error.args[0].str())
            self._persist(lambda: self._producer.abort_transaction(CALL_SECONDS))
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
        self._send(self._topics.deadletters, key=key, value=value, headers=encoded)

    def _produce(self, topic: str, message: Message, partition: int | None = None) -> None:
        placed = {} if partition is None else {"partition": partition}
        self._send(
            topic,
            key=message.key,
            value=message.value,
            headers=message.headers,
            # A broker refuses what is an hour ahead of its clock: a network whose clocks are is no reason to be silent.
            timestamp=min(message.timestamp_ms, int(time.time() * 1000)),
            **placed,
        )

    def _send(self, topic: str, **record: Any) -> None:
        while True:
            try:
                self._producer.produce(topic, **record)
                return
            except BufferError:
                self._producer.poll(1)  # the queue is full: wait for the broker to take some
                self._wait()

    def _retry(self, call: Callable[[], None]) -> None:
        for attempt in range(RETRIES):
            try:
                call()
                return
            except KafkaException as error:
                if not error.args[0].retriable() or attempt == RETRIES - 1:
                    raise

    def _persist(self, call: Callable[[], None]) -> None:
        """Calls again for as long as waiting may mend it: a broker may be away for hours, and nothing is lost by it."""
        while True:
            try:
                call()
                return
            except KafkaException as error:
                if not error.args[0].retriable():
                    raise
            self._wait()

    def _wait(self) -> None:
        """Tells that we wait where the broker is away. Where it answers, a call that never ends is no weather."""
        try:
            self._producer.list_topics(timeout=AWAY_SECONDS)
        except KafkaException:
            self._waiting()
