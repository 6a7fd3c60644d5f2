"""Start positions of partitions: the last commit's offset, or a fallback if the log does not contain that offset."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import msgspec
import numpy as np
from confluent_kafka import Consumer, KafkaException, TopicPartition

from detector.bundle.period import declared_settings
from detector.config.schema import Config
from detector.core.ingest.checkpoint import CLAIM, SHORT_DIGEST, Checkpoint
from detector.errors import ClusterError
from detector.kafka.broker_monitor import ANSWER_SECONDS, BrokerMonitor
from detector.kafka.errors import explain, is_fatal, is_transient
from detector.kafka.offsets import TopicOffsets
from detector.malformed_json import MALFORMED_JSON

log = logging.getLogger("faultline.kafka")


Answer = TypeVar("Answer")


@dataclass(frozen=True, kw_only=True)
class Assignment:
    """Partition assigned to this instance, with the state of its last commit."""

    partition: int
    checkpoint: Checkpoint | None = None
    live_offset: int = 0
    """First offset whose alarms are published. Earlier records are replayed: an earlier commit covers them."""
    reset: str | None = None
    """`retention` or `made_anew`: the reason why reading does not start at the committed offset; None if it does.

    `made_anew`: the topic was recreated or truncated.
    """


class StartPositions:
    """Finds the first offset to fetch of assigned partitions.

    Requests are repeated until the group coordinator and the partition leaders answer.
    """

    def __init__(self, consumer: Consumer, config: Config, broker_monitor: BrokerMonitor) -> None:
        self._consumer, self._kafka, self._broker_monitor = consumer, config.kafka, broker_monitor
        self._topic = config.kafka.topics.minutes
        self._memory_minutes = declared_settings(config).tolerance.memory_minutes
        self._offsets = TopicOffsets(config.kafka, self._topic, self._wait_on)
        self._open_alarms = TopicOffsets(config.kafka, config.kafka.topics.active, lambda: not broker_monitor.probe())

    def find(self, partitions: list[int]) -> list[tuple[TopicPartition, Assignment]]:
        """Return each partition's first offset to fetch, and its assignment. Raises ClusterError."""
        unpositioned = [TopicPartition(self._topic, partition) for partition in partitions]
        commits = self._request(lambda: self._consumer.committed(unpositioned, ANSWER_SECONDS))
        lows, highs = self._offsets.begins(partitions), self._offsets.committed_ends(partitions)
        self._warn_of_lost_commits([commit.partition for commit in commits if commit.offset < 0])
        return [self._start_of(commit, lows[commit.partition], highs[commit.partition]) for commit in commits]

    def _start_of(self, commit: TopicPartition, low: int, high: int) -> tuple[TopicPartition, Assignment]:
        if commit.error is not None:
            raise explain(commit.error, self._kafka)
        partition, offset = commit.partition, commit.offset
        fresh_start = TopicPartition(self._topic, partition, low if self._kafka.start == "earliest" else high)
        if offset < 0:
            return fresh_start, Assignment(partition=partition)
        if offset > high:
            log.error(
                "partition %d: committed offset %d is beyond the end %d, so the topic was recreated or truncated;"
                " reading starts at the %s offset",
                partition,
                offset,
                high,
                self._kafka.start,
            )
            return fresh_start, Assignment(partition=partition, reset="made_anew")
        checkpoint = checkpoint_from_metadata(commit.metadata)
        if checkpoint is None and commit.metadata:
            log.warning(
                "partition %d: offset %d was committed by another program; give that one another group than %s",
                partition,
                offset,
                self._kafka.group,
            )
        replay = checkpoint.replay_offset if checkpoint else self._offset_by_time(partition)
        begin = TopicPartition(self._topic, partition, max(low, min(replay, offset)))
        if offset >= low:
            if checkpoint and replay < low:
                log.warning(
                    "partition %d: retention has deleted the offsets %d to %d, which the checkpoint replays, so its"
                    " windows begin incomplete and alarms may differ; raise retention.ms of topic %s",
                    partition,
                    replay,
                    low,
                    self._topic,
                )
            return begin, Assignment(partition=partition, checkpoint=checkpoint, live_offset=offset)
        log.error(
            "partition %d: offsets %d to %d were deleted by retention before they were read; their minutes are missing",
            partition,
            offset,
            low,
        )
        return begin, Assignment(partition=partition, checkpoint=checkpoint, live_offset=low, reset="retention")

    def _warn_of_lost_commits(self, partitions: list[int]) -> None:
        """Warn of partitions without a commit that were read before: their open alarms are on their topic."""
        try:
            begins, ends = self._open_alarms.begins(partitions), self._open_alarms.ends(partitions)
        except ClusterError:  # whoever reads the open alarms next says what is wrong with their topic
            return
        for partition in partitions:
            if ends[partition] > begins[partition]:
                log.warning(
                    "partition %d: group %s has no commit, although topic %s has records there, so its offset expired"
                    " or was removed; reading starts at the %s offset",
                    partition,
                    self._kafka.group,
                    self._kafka.topics.active,
                    self._kafka.start,
                )

    def _offset_by_time(self, partition: int) -> int:
        """Return the replay offset for a commit without a checkpoint written by Faultline.

        The offset is estimated from the record timestamps.
        """
        since = int((time.time() - self._memory_minutes * 60) * 1000)
        offset = self._offsets.at([partition], since)[partition]
        return np.iinfo(np.int64).max if offset is None else offset

    def _wait_on(self) -> bool:
        """Ask whether the broker answers, and return that no deadline ends the wait (see `_request`)."""
        self._broker_monitor.probe()
        return True

    def _request(self, ask: Callable[[], Answer]) -> Answer:
        """Repeat a request until it is answered. Raises ClusterError for a fatal error.

        There is no deadline. If the cluster answers all other requests, the watchdog ends the process.
        """
        while True:
            try:
                return ask()
            except KafkaException as error:
                if is_fatal(error.args[0]):
                    raise explain(error.args[0], self._kafka) from None
                if not is_transient(error.args[0]):
                    raise
            self._broker_monitor.probe()


def checkpoint_to_metadata(checkpoint: Checkpoint) -> str:
    """Return the commit's metadata: about 100 bytes and 22 per claim, at most 3,900 of a broker's 4,096."""
    return msgspec.json.encode(checkpoint).decode()


def checkpoint_from_metadata(metadata: str | None) -> Checkpoint | None:
    """Return a commit's checkpoint; None if the commit was not written by Faultline."""
    if not metadata:
        return None
    try:
        checkpoint = msgspec.json.decode(metadata, type=Checkpoint)
    except MALFORMED_JSON:
        return None
    is_torn = len(checkpoint.votes) % CLAIM.itemsize or len(checkpoint.laggards or b"") % SHORT_DIGEST.itemsize
    return None if is_torn else checkpoint
