"""Range reader: records of the input topic between two times, without a group or a commit."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from detector.config.schema import Config
from detector.core.ingest.samples import Records
from detector.errors import ClusterError
from detector.kafka.bounded_read import BoundedRead, ReadLimits
from detector.kafka.client import open_client, reader_properties
from detector.kafka.consumer import to_records
from detector.kafka.errors import explain
from detector.kafka.topics import partition_count

TAIL_RECORDS = 20
"""Records read to find the newest: behind the last record there may be the markers of transactions."""


@dataclass(frozen=True)
class OffsetRange:
    """Range of offsets of a partition, the end exclusive."""

    partition: int
    begin: int
    end: int

    def __len__(self) -> int:
        return max(0, self.end - self.begin)


class RangeReader:
    """Reader of offset ranges that the input topic still holds."""

    def __init__(self, config: Config) -> None:
        """Raises ClusterError where the topic does not exist."""
        self._kafka, self._topic = config.kafka, config.kafka.topics.minutes
        self.partition_count = partition_count(config, self._topic)
        self._consumer = open_client(Consumer, reader_properties(config.kafka), config.kafka)

    def offset_ranges(self, partitions: Sequence[int], begin_ms: int, end_ms: int) -> list[OffsetRange]:
        """Return the offsets of the records whose timestamps are in [begin, end). Raises ClusterError."""
        try:
            begins, ends = (self._offsets(partitions, time_ms) for time_ms in (begin_ms, end_ms))
            ranges = []
            for partition in partitions:
                low, high = self._limits(partition)
                begin, end = (
                    high if offset < 0 else max(low, offset) for offset in (begins[partition], ends[partition])
                )
                ranges.append(OffsetRange(partition, begin, end))
        except KafkaException as error:
            raise explain(error.args[0], self._kafka) from None
        return ranges

    def bounds_ms(self) -> tuple[int, int] | None:
        """Return the timestamps of about the oldest and the newest record; None for an empty topic.

        Raises ClusterError.
        """
        timestamps: list[int] = []
        for partition in range(self.partition_count):
            low, high = self._limits(partition)
            for offset_range in (
                OffsetRange(partition, low, min(high, low + 1)),
                OffsetRange(partition, max(low, high - TAIL_RECORDS), high),
            ):
                for messages in self._messages(offset_range):
                    timestamps += [message.timestamp()[1] for message in messages]
        return (min(timestamps), max(timestamps)) if timestamps else None

    def read(self, offset_range: OffsetRange, has_wanted_key: Callable[[bytes | None], bool]) -> Iterator[Records]:
        """Yield a range's records of the wanted keys, in order. Raises ClusterError if the broker stops delivering."""
        for messages in self._messages(offset_range):
            matches = [message for message in messages if has_wanted_key(message.key())]
            if matches:
                yield to_records(offset_range.partition, matches)

    def close(self) -> None:
        """Close the client."""
        self._consumer.close()

    def _offsets(self, partitions: Sequence[int], time_ms: int) -> dict[int, int]:
        request = [TopicPartition(self._topic, partition, max(0, time_ms)) for partition in partitions]
        answer = self._consumer.offsets_for_times(request, timeout=self._kafka.reach_seconds)
        return {position.partition: position.offset for position in answer}

    def _limits(self, partition: int) -> tuple[int, int]:
        position = TopicPartition(self._topic, partition)
        try:
            low, high = self._consumer.get_watermark_offsets(position, timeout=self._kafka.reach_seconds)
        except KafkaException as error:
            raise explain(error.args[0], self._kafka) from None
        return low, high

    def _messages(self, offset_range: OffsetRange) -> Iterator[list[Message]]:
        if not len(offset_range):
            return
        self._consumer.assign([TopicPartition(self._topic, offset_range.partition, offset_range.begin)])
        bounded_read = BoundedRead(
            self._consumer,
            [offset_range.partition],
            ReadLimits(
                records=self._kafka.batch_records,
                wait_seconds=self._kafka.batch_seconds,
                deadline_seconds=self._kafka.reach_seconds,
            ),
            on_error=self._on_error,
            timeout_error=self._timeout_error,
        )
        while bounded_read.unread_partitions:
            messages = bounded_read.poll()
            messages_inside = [message for message in messages if message.offset() < offset_range.end]
            if messages_inside:
                yield messages_inside
            if messages and messages[-1].offset() + 1 >= offset_range.end:
                return

    def _on_error(self, message: Message) -> None:
        raise explain(message.error(), self._kafka)

    def _timeout_error(self) -> ClusterError:
        return ClusterError(
            f"Kafka at {self._kafka.common['bootstrap.servers']}: topic {self._topic} was not read to its end: nothing"
            f" arrived for {self._kafka.reach_seconds:g} s; check that the broker runs, and try again."
        )


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
