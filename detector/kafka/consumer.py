"""Consumer of the input topic. It delivers polls; a rebalance is part of a poll, not a callback.

An assigned partition is rewound before its first record is fetched, to the replay offset in its last commit. Records
before the committed offset are replayed to restore state. Later records are live: their alarms are published.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition
from numpy.typing import NDArray

from detector.config.schema import Config
from detector.core.ingest.samples import Records
from detector.kafka.broker_monitor import BrokerMonitor
from detector.kafka.client import consumer_properties, open_client
from detector.kafka.errors import explain, is_fatal
from detector.kafka.lag import Lag
from detector.kafka.start_positions import Assignment, StartPositions

log = logging.getLogger("faultline.kafka")

LEAVE_SECONDS = 3
"""Longest wait, at shutdown, until the partitions are revoked.

It bounds the time that the group waits for a leaving daemon.
"""


@dataclass
class Poll:
    """Records and events that one call of the consumer returned. The fields are handled in the order of declaration."""

    revocations: list[int] = field(default_factory=list)
    """Partitions that were revoked."""
    assignments: list[Assignment] = field(default_factory=list)
    records: list[Records] = field(default_factory=list)
    end_offsets: dict[int, int] = field(default_factory=dict)
    """Partitions read to their end, with the offset reached."""
    timestamps_ms: dict[int, NDArray[np.int64]] = field(default_factory=dict)
    """Timestamps of each partition's records, in ms since 1970, as their producers or the broker set them."""


class MinuteConsumer:
    """Member of the consumer group, subscribed to the input topic."""

    def __init__(
        self,
        config: Config,
        broker_monitor: BrokerMonitor,
        name_rival: Callable[[str], str] = lambda member_id: "",
    ) -> None:
        """`name_rival` names the process that has taken the place of a member id, where it is known."""
        self._kafka = config.kafka
        self._topic = config.kafka.topics.minutes
        self._pending = Poll()
        self._fatal_error: KafkaError | None = None
        self._broker_monitor, self._config, self._name_rival = broker_monitor, config, name_rival
        self.member_id = ""
        """Id that the coordinator gave this member with its latest partitions; empty before."""
        self._is_join_refused = False
        """Whether the group's other members use another protocol, and this has been logged."""
        self._join()

    def _join(self) -> None:
        self._consumer = open_client(
            Consumer, {**consumer_properties(self._kafka), "error_cb": self._on_error}, self._kafka
        )
        self._start_positions = StartPositions(self._consumer, self._config, self._broker_monitor)
        self._lag = Lag(self._consumer, self._kafka)
        self._consumer.subscribe(
            [self._topic], on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_revoke
        )

    @property
    def group_metadata(self) -> object:
        """Group metadata that a transaction needs to commit offsets."""
        return self._consumer.consumer_group_metadata()

    def poll(self) -> Poll:
        """Wait up to `batch_seconds` for up to `batch_records` records. Raises ClusterError."""
        messages = self._consumer.consume(self._kafka.batch_records, self._kafka.batch_seconds)
        if self._fatal_error is not None:
            raise explain(self._fatal_error, self._kafka, rival=self._name_rival(self.member_id))
        if not messages and self._is_fenced():
            log.warning("the group coordinator fenced this static member after an outage; it rejoins the group")
            self._consumer.close()
            self._join()
        poll, self._pending = self._pending, Poll()
        revoked_partitions = set(poll.revocations) - {assignment.partition for assignment in poll.assignments}
        by_partition: dict[int, list[Message]] = {}
        lost_partitions: list[int] = []
        for message in messages:
            error = message.error()
            if message.partition() in revoked_partitions:
                continue
            if error is None:
                by_partition.setdefault(message.partition(), []).append(message)
            elif error.code() == KafkaError._AUTO_OFFSET_RESET:
                lost_partitions.append(message.partition())
            else:
                self._handle_error_event(message, poll)
        for partition in lost_partitions:
            by_partition.pop(partition, None)  # its records are fetched again after the reassignment
        self._reassign(lost_partitions)
        poll.records = [to_records(partition, batch) for partition, batch in sorted(by_partition.items())]
        poll.timestamps_ms = {
            partition: np.fromiter((message.timestamp()[1] for message in batch), np.int64, len(batch))
            for partition, batch in by_partition.items()
        }
        return poll

    def _is_fenced(self) -> bool:
        """Return whether the coordinator has fenced this static member without an error event.

        After an outage longer than the session timeout, the last heartbeat of the old session may reach the coordinator
        after the member has rejoined. The coordinator then treats it as another instance with the same
        `group.instance.id` and fences the member. The client then fails permanently without calling `error_cb`; an
        empty commit reveals the fatal error.
        """
        if self._consumer.assignment() or not self._broker_monitor.is_available():
            return False
        try:
            self._consumer.commit(offsets=[], asynchronous=False)
        except KafkaException as error:
            return bool(error.args[0].code() == KafkaError._FATAL)
        return False

    def rewind(self) -> None:
        """Restart every partition from its last commit, as a restart of the process would.

        Used after an aborted transaction and after a bundle reload.
        """
        self._reassign([partition.partition for partition in self._consumer.assignment()])

    def lag(self) -> dict[int, int]:
        """Return the lag of each partition in records, up to the end offset that was reported in the last seconds."""
        return self._lag.measure()

    def close(self) -> None:
        """Leave the group, so that other members take over the partitions at once.

        Closing alone would keep a static member's assignment until its session times out. Unsubscribing releases the
        assignment if a broker is available.
        """
        if self._broker_monitor.is_available():
            self._leave()
        self._consumer.close()

    def _leave(self) -> None:
        try:
            self._consumer.unsubscribe()
            deadline = time.monotonic() + LEAVE_SECONDS
            while self._consumer.assignment() and time.monotonic() < deadline:
                self._consumer.consume(1, 0.05)
        except KafkaException as error:
            log.info("the consumer could not leave the group: %s", error.args[0].str())

    def _on_error(self, error: KafkaError) -> None:
        if is_fatal(error):
            self._fatal_error = self._fatal_error or error
            return
        log.warning("the consumer reports: %s", error.str())

    def _handle_error_event(self, message: Message, poll: Poll) -> None:
        error = message.error()
        if error.code() == KafkaError._PARTITION_EOF:
            poll.end_offsets[message.partition()] = message.offset()
            self._lag.set_end_reached(message.partition(), message.offset())
        elif is_fatal(error):
            raise explain(error, self._kafka, self._topic)
        elif error.code() == KafkaError.INCONSISTENT_GROUP_PROTOCOL:
            self._report_refused_join()
        else:
            log.warning("the consumer reports an error of a partition: %s", error.str())

    def _report_refused_join(self) -> None:
        """Log once that the group cannot be joined. The client tries again every second, until it can."""
        if not self._is_join_refused:
            self._is_join_refused = True
            log.warning(
                "group %s cannot be joined while a consumer with another assignor is in it; it is tried again",
                self._kafka.group,
            )

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._is_join_refused, self.member_id = False, consumer.memberid() or self.member_id
        if partitions:
            self._assign([partition.partition for partition in partitions])

    def _on_revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._revoke([partition.partition for partition in partitions])
        if partitions:
            consumer.incremental_unassign(partitions)

    def _reassign(self, partitions: list[int]) -> None:
        if not partitions:
            return
        self._revoke(partitions)
        self._consumer.incremental_unassign([TopicPartition(self._topic, partition) for partition in partitions])
        self._assign(partitions)

    def _assign(self, partitions: list[int]) -> None:
        starts = self._start_positions.find(partitions)
        self._pending.assignments += [assignment for _, assignment in starts]
        positions = [position for position, _ in starts]
        for position in positions:
            self._lag.set_start(position)
        self._consumer.incremental_assign(positions)

    def _revoke(self, partitions: list[int]) -> None:
        self._pending.revocations += partitions
        self._pending.assignments = [
            assignment for assignment in self._pending.assignments if assignment.partition not in partitions
        ]


def to_records(partition: int, messages: list[Message]) -> Records:
    """Return one partition's messages as columns. None of them may be an error event."""
    return Records(
        partition,
        np.fromiter((message.offset() for message in messages), np.int64, len(messages)),
        [message.key() for message in messages],
        [message.value() for message in messages],
    )
