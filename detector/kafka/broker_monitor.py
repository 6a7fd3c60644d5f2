"""Broker monitor: tells a cluster that does not answer from one that has no records.

Its request is the number of partitions of the input topic, because the group may never learn that some were added.

It uses a client of its own. The other clients are silent for many reasons, and one that hangs would never report it.
"""

from collections.abc import Callable
from concurrent.futures import Future
from time import monotonic

from confluent_kafka import KafkaException, TopicCollection
from confluent_kafka.admin import TopicDescription

from detector.config.schema import Kafka
from detector.kafka.client import open_admin

ANSWER_SECONDS = 1.0
"""Timeout of a request that the loop waits for. An answer takes milliseconds, and others wait for the loop."""

BACKGROUND_SECONDS = 5.0
"""Timeout of a request that nobody waits for. A busy machine does not turn unready because of it."""

EVERY_SECONDS = 1.0
"""Pause from an answer to the next background request."""


class BrokerMonitor:
    """Availability of the cluster, as of the last answer. Only the loop's thread may use it.

    The cluster counts as available until a request fails.
    """

    def __init__(self, kafka: Kafka, on_answer: Callable[[bool], None] = lambda is_available: None) -> None:
        """`on_answer` is called after each `probe`, with whether the cluster answered."""
        self._admin, self._topic = open_admin(kafka), kafka.topics.minutes
        self._on_answer = on_answer
        self._is_available = True
        self._request: Future[TopicDescription] | None = None
        self.partition_count: int | None = None
        """Partitions of the input topic by the last answer; None before the first."""
        self._answered_at = monotonic()

    def is_available(self) -> bool:
        """Return the result of the last request, and send the next one in time. Never waits."""
        if self._request is None and monotonic() - self._answered_at >= EVERY_SECONDS:
            self._request = self._send(BACKGROUND_SECONDS)
        elif self._request is not None and self._request.done():
            self._take_result(self._request)
            self._request = None
        return self._is_available

    def probe(self) -> bool:
        """Send a request, wait for its result, and return whether the cluster is available."""
        self._take_result(self._send(ANSWER_SECONDS))
        self._on_answer(self._is_available)
        return self._is_available

    def _send(self, seconds: float) -> "Future[TopicDescription]":
        topics = TopicCollection([self._topic])
        request: Future[TopicDescription] = self._admin.describe_topics(topics, request_timeout=seconds)[self._topic]
        return request

    def _take_result(self, request: "Future[TopicDescription]") -> None:
        error = request.exception()
        # A refusal is an answer, too: the client's own errors are those below zero.
        is_silent = isinstance(error, KafkaException) and error.args[0].code() < 0
        self._is_available = not is_silent or self._has_brokers()
        if error is None:
            self.partition_count = len(request.result().partitions)
        self._answered_at = monotonic()

    def _has_brokers(self) -> bool:
        """Return whether any broker answers.

        A cluster without a controller, for a moment or as an embedded one, is available and does not answer the
        monitor's request.
        """
        try:
            self._admin.list_topics(timeout=ANSWER_SECONDS)
        except KafkaException:
            return False
        return True
