"""Offsets of a topic: its partitions' begins, ends, and first records from a time on, asked for all of them at once.

The admin client asks, by one request to each broker. A consumer that fetches answers a question about offsets only
behind its open fetch: 0.1 s for each partition, 21 s for 200 partitions.
"""

from collections.abc import Callable, Iterable
from contextlib import suppress
from threading import Event
from time import monotonic

from confluent_kafka import Consumer, IsolationLevel, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import OffsetSpec

from detector.config.schema import Kafka
from detector.kafka.broker_monitor import ANSWER_SECONDS
from detector.kafka.client import open_admin
from detector.kafka.errors import STALE_LEADER, explain, is_transient

COMMAND_SECONDS = 5.0
"""Timeout of one request of a command, which has nothing else to do. On a busy machine an answer takes a second."""

RETRY_SECONDS = 0.1
"""Pause before a request is repeated. A new leader is known within some tenths of a second."""

NOT_YET_KNOWN = {KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC, KafkaError._UNKNOWN_PARTITION}
"""Errors of a topic that was just created. Not all brokers have heard of it yet."""

NO_LEADER = {*STALE_LEADER, *NOT_YET_KNOWN, KafkaError._NOENT}
"""Errors after which the admin client is opened anew. It may go on with what it knows of the leaders."""

NEW_TOPIC_SECONDS = 5.0
"""Longest wait until all brokers have heard of a topic, which takes them some tenths of a second."""


class TopicOffsets:
    """Offsets of one topic. Each method answers for all given partitions by one request, repeated while it may help.

    All raise ClusterError where no answer comes within `reach_seconds`.
    """

    def __init__(self, kafka: Kafka, topic: str, is_broker_away: Callable[[], bool] | None = None) -> None:
        """`is_broker_away` is asked after each failure, by the daemon: while it is, the deadline moves on."""
        self._kafka, self._topic = kafka, topic
        self._is_broker_away = is_broker_away or (lambda: False)
        self._request_seconds = ANSWER_SECONDS if is_broker_away else COMMAND_SECONDS
        self._admin = open_admin(kafka)

    def begins(self, partitions: Iterable[int]) -> dict[int, int]:
        """Return the offset of each partition's first record that retention has left."""
        return self._ask(partitions, OffsetSpec.earliest(), IsolationLevel.READ_COMMITTED)

    def committed_ends(self, partitions: Iterable[int]) -> dict[int, int]:
        """Return each partition's last stable offset: up to there a reader of committed records gets."""
        return self._ask(partitions, OffsetSpec.latest(), IsolationLevel.READ_COMMITTED)

    def ends(self, partitions: Iterable[int]) -> dict[int, int]:
        """Return the partitions' end offsets, including the records of open transactions.

        A consumer reports the last stable offset as the end: the offset before the first open transaction. The
        coordinator ends a transaction on one partition after the other, and later on a partition whose leader moves.
        So committed offsets do not guarantee that the transaction's other records are readable. A new leader exposes
        fewer records than it has until its followers confirm them. To a request for its end it returns a retriable
        error (KIP-207).
        """
        return self._ask(partitions, OffsetSpec.latest(), IsolationLevel.READ_UNCOMMITTED)

    def at(self, partitions: Iterable[int], time_ms: int) -> dict[int, int | None]:
        """Return the offset of each partition's first record with this timestamp or a later one; None where none has.

        Timestamps need not ascend: records before that offset are older, records behind it may be older too.
        """
        answers = self._ask(partitions, OffsetSpec.for_timestamp(max(0, time_ms)), IsolationLevel.READ_COMMITTED)
        return {partition: offset if offset >= 0 else None for partition, offset in answers.items()}

    def _ask(self, partitions: Iterable[int], spec: OffsetSpec, isolation: IsolationLevel) -> dict[int, int]:
        requests = {TopicPartition(self._topic, partition): spec for partition in partitions}
        if not requests:
            return {}
        start, deadline = monotonic(), monotonic() + self._kafka.reach_seconds
        while True:
            try:
                answers = self._admin.list_offsets(
                    requests, isolation_level=isolation, request_timeout=self._request_seconds
                )
                return {position.partition: future.result().offset for position, future in answers.items()}
            except KafkaException as failure:
                error = failure.args[0]
            if error.code() in NOT_YET_KNOWN:
                deadline = min(deadline, start + NEW_TOPIC_SECONDS)
            elif error.fatal() or not is_transient(error):
                raise explain(error, self._kafka, self._topic)
            elif self._is_broker_away():
                deadline = monotonic() + self._kafka.reach_seconds
            if monotonic() > deadline:
                raise explain(error, self._kafka, self._topic)
            if error.code() in NO_LEADER:
                self._admin = open_admin(self._kafka)
            Event().wait(RETRY_SECONDS)


def learn_leaders(consumer: Consumer, topic: str) -> None:
    """Make a consumer ask for the leaders of all partitions, to save time only.

    A consumer that is assigned a partition whose leader it does not know looks for it within a second.
    """
    with suppress(KafkaException):
        consumer.list_topics(topic, timeout=ANSWER_SECONDS)
