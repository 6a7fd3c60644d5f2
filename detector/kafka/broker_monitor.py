"""Whether the cluster answers at all: what tells a broker that is away from one that has nothing to say.

What it is asked is how many partitions the input topic has: the group may never be told that some were added.

Asked by a client of its own. The others' are silent for many reasons, and one that hangs would never be told.
"""

from collections.abc import Callable
from concurrent.futures import Future
from time import monotonic

from confluent_kafka import KafkaException, TopicCollection
from confluent_kafka.admin import TopicDescription

from detector.config.schema import Kafka
from detector.kafka.client import open_admin

ANSWER_SECONDS = 1.0
"""An answer takes milliseconds; whoever waits for one is waited for himself."""

LOOK_SECONDS = 5.0
"""For an answer nobody waits for, which a busy machine need not turn red for."""

EVERY_SECONDS = 1.0
"""From an answer to the next question."""


class BrokerMonitor:
    """Asked by the loop alone. It is there until it was silent once."""

    def __init__(self, kafka: Kafka, waiting: Callable[[bool], None] = lambda answers: None) -> None:
        """`waiting` is told, at each question that is waited for, whether it was answered."""
        self._admin, self._topic = open_admin(kafka), kafka.topics.minutes
        self._waiting = waiting
        self._answers = True
        self._asked: Future[TopicDescription] | None = None
        self.partitions: int | None = None
        """Of the input topic, as far as it was told."""
        self._heard = monotonic()

    def look(self) -> bool:
        """What came of the last question. The next is asked in time, beside the loop."""
        if self._asked is None and monotonic() - self._heard >= EVERY_SECONDS:
            self._asked = self._ask(LOOK_SECONDS)
        elif self._asked is not None and self._asked.done():
            self._hear(self._asked)
            self._asked = None
        return self._answers

    def ask(self) -> bool:
        """Asks, and waits for what comes of it."""
        self._hear(self._ask(ANSWER_SECONDS))
        self._waiting(self._answers)
        return self._answers

    def _ask(self, seconds: float) -> "Future[TopicDescription]":
        wanted = TopicCollection([self._topic])
        asked: Future[TopicDescription] = self._admin.describe_topics(wanted, request_timeout=seconds)[self._topic]
        return asked

    def _hear(self, asked: "Future[TopicDescription]") -> None:
        error = asked.exception()
        # A refusal is an answer, too: the client's own errors are those below zero.
        silent = isinstance(error, KafkaException) and error.args[0].code() < 0
        self._answers = not silent or self._has_brokers()
        if error is None:
            self.partitions = len(asked.result().partitions)
        self._heard = monotonic()

    def _has_brokers(self) -> bool:
        """A cluster without a controller, for a moment or as an embedded one, is silent to that question, and there."""
        try:
            self._admin.list_topics(timeout=ANSWER_SECONDS)
        except KafkaException:
            return False
        return True
