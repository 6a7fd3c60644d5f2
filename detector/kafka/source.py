"""The minutes, in polls. A rebalance is part of a poll, not a callback, and an assignment brings its memory's address.

A partition is rewound before its first record is fetched: to the replay offset that its last commit carries. Records
before the committed offset are to be remembered, those from it on to be heard.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec
import numpy as np
from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, Consumer, KafkaError, KafkaException, Message, TopicPartition

from detector.config import Config
from detector.core.samples import Records
from detector.core.votes import MARK, VOTE, Memory
from detector.kafka.cluster import explain, open_client
from detector.kafka.presence import ANSWER_SECONDS, Presence
from detector.kafka.properties import consumer_properties

log = logging.getLogger("faultline.kafka")

LEAVE_SECONDS = 3
"""For the partitions to be given back in an orderly end; the group waits no longer for a daemon that is going."""

FINAL = {
    KafkaError.UNKNOWN_TOPIC_OR_PART,
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.SASL_AUTHENTICATION_FAILED,
    KafkaError._AUTHENTICATION,
    KafkaError._FATAL,  # fenced: librdkafka says so once, in an error that does not call itself fatal
}
"""Errors of the consumer that waiting does not mend: the operator has to."""

PASSING = {
    KafkaError._TIMED_OUT,
    KafkaError._TRANSPORT,
    KafkaError._ALL_BROKERS_DOWN,
    KafkaError._WAIT_COORD,
    KafkaError._TIMED_OUT_QUEUE,
    KafkaError.NOT_COORDINATOR,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.UNSTABLE_OFFSET_COMMIT,
}
"""What a question may come to while brokers go, come and take over from each other."""

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Assignment:
    """A partition that is ours from now on."""

    partition: int
    memory: Memory | None
    audible_offset: int
    """Records before it were heard by whoever committed last."""


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


class Source:
    """One member of the consumer group."""

    def __init__(self, config: Config, presence: Presence) -> None:
        self._kafka, self._presence = config.kafka, presence
        self._topic = config.kafka.topics.minutes
        self._earliest = config.kafka.start == "earliest"
        self._memory_minutes = config.settings.tolerance.memory_minutes
        self._pending = Poll()
        self._fatal: KafkaError | None = None
        self._paused = False
        self._consumer = open_client(
            Consumer, {**consumer_properties(config.kafka), "error_cb": self._on_error}, config.kafka
        )
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
        poll, self._pending = self._pending, Poll()
        gone = set(poll.revoked) - {assignment.partition for assignment in poll.assigned}
        by_partition: dict[int, list[Message]] = {}
        for message in messages:
            if message.error() is not None:
                self._note(message, poll)
            elif message.partition() not in gone:
                by_partition.setdefault(message.partition(), []).append(message)
        poll.records = [columns(partition, batch) for partition, batch in sorted(by_partition.items())]
        stamps = [batch[0].timestamp()[1] for batch in by_partition.values()]
        poll.oldest_ms = min(stamps, default=None)
        return poll

    def rewind(self) -> None:
        """Takes up every partition anew from its last commit, as after a restart: a transaction was aborted."""
        owned = self._consumer.assignment()
        self._pending.revoked += [partition.partition for partition in owned]
        for position in self._addresses(owned):
            self._consumer.seek(position)

    def pause(self) -> None:
        """Stops fetching for good, from partitions that come later too, and stays in the group."""
        self._paused = True
        self._consumer.pause(self._consumer.assignment())

    def lag(self) -> dict[int, int]:
        """Records behind the end, per partition, as far as the last fetch knows."""
        lags = {}
        for partition in self._consumer.position(self._consumer.assignment()):
            _, high = self._consumer.get_watermark_offsets(partition, cached=True)
            if partition.offset >= 0 and high >= 0:
                lags[partition.partition] = max(0, high - partition.offset)
        return lags

    def close(self) -> None:
        """Leaves the group, so that others take the partitions over at once.

        Closing alone would keep a static member's place until its session times out; unsubscribing gives it up.
        """
        try:
            self._consumer.unsubscribe()
            deadline = time.monotonic() + LEAVE_SECONDS
            while self._consumer.assignment() and time.monotonic() < deadline:
                self._consumer.consume(1, 0.05)
        except KafkaException as error:
            log.info("no place in the group to give up: %s", error.args[0].str())
        self._consumer.close()

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
            raise explain(error, self._kafka)
        else:
            log.warning("a partition: %s", error.str())

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        if not partitions:
            return
        consumer.incremental_assign(self._addresses(partitions))
        if self._paused:
            consumer.pause(partitions)

    def _on_revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        numbers = [partition.partition for partition in partitions]
        self._pending.revoked += numbers
        self._pending.assigned = [a for a in self._pending.assigned if a.partition not in numbers]
        if partitions:
            consumer.incremental_unassign(partitions)

    def _addresses(self, partitions: list[TopicPartition]) -> list[TopicPartition]:
        """Where to read each partition from; notes the assignments."""
        plain = [TopicPartition(self._topic, partition.partition) for partition in partitions]
        committed = self._insist(lambda: self._consumer.committed(plain, ANSWER_SECONDS))
        return [self._address(partition) for partition in committed]

    def _address(self, committed: TopicPartition) -> TopicPartition:
        if committed.error is not None:
            raise explain(committed.error, self._kafka)
        number = committed.partition
        start = TopicPartition(self._topic, number, OFFSET_BEGINNING if self._earliest else OFFSET_END)
        if committed.offset < 0:
            self._pending.assigned.append(Assignment(number, None, 0))
            return start
        low, _ = self._insist(lambda: self._consumer.get_watermark_offsets(start, timeout=ANSWER_SECONDS))
        memory = read_memory(committed.metadata)
        replay = memory.replay_offset if memory else self._offset_by_time(number)
        if committed.offset < low:
            log.warning(
                "partition %d: offsets %d to %d are gone from the log (retention); their minutes were never seen",
                number,
                committed.offset,
                low,
            )
        self._pending.assigned.append(Assignment(number, memory, max(committed.offset, low)))
        return TopicPartition(self._topic, number, max(low, min(replay, committed.offset)))

    def _offset_by_time(self, number: int) -> int:
        """For a commit that is not ours: the record times say about where the memory would begin."""
        since = int((time.time() - self._memory_minutes * 60) * 1000)
        wanted = [TopicPartition(self._topic, number, since)]
        (found,) = self._insist(lambda: self._consumer.offsets_for_times(wanted, timeout=ANSWER_SECONDS))
        return found.offset if found.offset >= 0 else np.iinfo(np.int64).max

    def _insist(self, ask: Callable[[], Answer]) -> Answer:
        """Asks until it is answered. Where the cluster answers all else, that is for the watchdog to end."""
        while True:
            try:
                return ask()
            except KafkaException as error:
                if is_final(error.args[0]):
                    raise explain(error.args[0], self._kafka) from None
                if not may_pass(error.args[0]):
                    raise
            self._presence.ask()


def is_final(error: KafkaError) -> bool:
    """True when waiting will not mend it."""
    return bool(error.fatal()) or error.code() in FINAL


def may_pass(error: KafkaError) -> bool:
    """True where asking again may bring the answer."""
    return bool(error.retriable()) or error.code() in PASSING


def write_memory(memory: Memory) -> str:
    """The commit's metadata. # about 100 bytes and 22 a vote: at most 3,900 of the 4,096 a broker allows"""
    return msgspec.json.encode(memory).decode()


def read_memory(metadata: str | None) -> Memory | None:
    """None where the commit was not made by this daemon."""
    if not metadata:
        return None
    try:
        memory = msgspec.json.decode(metadata, type=Memory)
    except msgspec.MsgspecError:
        return None
    torn = len(memory.votes) % VOTE.itemsize or len(memory.laggards or b"") % MARK.itemsize
    return None if torn else memory


def columns(partition: int, messages: list[Message]) -> Records:
    """One partition's messages, none of them an error."""
    return Records(
        partition,
        np.fromiter((message.offset() for message in messages), np.int64, len(messages)),
        [message.key() for message in messages],
        [message.value() for message in messages],
    )
