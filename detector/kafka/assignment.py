"""Where a partition is to be read from: what its last commit says, and what is done where the log has no such place."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import msgspec
import numpy as np
from confluent_kafka import Consumer, KafkaException, TopicPartition

from detector.config.schema import Config
from detector.core.ingest.checkpoint import CLAIM, SHORT_DIGEST, Checkpoint
from detector.kafka.broker_monitor import ANSWER_SECONDS, BrokerMonitor
from detector.kafka.errors import explain, is_final, may_pass

log = logging.getLogger("faultline.kafka")


Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Assignment:
    """A partition that is ours from now on."""

    partition: int
    memory: Checkpoint | None
    audible_offset: int
    """Records before it were heard by whoever committed last."""
    reset: str | None = None
    """`retention` or `made_anew`: why it does not begin where its commit says."""


class StartPositions:
    """Asks the group's coordinator and the partitions' leaders, for as long as it takes."""

    def __init__(self, consumer: Consumer, config: Config, presence: BrokerMonitor) -> None:
        self._consumer, self._kafka, self._presence = consumer, config.kafka, presence
        self._topic = config.kafka.topics.minutes
        self._memory_minutes = config.settings.tolerance.memory_minutes

    def find(self, numbers: list[int]) -> list[tuple[TopicPartition, Assignment]]:
        """Where to read each partition from, and what is to be known of it. Raises ClusterError."""
        plain = [TopicPartition(self._topic, number) for number in numbers]
        return [self._address(one) for one in self._insist(lambda: self._consumer.committed(plain, ANSWER_SECONDS))]

    def _address(self, committed: TopicPartition) -> tuple[TopicPartition, Assignment]:
        if committed.error is not None:
            raise explain(committed.error, self._kafka)
        number, offset = committed.partition, committed.offset
        plain = TopicPartition(self._topic, number)
        low, high = self._insist(lambda: self._consumer.get_watermark_offsets(plain, timeout=ANSWER_SECONDS))
        start = TopicPartition(self._topic, number, low if self._kafka.start == "earliest" else high)
        if offset < 0:
            return start, Assignment(number, None, 0)
        if offset > high:
            log.error(
                "partition %d ends at offset %d, and %d were taken from it: the topic was made anew, or its end was"
                " lost; it is taken up at its %s",
                number,
                high,
                offset,
                self._kafka.start,
            )
            return start, Assignment(number, None, 0, "made_anew")
        memory = read_memory(committed.metadata)
        replay = memory.replay_offset if memory else self._offset_by_time(number)
        begin = TopicPartition(self._topic, number, max(low, min(replay, offset)))
        if offset >= low:
            return begin, Assignment(number, memory, offset)
        log.error(
            "partition %d: offsets %d to %d are gone from the log (retention); their minutes were never seen",
            number,
            offset,
            low,
        )
        return begin, Assignment(number, memory, low, "retention")

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


def write_memory(memory: Checkpoint) -> str:
    """The commit's metadata. # about 100 bytes and 22 a vote: at most 3,900 of the 4,096 a broker allows"""
    return msgspec.json.encode(memory).decode()


def read_memory(metadata: str | None) -> Checkpoint | None:
    """None where the commit was not made by this daemon."""
    if not metadata:
        return None
    try:
        memory = msgspec.json.decode(metadata, type=Checkpoint)
    except msgspec.MsgspecError:
        return None
    torn = len(memory.votes) % CLAIM.itemsize or len(memory.laggards or b"") % SHORT_DIGEST.itemsize
    return None if torn else memory
