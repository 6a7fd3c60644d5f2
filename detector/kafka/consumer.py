"""The minutes, in polls. A rebalance is part of a poll, not a callback, and an assignment brings its memory's address.

A partition is rewound before its first record is fetched: to the replay offset that its last commit carries. Records
before the committed offset are to be remembered, those from it on to be heard.
"""

import logging
import time
from dataclasses import dataclass, field

import numpy as np
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from detector.config.schema import Config
from detector.core.ingest.samples import Records
from detector.kafka.assignment import Assignment, StartPositions
from detector.kafka.broker_monitor import BrokerMonitor
from detector.kafka.client import consumer_properties, open_client
from detector.kafka.errors import explain, is_final
from detector.kafka.lag import Lag

log = logging.getLogger("faultline.kafka")

LEAVE_SECONDS = 3
"""For the partitions to be given back in an orderly end; the group waits no longer for a daemon that is going."""


@dataclass
class Poll:
    """What one call brought, in the order in which it is to be taken."""

    revoked: list[int] = field(default_factory=list)
    assigned: list[Assignment] = field(default_factory=list)
    records: list[Records] = field(default_factory=list)
    ended: dict[int, int] = field(default_factory=dict)
    """Partitions read to their end, with the offset reached."""
    oldest_ms: int | None = None
    """Timestamp of the oldest record, in ms since 1970."""


class MinuteConsumer:
    """One member of the consumer group."""

    def __init__(self, config: Config, presence: BrokerMonitor) -> None:
        self._kafka = config.kafka
        self._topic = config.kafka.topics.minutes
        self._pending = Poll()
        self._fatal: KafkaError | None = None
        self._paused = False
        self._presence, self._config = presence, config
        self._join()

    def _join(self) -> None:
        self._consumer = open_client(
            Consumer, {**consumer_properties(self._kafka), "error_cb": self._on_error}, self._kafka
        )
        self._addresses = StartPositions(self._consumer, self._config, self._presence)
        self._lag = Lag(self._consumer, self._kafka)
        self._consumer.subscribe(
            [self._topic], on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_revoke
        )

    @property
    def group_metadata(self) -> object:
        return self._consumer.consumer_group_metadata()

    def poll(self) -> Poll:
        """Waits up to `batch_seconds` for up to `batch_records`. Raises ClusterError."""
        messages = self._consumer.consume(self._kafka.batch_records, self._kafka.batch_seconds)
        if self._fatal is not None:
            raise explain(self._fatal, self._kafka)
        if not messages and self._is_fenced():
            log.warning("the consumer was taken for another one when its brokers came back; it joins anew")
            self._consumer.close()
            self._join()
        poll, self._pending = self._pending, Poll()
        gone = set(poll.revoked) - {assignment.partition for assignment in poll.assigned}
        by_partition: dict[int, list[Message]] = {}
        lost: list[int] = []
        for message in messages:
            error = message.error()
            if message.partition() in gone:
                continue
            if error is None:
                by_partition.setdefault(message.partition(), []).append(message)
            elif error.code() == KafkaError._AUTO_OFFSET_RESET:
                lost.append(message.partition())
            else:
                self._note(message, poll)
        for partition in lost:
            by_partition.pop(partition, None)  # what came of it comes again
        self._take_anew(lost)
        poll.records = [columns(partition, batch) for partition, batch in sorted(by_partition.items())]
        stamps = [batch[0].timestamp()[1] for batch in by_partition.values()]
        poll.oldest_ms = min(stamps, default=None)
        return poll

    def _is_fenced(self) -> bool:
        """Whether it has ended and nobody was told.

        Where its brokers were away for longer than its session, its last heartbeat may reach them after it has joined
        anew: they take it for another of its name, and the client for good ends without a word to `error_cb`. Only to
        a commit, of nothing, does it say so.
        """
        if self._consumer.assignment() or not self._presence.look():
            return False
        try:
            self._consumer.commit(offsets=[], asynchronous=False)
        except KafkaException as error:
            return bool(error.args[0].code() == KafkaError._FATAL)
        return False

    def rewind(self) -> None:
        """Takes up every partition anew from its last commit, as after a restart: a transaction was aborted."""
        self._take_anew([partition.partition for partition in self._consumer.assignment()])

    def pause(self) -> None:
        """Stops fetching for good, from partitions that come later too, and stays in the group."""
        self._paused = True
        self._consumer.pause(self._consumer.assignment())

    def lag(self) -> dict[int, int]:
        """Records behind the end, per partition, by what the broker said of it in the last seconds."""
        return self._lag.measure()

    def close(self) -> None:
        """Leaves the group, so that others take the partitions over at once.

        Closing alone would keep a static member's place until its session times out; unsubscribing gives it up, where
        there is a broker to give it back to.
        """
        if self._presence.look():
            self._leave()
        self._consumer.close()

    def _leave(self) -> None:
        try:
            self._consumer.unsubscribe()
            deadline = time.monotonic() + LEAVE_SECONDS
            while self._consumer.assignment() and time.monotonic() < deadline:
                self._consumer.consume(1, 0.05)
        except KafkaException as error:
            log.info("no place in the group to give up: %s", error.args[0].str())

    def _on_error(self, error: KafkaError) -> None:
        if is_final(error):
            self._fatal = self._fatal or error
            return
        log.warning("the consumer: %s", error.str())

    def _note(self, message: Message, poll: Poll) -> None:
        error = message.error()
        if error.code() == KafkaError._PARTITION_EOF:
            poll.ended[message.partition()] = message.offset()
        elif is_final(error):
            raise explain(error, self._kafka, self._topic)
        else:
            log.warning("a partition: %s", error.str())

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        if partitions:
            self._assign([partition.partition for partition in partitions])

    def _on_revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._revoke([partition.partition for partition in partitions])
        if partitions:
            consumer.incremental_unassign(partitions)

    def _take_anew(self, numbers: list[int]) -> None:
        if not numbers:
            return
        self._revoke(numbers)
        self._consumer.incremental_unassign([TopicPartition(self._topic, number) for number in numbers])
        self._assign(numbers)

    def _assign(self, numbers: list[int]) -> None:
        found = self._addresses.find(numbers)
        self._pending.assigned += [assignment for _, assignment in found]
        positions = [position for position, _ in found]
        for position in positions:
            self._lag.begin(position)
        self._consumer.incremental_assign(positions)
        if self._paused:
            self._consumer.pause(positions)

    def _revoke(self, numbers: list[int]) -> None:
        self._pending.revoked += numbers
        self._pending.assigned = [a for a in self._pending.assigned if a.partition not in numbers]


def columns(partition: int, messages: list[Message]) -> Records:
    """One partition's messages, none of them an error."""
    return Records(
        partition,
        np.fromiter((message.offset() for message in messages), np.int64, len(messages)),
        [message.key() for message in messages],
        [message.value() for message in messages],
    )
