"""Range reader: records of the input topic between two offsets or times, without a group or a commit."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from confluent_kafka import Consumer, KafkaError, Message, TopicPartition
from numpy.typing import NDArray

from detector.config.schema import Config
from detector.core.ingest.samples import Records
from detector.errors import ClusterError
from detector.kafka.bounded_read import BoundedRead, ReadLimits
from detector.kafka.client import open_client, reader_properties
from detector.kafka.consumer import to_records
from detector.kafka.errors import explain, is_fatal, is_transient
from detector.kafka.offsets import TopicOffsets, learn_leaders
from detector.kafka.topics import partition_count

EDGE_RECORDS = 100
"""Offsets, of all partitions together, that are read first to find their newest or oldest records. Each next attempt
reads twice as many of a partition. All may be records of aborted transactions, their markers, or a compaction's holes.
"""

WAIT_SECONDS = 0.05
"""Longest wait of one call. A call that waits for a whole batch delays the end of a short range."""


@dataclass(frozen=True)
class OffsetRange:
    """Range of offsets of a partition, the end exclusive."""

    partition: int
    begin: int
    end: int

    def __len__(self) -> int:
        return max(0, self.end - self.begin)

    def cut(self, count: int) -> tuple["OffsetRange", "OffsetRange"]:
        """Return the first `count` offsets, and the rest."""
        middle = min(self.begin + count, self.end)
        return OffsetRange(self.partition, self.begin, middle), OffsetRange(self.partition, middle, self.end)

    def cut_end(self, count: int) -> tuple["OffsetRange", "OffsetRange"]:
        """Return the last `count` offsets, and the rest."""
        middle = max(self.begin, self.end - count)
        return OffsetRange(self.partition, middle, self.end), OffsetRange(self.partition, self.begin, middle)


@dataclass(frozen=True)
class TimedRecords:
    """Records of one partition with the timestamps that they bear, in ms since 1970; -1 = none."""

    records: Records
    timestamps_ms: NDArray[np.int64]


class RangeReader:
    """Reader of offset ranges that the input topic still holds. All partitions are asked and read at once."""

    def __init__(self, config: Config) -> None:
        """Raises ClusterError where the topic does not exist."""
        self._kafka, self._topic = config.kafka, config.kafka.topics.minutes
        self.partition_count = partition_count(config, self._topic)
        self._offsets = TopicOffsets(config.kafka, self._topic)
        self._consumer = open_client(Consumer, reader_properties(config.kafka), config.kafka)
        learn_leaders(self._consumer, self._topic)

    def whole_ranges(self, partitions: Iterable[int] | None = None) -> list[OffsetRange]:
        """Return everything committed of these partitions, by default of all. Raises ClusterError."""
        chosen = list(range(self.partition_count) if partitions is None else partitions)
        ends, begins = self._offsets.committed_ends(chosen), self._offsets.begins(chosen)
        return [OffsetRange(partition, begins[partition], ends[partition]) for partition in chosen]

    def offset_ranges(
        self, whole: Sequence[OffsetRange], begin_ms: int, end_ms: int | None = None
    ) -> list[OffsetRange]:
        """Return the parts from the first record of `begin_ms` or later to the first of `end_ms` or later.

        They hold all records with timestamps in [begin, end) if the timestamps ascend. Raises ClusterError.
        """
        begins = self._first_offsets(whole, begin_ms)
        ends = [part.end for part in whole] if end_ms is None else self._first_offsets(whole, end_ms)
        return [OffsetRange(part.partition, *span) for part, *span in zip(whole, begins, ends, strict=True)]

    def _first_offsets(self, whole: Sequence[OffsetRange], time_ms: int) -> list[int]:
        offsets = self._offsets.at([part.partition for part in whole], time_ms)
        first = [(part, offsets[part.partition]) for part in whole]
        return [part.end if offset is None else min(max(part.begin, offset), part.end) for part, offset in first]

    def newest(self, whole: Sequence[OffsetRange]) -> list[TimedRecords]:
        """Return the newest record of each partition that has any, and some before it. Raises ClusterError."""
        return self._edges(whole, OffsetRange.cut_end)

    def oldest(self, whole: Sequence[OffsetRange]) -> list[TimedRecords]:
        """Return the oldest record of each partition that has any, and some behind it. Raises ClusterError."""
        return self._edges(whole, OffsetRange.cut)

    def read(self, ranges: Sequence[OffsetRange], has_wanted_key: Callable[[bytes | None], bool]) -> Iterator[Records]:
        """Yield the ranges' records of the wanted keys, in the order of each partition, one partition at a time.

        Raises ClusterError if the broker stops delivering.
        """
        return (timed.records for timed in self.read_timed(ranges, has_wanted_key))

    def read_timed(
        self, ranges: Sequence[OffsetRange], has_wanted_key: Callable[[bytes | None], bool]
    ) -> Iterator[TimedRecords]:
        """Yield the same with the records' timestamps. Raises ClusterError."""
        for partition, messages in self._messages(ranges):
            matches = [message for message in messages if has_wanted_key(message.key())]
            if matches:
                yield _timed_records(partition, matches)

    def close(self) -> None:
        """Close the client."""
        self._consumer.close()

    def _edges(
        self,
        whole: Sequence[OffsetRange],
        cut: Callable[[OffsetRange, int], tuple[OffsetRange, OffsetRange]],
    ) -> list[TimedRecords]:
        """Read on from one end of each partition, in steps that double, until it has shown a record."""
        unread, count = [part for part in whole if len(part)], -(-EDGE_RECORDS // max(1, len(whole)))
        edges: dict[int, list[Message]] = {}
        while unread:
            cuts = [cut(part, count) for part in unread]
            for partition, messages in self._messages([edge for edge, _ in cuts]):
                edges.setdefault(partition, []).extend(messages)
            unread = [rest for _, rest in cuts if len(rest) and rest.partition not in edges]
            count *= 2
        return [_timed_records(partition, messages) for partition, messages in sorted(edges.items())]

    def _messages(self, ranges: Sequence[OffsetRange]) -> Iterator[tuple[int, list[Message]]]:
        """Yield the messages of at most one range per partition, as (partition, messages)."""
        unread = {part.partition: part for part in ranges if len(part)}
        if not unread:
            return
        ends = {partition: part.end for partition, part in unread.items()}
        self._consumer.assign([TopicPartition(self._topic, part.partition, part.begin) for part in unread.values()])
        bounded_read = BoundedRead(
            self._consumer,
            unread,
            ReadLimits(
                records=self._kafka.batch_records,
                wait_seconds=WAIT_SECONDS,
                deadline_seconds=self._kafka.reach_seconds,
            ),
            on_error=lambda message: self._on_error(message, ends, bounded_read),
            timeout_error=self._timeout_error,
            is_end=lambda message: message.offset() >= ends[message.partition()],
        )
        while bounded_read.unread_partitions:
            by_partition: dict[int, list[Message]] = {}
            for message in bounded_read.poll():
                by_partition.setdefault(message.partition(), []).append(message)
            for partition, messages in sorted(by_partition.items()):
                messages_inside = [message for message in messages if message.offset() < ends[partition]]
                if messages_inside:
                    yield partition, messages_inside
            read = {p for p, messages in by_partition.items() if messages[-1].offset() + 1 >= ends[p]}
            self._stop_fetching(read & bounded_read.unread_partitions, bounded_read)

    def _stop_fetching(self, partitions: set[int], bounded_read: BoundedRead) -> None:
        """Note that partitions are read. The rest of their log takes no part of the consumer's queue.

        They are not paused: a partition stays paused when it is assigned again.
        """
        bounded_read.unread_partitions -= partitions
        if partitions and bounded_read.unread_partitions:
            self._consumer.incremental_unassign([TopicPartition(self._topic, number) for number in partitions])

    def _on_error(self, message: Message, ends: dict[int, int], bounded_read: BoundedRead) -> None:
        error, partition = message.error(), message.partition()
        if error.code() == KafkaError._AUTO_OFFSET_RESET:
            self._skip_deleted(partition, ends[partition], bounded_read)
        elif is_fatal(error) or not is_transient(error):
            raise explain(error, self._kafka, self._topic)

    def _skip_deleted(self, partition: int, end: int, bounded_read: BoundedRead) -> None:
        """Go on behind the records that retention deleted after the range was chosen."""
        begin = self._offsets.begins([partition])[partition]
        self._consumer.incremental_unassign([TopicPartition(self._topic, partition)])
        if begin >= end:
            bounded_read.unread_partitions.discard(partition)
        else:
            self._consumer.incremental_assign([TopicPartition(self._topic, partition, begin)])

    def _timeout_error(self) -> ClusterError:
        return ClusterError(
            f"Kafka at {self._kafka.common['bootstrap.servers']}: topic {self._topic} was not read to its end: nothing"
            f" arrived for {self._kafka.reach_seconds:g} s; check that the broker runs, and try again."
        )


def _timed_records(partition: int, messages: list[Message]) -> TimedRecords:
    timestamps_ms = np.array([message.timestamp()[1] for message in messages], np.int64)
    return TimedRecords(to_records(partition, messages), timestamps_ms)


def partition_of(key: bytes, partitions: int) -> int:
    """Return the partition of a key, as Java's producers and ours choose it: murmur2, its sign dropped."""
    multiplier, mask = 0x5BD1E995, 0xFFFFFFFF
    digest = (0x9747B28C ^ len(key)) & mask
    whole_bytes = len(key) // 4 * 4
    for at in range(0, whole_bytes, 4):
        word = int.from_bytes(key[at : at + 4], "little") * multiplier & mask
        word = (word ^ word >> 24) * multiplier & mask
        digest = (digest * multiplier & mask) ^ word
    if whole_bytes < len(key):
        digest = (digest ^ int.from_bytes(key[whole_bytes:], "little")) * multiplier & mask
    digest = (digest ^ digest >> 13) * multiplier & mask
    digest ^= digest >> 15
    return (digest & 0x7FFFFFFF) % partitions
