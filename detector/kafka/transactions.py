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

from detector.config import Kafka
from detector.kafka.cluster import explain, open_client
from detector.kafka.presence import Presence
from detector.kafka.properties import producer_properties

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
    """A call does not return, and it is not the broker's absence."""


class _Call:
    """One call, on a thread that can be left behind in it, with all that the call holds."""

    def __init__(self, call: Callable[[], object]) -> None:
        self._ended = threading.Event()
        self._error: Exception | None = RuntimeError("a call into the Kafka client came to nothing")
        threading.Thread(target=self._make, args=(call,), name="transaction", daemon=True).start()

    def wait(self, seconds: float) -> bool:
        """Whether it has ended within this time. Raises what it ended with."""
        ended = self._ended.wait(seconds)
        if ended and self._error is not None:
            raise self._error
        return ended

    def _make(self, call: Callable[[], object]) -> None:
        try:
            call()
            self._error = None
        except KafkaException as error:  # it is raised where the call is waited for
            self._error = error
        finally:
            self._ended.set()


class Transactions:
    """One after the other, under one transactional id, which fences whoever had it before."""

    def __init__(self, kafka: Kafka, presence: Presence) -> None:
        """Raises ClusterError."""
        self._kafka, self._presence = kafka, presence
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
        self._persist(lambda: producer.send_offsets_to_transaction(list(positions), group_metadata, CALL_SECONDS))
        self._persist(lambda: producer.commit_transaction(CALL_SECONDS))
        self._lost.clear()

    def abort(self) -> None:
        """Raises Aborted where that, too, takes another producer."""
        producer = self._producer
        self._persist(lambda: producer.abort_transaction(CALL_SECONDS))

    def _open(self) -> tuple[Producer, threading.Event]:
        """A producer, and what is set once it has lost all brokers."""
        lost = threading.Event()

        def hear(error: KafkaError) -> None:
            if error.code() == KafkaError._ALL_BROKERS_DOWN:
                lost.set()

        return open_client(Producer, {**producer_properties(self._kafka), "error_cb": hear}, self._kafka), lost

    def _persist(self, call: Callable[[], object]) -> None:
        try:
            self._complete(call)
        except _Hanging:
            log.warning("a call of the transaction does not end; rolled back, and another producer takes over")
            self._replace()
            raise Aborted(KafkaError(KafkaError._TIMED_OUT, "a call into the Kafka client did not end")) from None

    def _complete(self, call: Callable[[], object]) -> None:
        """Calls again for as long as waiting may mend it: a broker may be away for hours, and nothing is lost by it."""
        running, since = _Call(call), monotonic()
        while True:
            try:
                if running.wait(CALL_SECONDS):
                    return
            except KafkaException as error:
                if not error.args[0].retriable():
                    raise
                running, since = _Call(call), monotonic()
            if not self._presence.ask():
                since = monotonic()
            elif monotonic() - since > PATIENCE_SECONDS:
                raise _Hanging

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
