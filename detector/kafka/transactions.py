"""A transactional producer that can be given up: a call into librdkafka may never return.

`send_offsets_to_transaction` takes no notice of its time-out. Where the group's coordinator went away and came back, it
waits for a connection that nobody makes any more (librdkafka's issues 5511 and 5456). So a call is made beside the
loop. One that outlives its time while the cluster answers is left behind, with its producer. Another producer of the
same transactional id takes over: by that the broker rolls the transaction back, and lets the old one write no more.
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
"""Of the start of the first producer; librdkafka has waited for the broker inside each."""

CALL_SECONDS = 2.0
"""What a call is given before it is made again, to go on; most take milliseconds."""

PATIENCE_SECONDS = 10.0
"""For a call that outlives this while the cluster answers; so long may a client wait before it connects again."""


class Aborted(Exception):
    """The transaction was rolled back: nothing of the poll was published, and its memory must be taken up anew."""

    def __init__(self, error: KafkaError) -> None:
        super().__init__(error.str())
        self.error = error


class _Hanging(Exception):
    """A call comes to nothing, and it is not the broker's absence. Says what it was last told."""


class _Call:
    """One call, on a thread that can be left behind in it, with all that the call holds."""

    def __init__(self, call: Callable[[], object]) -> None:
        self._ended = threading.Event()
        self._error: Exception = RuntimeError("a call of the transaction ended in its thread")
        self._returned = False
        threading.Thread(target=self._make, args=(call,), name="transaction", daemon=True).start()

    def wait(self, seconds: float) -> bool:
        """Whether it has ended within this time. Raises what it ended with."""
        if not self._ended.wait(seconds):
            return False
        if not self._returned:
            raise self._error
        return True

    def _make(self, call: Callable[[], object]) -> None:
        try:
            call()
            self._returned = True
        except KafkaException as error:  # it is raised where the call is waited for
            self._error = error
        finally:
            self._ended.set()


class _Outage:
    """How the cluster answered while a call was waited for."""

    def __init__(self, seconds: float) -> None:
        """`seconds`: what a transaction may take."""
        self._seconds = seconds
        self.called = self._fair = monotonic()
        """When the call was made, and since when the cluster has answered."""
        self._answered = self.called
        self.was_bad = False
        """Nobody answered for longer than a moment."""

    def forbids(self, answers: bool) -> bool:
        """Whether to wait no longer, now that the cluster was asked again."""
        now = monotonic()
        if not answers:
            self.was_bad = self.was_bad or now - self._answered > PATIENCE_SECONDS
            self.called = self._fair = now
            return False
        self._answered = now
        return self.was_bad or now - self.called > PATIENCE_SECONDS or now - self._fair > self._seconds


class Transactions:
    """One after the other, under one transactional id, which fences whoever had it before."""

    def __init__(self, kafka: Kafka, presence: BrokerMonitor, record_bytes: int = RECORD_BYTES) -> None:
        """`record_bytes`: no record, and no batch of them, is longer. Raises ClusterError."""
        self._kafka, self._presence = kafka, presence
        self._seconds = transaction_seconds(kafka)
        self._properties = {"message.max.bytes": record_bytes, **producer_properties(kafka)}
        self._producer, self._lost = self._open()
        try:
            self._retry(lambda: self._producer.init_transactions(kafka.reach_seconds))
        except KafkaException as error:
            raise explain(error.args[0], kafka) from None

    def begin(self) -> None:
        """A producer that lost all brokers is not trusted with another transaction."""
        self._producer.poll(0)  # what befell it is told here
        if self._lost.is_set():
            self._replace()
        self._producer.begin_transaction()

    def send(self, topic: str, **record: Any) -> None:
        while True:
            try:
                self._producer.produce(topic, **record)
                return
            except BufferError:
                self._producer.poll(1)  # the queue is full: wait for the broker to take some
                self._presence.ask()

    def commit(self, positions: Sequence[TopicPartition], group_metadata: Any) -> None:
        """With the group's next offsets. Raises Aborted."""
        producer = self._producer
        self._persist(
            "its offsets", lambda: producer.send_offsets_to_transaction(list(positions), group_metadata, CALL_SECONDS)
        )
        self._persist("its commit", lambda: producer.commit_transaction(CALL_SECONDS))
        self._lost.clear()

    def abort(self) -> None:
        """Raises Aborted where that, too, takes another producer.

        A transaction may be too young to be rolled back: the broker, busy with the one before, has not heard of it, and
        calls its end an invalid state, which the client calls fatal. One in thirty, right behind another one's commit.
        """
        producer = self._producer
        try:
            self._persist("its abort", lambda: producer.abort_transaction(CALL_SECONDS))
        except KafkaException as error:
            if error.args[0].code() != KafkaError.INVALID_TXN_STATE:
                raise
            log.warning("a transaction could not be rolled back, and another producer takes over")
            self._replace()

    def _open(self) -> tuple[Producer, threading.Event]:
        """A producer, and what is set once it has lost all brokers."""
        lost = threading.Event()

        def hear(error: KafkaError) -> None:
            if error.code() == KafkaError._ALL_BROKERS_DOWN:
                lost.set()

        return open_client(Producer, {**self._properties, "error_cb": hear}, self._kafka), lost

    def _persist(self, step: str, call: Callable[[], object]) -> None:
        try:
            self._complete(call)
        except _Hanging as told:
            log.warning("a transaction: %s came to nothing (%s); another producer takes over", step, told)
            self._replace()
            raise Aborted(KafkaError(KafkaError._TIMED_OUT, "a call into the Kafka client did not end")) from None

    def _complete(self, call: Callable[[], object]) -> None:
        """Calls again for as long as waiting may mend it: a broker may be away for hours, and nothing is lost by it.

        Raises _Hanging where it answers and a call does not end; where the transaction's time is over; and where the
        broker is back after so long that it may have ended the transaction itself, and called us fenced.
        """
        running, weather, told = _Call(call), _Outage(self._seconds), "it does not return"
        while True:
            try:
                if running.wait(CALL_SECONDS):
                    return
            except KafkaException as error:
                if weather.was_bad and error.args[0].code() == KafkaError._FENCED:
                    raise _Hanging(error.args[0].str()) from None
                if not error.args[0].retriable():
                    raise
                told = error.args[0].str()
                running = _Call(call)
                weather.called = monotonic()
            if weather.forbids(self._presence.ask()):
                raise _Hanging(told)

    def _replace(self) -> None:
        """Another producer under the same id. The old one ends on a thread of its own, if ever."""
        old = [self._producer]
        while True:
            self._producer, self._lost = self._open()
            threading.Thread(target=old.clear, name="old producer", daemon=True).start()
            producer = self._producer
            with suppress(_Hanging):
                self._complete(lambda producer=producer: producer.init_transactions(CALL_SECONDS))  # type: ignore[misc]
                return
            old = [producer]

    def _retry(self, call: Callable[[], object]) -> None:
        for attempt in range(RETRIES):
            try:
                call()
                return
            except KafkaException as error:
                if not error.args[0].retriable() or attempt == RETRIES - 1:
                    raise
