"""Transactions: a transactional producer that can be abandoned, because a call into librdkafka may never return.

`send_offsets_to_transaction` ignores its timeout. After an outage of the group coordinator, it waits for a connection
that librdkafka never opens (librdkafka's issues 5511 and 5456). So every call runs on a separate thread. A call that
exceeds its timeout while the cluster answers is abandoned together with its producer. A new producer with the same
transactional id fences the old one, and the broker aborts the open transaction.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from time import monotonic
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Producer, TopicPartition

from detector.config.schema import Kafka, transaction_seconds
from detector.kafka.broker_monitor import BrokerMonitor
from detector.kafka.client import open_client, producer_properties
from detector.kafka.errors import explain
from detector.kafka.topics import RECORD_BYTES

log = logging.getLogger("faultline.kafka")

RETRIES = 5
"""Attempts to initialise the first producer. Each attempt includes librdkafka's own wait for the broker."""

CALL_SECONDS = 2.0
"""Timeout of one call. After a timeout the call is repeated, and librdkafka resumes the same operation.

Most calls take milliseconds.
"""

PATIENCE_SECONDS = 10.0
"""Longest duration of a call while the cluster answers. A client may wait this long before it reconnects."""


class Aborted(Exception):
    """Abort of a transaction: nothing of the poll was published, and its partitions must be restored again."""

    def __init__(self, error: KafkaError) -> None:
        super().__init__(error.str())
        self.error = error


class Fenced(Exception):
    """End of a producer whose transactional id another producer has taken. Nothing of the poll was published."""

    def __init__(self, error: KafkaError) -> None:
        super().__init__(error.str())
        self.error = error


class _StuckCall(Exception):
    """Call that does not complete although the broker is available. The text is its last error, if there was one."""


class _Call:
    """Call on a thread of its own, which can be abandoned together with the objects that the call references."""

    def __init__(self, call: Callable[[], object]) -> None:
        self._end_event = threading.Event()
        self._error: Exception = RuntimeError("a transaction call ended with an unexpected exception in its thread")
        self._has_returned = False
        threading.Thread(target=self._make, args=(call,), name="transaction", daemon=True).start()

    def wait(self, seconds: float) -> bool:
        """Return whether the call ends within this time. Raises its exception."""
        if not self._end_event.wait(seconds):
            return False
        if not self._has_returned:
            raise self._error
        return True

    def _make(self, call: Callable[[], object]) -> None:
        try:
            call()
            self._has_returned = True
        except KafkaException as error:  # raised again by `wait`
            self._error = error
        finally:
            self._end_event.set()


class _CallDeadline:
    """Decides when to stop waiting for a call, from the availability of the cluster."""

    def __init__(self, seconds: float) -> None:
        """`seconds`: longest duration of a transaction."""
        self._seconds = seconds
        self.called_at = self._available_since = monotonic()
        """Times of the latest call, and from which on the cluster has answered without interruption."""
        self._answered_at = self.called_at
        self.had_long_outage = False
        """Whether the cluster was unavailable for longer than PATIENCE_SECONDS."""

    def must_give_up(self, is_available: bool) -> bool:
        """Return whether to stop waiting, given the latest probe of the cluster."""
        now = monotonic()
        if not is_available:
            self.had_long_outage = self.had_long_outage or now - self._answered_at > PATIENCE_SECONDS
            self.called_at = self._available_since = now
            return False
        self._answered_at = now
        is_stuck = now - self.called_at > PATIENCE_SECONDS or now - self._available_since > self._seconds
        return self.had_long_outage or is_stuck


class Transactions:
    """Successive transactions under one transactional id, which fences the id's previous producer."""

    def __init__(self, kafka: Kafka, broker_monitor: BrokerMonitor, record_bytes: int = RECORD_BYTES) -> None:
        """`record_bytes`: largest size of a record and of a batch. Raises ClusterError."""
        self._kafka, self._broker_monitor = kafka, broker_monitor
        self._seconds = transaction_seconds(kafka)
        self._properties = {"message.max.bytes": record_bytes, **producer_properties(kafka)}
        self._producer, self._brokers_lost = self._open()
        try:
            self._retry(lambda: self._producer.init_transactions(kafka.reach_seconds))
        except KafkaException as error:
            raise explain(error.args[0], kafka) from None

    def begin(self) -> None:
        """Begin a transaction. A producer that lost all brokers is replaced first."""
        self._producer.poll(0)  # error events are delivered here
        if self._brokers_lost.is_set():
            self._replace()
        self._producer.begin_transaction()

    def send(self, topic: str, **record: Any) -> None:
        """Produce a record inside the transaction, and wait while the producer's queue is full."""
        while True:
            try:
                self._producer.produce(topic, **record)
                return
            except BufferError:
                self._producer.poll(1)  # the queue is full: wait for the broker to take some
                self._broker_monitor.probe()

    def commit(self, positions: Sequence[TopicPartition], group_metadata: Any) -> None:
        """Commit the transaction with the group's next offsets. Raises Aborted."""
        producer = self._producer
        self._persist(
            "its offsets", lambda: producer.send_offsets_to_transaction(list(positions), group_metadata, CALL_SECONDS)
        )
        self._persist("its commit", lambda: producer.commit_transaction(CALL_SECONDS))
        self._brokers_lost.clear()

    def abort(self) -> None:
        """Abort the transaction. Raises Aborted if the abort itself gets stuck and the producer is replaced.

        If the broker is still completing the previous transaction, an abort returns INVALID_TXN_STATE, which librdkafka
        treats as fatal. Observed in about 1 of 30 aborts immediately after a commit.
        """
        producer = self._producer
        try:
            self._persist("its abort", lambda: producer.abort_transaction(CALL_SECONDS))
        except KafkaException as error:
            if error.args[0].code() != KafkaError.INVALID_TXN_STATE:
                raise
            log.warning("a transaction could not be aborted; a new producer takes over")
            self._replace()

    def take_over(self) -> None:
        """Replace a fenced producer. The new one fences the one that fenced it."""
        self._replace()

    def fatal_cause(self, error: KafkaError) -> KafkaError:
        """Return the error that ended the producer, where a call says only that it has ended."""
        if error.code() == KafkaError._FATAL:
            try:
                self._producer.poll(0)
            except KafkaException as fatal:
                cause: KafkaError = fatal.args[0]
                return cause
        return error

    def _open(self) -> tuple[Producer, threading.Event]:
        """Return a producer, and an event that is set once it has lost all brokers."""
        brokers_lost = threading.Event()

        def on_error(error: KafkaError) -> None:
            if error.code() == KafkaError._ALL_BROKERS_DOWN:
                brokers_lost.set()

        return open_client(Producer, {**self._properties, "error_cb": on_error}, self._kafka), brokers_lost

    def _persist(self, step: str, call: Callable[[], object]) -> None:
        """Complete a call, or replace the producer and raise Aborted."""
        try:
            self._complete(call)
        except _StuckCall as reason:
            log.warning("a transaction was abandoned at %s (%s); a new producer takes over", step, reason)
            self._replace()
            raise Aborted(KafkaError(KafkaError._TIMED_OUT, "a call into the Kafka client did not end")) from None

    def _complete(self, call: Callable[[], object]) -> None:
        """Repeat a call while its failure may be temporary: a broker may be away for hours, and no data is lost.

        Raises _StuckCall if the broker answers and the call does not return, or if the transaction exceeds its longest
        duration. Raises _StuckCall also after a long outage: the broker may have aborted the transaction on its own and
        may report this producer as fenced.
        """
        running_call, deadline, reason = _Call(call), _CallDeadline(self._seconds), "it does not return"
        while True:
            try:
                if running_call.wait(CALL_SECONDS):
                    return
            except KafkaException as error:
                if deadline.had_long_outage and error.args[0].code() == KafkaError._FENCED:
                    raise _StuckCall(error.args[0].str()) from None
                if not error.args[0].retriable():
                    raise
                reason = error.args[0].str()
                running_call = _Call(call)
                deadline.called_at = monotonic()
            if deadline.must_give_up(self._broker_monitor.probe()):
                raise _StuckCall(reason)

    def _replace(self) -> None:
        """Open a new producer with the same id. The old producer is destroyed on a thread that may never end."""
        old_producers = [self._producer]
        while True:
            self._producer, self._brokers_lost = self._open()
            threading.Thread(target=old_producers.clear, name="old producer", daemon=True).start()
            producer = self._producer
            with suppress(_StuckCall):
                self._complete(lambda producer=producer: producer.init_transactions(CALL_SECONDS))  # type: ignore[misc]
                return
            old_producers = [producer]

    def _retry(self, call: Callable[[], object]) -> None:
        for attempt in range(RETRIES):
            try:
                call()
                return
            except KafkaException as error:
                if not error.args[0].retriable() or attempt == RETRIES - 1:
                    raise
