"""Transactions: a transactional producer that can be abandoned, because a call into librdkafka may never return.

`send_offsets_to_transaction` takes no notice of its time-out. Where the group's coordinator went away and came back, it
waits for a connection that nobody makes any more (librdkafka's issues 5511 and 5456). So a call is made on a thread
beside the loop. One that outlives its time while the cluster answers is abandoned, with its producer. Another producer
of the same transactional id takes over: by that the broker rolls the transaction back, and lets the old one write no
more.
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
"""Attempts to start the first producer. librdkafka has waited for the broker inside each."""

CALL_SECONDS = 2.0
"""Time of a call before it is made again, to go on. Most calls take milliseconds."""

PATIENCE_SECONDS = 10.0
"""Longest time of a call while the cluster answers; so long may a client wait before it connects again."""


class Aborted(Exception):
    """Rollback of a transaction: nothing of the poll was published, and its partitions must be restored anew."""

    def __init__(self, error: KafkaError) -> None:
        super().__init__(error.str())
        self.error = error


class _StuckCall(Exception):
    """Failure of a call while the broker is not away. The text is the last error, or that there was none."""


class _Call:
    """Call on a thread that can be abandoned in it, with all that the call holds."""

    def __init__(self, call: Callable[[], object]) -> None:
        self._end_event = threading.Event()
        self._error: Exception = RuntimeError("a call of the transaction ended in its thread")
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
        except KafkaException as error:  # it is raised where the call is waited for
            self._error = error
        finally:
            self._end_event.set()


class _Outage:
    """Availability of the cluster while a call is waited for."""

    def __init__(self, seconds: float) -> None:
        """`seconds`: the time that a transaction may take."""
        self._seconds = seconds
        self.called_at = self._available_since = monotonic()
        """Times when the call was made, and since when the cluster has answered."""
        self._answered_at = self.called_at
        self.was_long = False
        """Whether the cluster did not answer for longer than a moment."""

    def must_give_up(self, is_available: bool) -> bool:
        """Return whether to wait no longer, now that the cluster was asked again."""
        now = monotonic()
        if not is_available:
            self.was_long = self.was_long or now - self._answered_at > PATIENCE_SECONDS
            self.called_at = self._available_since = now
            return False
        self._answered_at = now
        return self.was_long or now - self.called_at > PATIENCE_SECONDS or now - self._available_since > self._seconds


class Transactions:
    """Successive transactions under one transactional id, which fences the id's previous producer."""

    def __init__(self, kafka: Kafka, broker_monitor: BrokerMonitor, record_bytes: int = RECORD_BYTES) -> None:
        """`record_bytes`: no record, and no batch of them, is longer. Raises ClusterError."""
        self._kafka, self._broker_monitor = kafka, broker_monitor
        self._seconds = transaction_seconds(kafka)
        self._properties = {"message.max.bytes": record_bytes, **producer_properties(kafka)}
        self._producer, self._brokers_lost = self._open()
        try:
            self._retry(lambda: self._producer.init_transactions(kafka.reach_seconds))
        except KafkaException as error:
            raise explain(error.args[0], kafka) from None

    def begin(self) -> None:
        """Begin a transaction. A producer that lost all brokers is replaced before."""
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
        """Roll the transaction back. Raises Aborted where that, too, takes another producer.

        A transaction may be too young to be rolled back: the broker, busy with the one before, has not heard of it, and
        calls its end an invalid state, which the client calls fatal. One in thirty, right behind another one's commit.
        """
        producer = self._producer
        try:
            self._persist("its abort", lambda: producer.abort_transaction(CALL_SECONDS))
        except KafkaException as error:
            if error.args[0].code() != KafkaError.INVALID_TXN_STATE:
                raise
            log.warning("a transaction could not be rolled back; another producer takes over")
            self._replace()

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
            log.warning("a transaction was abandoned at %s (%s); another producer takes over", step, reason)
            self._replace()
            raise Aborted(KafkaError(KafkaError._TIMED_OUT, "a call into the Kafka client did not end")) from None

    def _complete(self, call: Callable[[], object]) -> None:
        """Repeat a call while waiting may mend it: a broker may be away for hours, and nothing is lost by it.

        Raises _StuckCall where the broker answers and a call does not end, and where the transaction's time is over.
        Raises it, too, where the broker is back after so long that it may have ended the transaction itself, and called
        us fenced.
        """
        running_call, outage, reason = _Call(call), _Outage(self._seconds), "it does not return"
        while True:
            try:
                if running_call.wait(CALL_SECONDS):
                    return
            except KafkaException as error:
                if outage.was_long and error.args[0].code() == KafkaError._FENCED:
                    raise _StuckCall(error.args[0].str()) from None
                if not error.args[0].retriable():
                    raise
                reason = error.args[0].str()
                running_call = _Call(call)
                outage.called_at = monotonic()
            if outage.must_give_up(self._broker_monitor.probe()):
                raise _StuckCall(reason)

    def _replace(self) -> None:
        """Open another producer under the same id. The old one ends on a thread of its own, if ever."""
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
