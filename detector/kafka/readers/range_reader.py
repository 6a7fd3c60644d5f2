"""A bounded look back into the input topic: some partitions between two times, outside the group, nothing committed."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from time import monotonic

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from detector.config.schema import Config
from detector.core.ingest.samples import Records
from detector.errors import ClusterError
from detector.kafka.client import open_client, reader_properties
from detector.kafka.consumer import columns
from detector.kafka.errors import explain
from detector.kafka.topics import partitions_of

TAIL_RECORDS = 20
"""Read to find the newest: behind the last record there may be the markers of transactions."""


@dataclass(frozen=True)
class OffsetRange:
    """Some offsets of a partition, the end exclusive."""

    partition: int
    begin: int
    end: int

    def __len__(self) -> int:
        return max(0, self.end - self.begin)


class RangeReader:
    """What the input topic still holds."""

    def __init__(self, config: Config) -> None:
        """Raises ClusterError where the topic is not there."""
        self._kafka, self._topic = config.kafka, config.kafka.topics.minutes
        self.partitions = partitions_of(config, self._topic)
        self._consumer = open_client(Consumer, reader_properties(config.kafka), config.kafka)

    @property
    def _at(self) -> str:
        return f"Kafka at {self._kafka.common['bootstrap.servers']}: topic {self._topic}"

    def spans(self, partitions: Sequence[int], begin_ms: int, end_ms: int) -> list[OffsetRange]:
        """Where the records lie whose timestamps are in [begin, end). Raises ClusterError."""
        try:
            begins, ends = (self._offsets(partitions, time_ms) for time_ms in (begin_ms, end_ms))
            spans = []
            for number in partitions:
                low, high = self._limits(number)
                begin, end = (high if at < 0 else max(low, at) for at in (begins[number], ends[number]))
                spans.append(OffsetRange(number, begin, end))
        except KafkaException as error:
            raise explain(error.args[0], self._kafka) from None
        return spans

    def bounds_ms(self) -> tuple[int, int] | None:
        """Timestamps of the oldest and the newest record, about; None where there is none. Raises ClusterError."""
        seen: list[int] = []
        for number in range(self.partitions):
            low, high = self._limits(number)
            for span in (
                OffsetRange(number, low, min(high, low + 1)),
                OffsetRange(number, max(low, high - TAIL_RECORDS), high),
            ):
                for messages in self._messages(span):
                    seen += [message.timestamp()[1] for message in messages]
        return (min(seen), max(seen)) if seen else None

    def read(self, span: OffsetRange, wanted: Callable[[bytes | None], bool]) -> Iterator[Records]:
        """Its records of the wanted keys, in order. Raises ClusterError where the broker stops bringing them."""
        for messages in self._messages(span):
            kept = [message for message in messages if wanted(message.key())]
            if kept:
                yield columns(span.partition, kept)

    def close(self) -> None:
        self._consumer.close()

    def _offsets(self, partitions: Sequence[int], time_ms: int) -> dict[int, int]:
        asked = [TopicPartition(self._topic, number, max(0, time_ms)) for number in partitions]
        found = self._consumer.offsets_for_times(asked, timeout=self._kafka.reach_seconds)
        return {place.partition: place.offset for place in found}

    def _limits(self, number: int) -> tuple[int, int]:
        place = TopicPartition(self._topic, number)
        try:
            low, high = self._consumer.get_watermark_offsets(place, timeout=self._kafka.reach_seconds)
        except KafkaException as error:
            raise explain(error.args[0], self._kafka) from None
        return low, high

    def _messages(self, span: OffsetRange) -> Iterator[list[Message]]:
        if not len(span):
            return
        self._consumer.assign([TopicPartition(self._topic, span.partition, span.begin)])
        deadline = monotonic() + self._kafka.reach_seconds
        while True:
            messages = self._consumer.consume(self._kafka.batch_records, self._kafka.batch_seconds)
            errors = [message.error() for message in messages if message.error() is not None]
            ended = any(error.code() == KafkaError._PARTITION_EOF for error in errors)
            for error in errors:
                if error.code() != KafkaError._PARTITION_EOF:
                    raise explain(error, self._kafka)
            read = [message for message in messages if message.error() is None]
            inside = [message for message in read if message.offset() < span.end]
            if inside:
                yield inside
                deadline = monotonic() + self._kafka.reach_seconds
            if ended or len(inside) < len(read) or (inside and inside[-1].offset() + 1 >= span.end):
                return
            if monotonic() > deadline:
                raise ClusterError(f"{self._at} was not read to its end; check that the broker runs, and try again.")


def partition_of(key: bytes, partitions: int) -> int:
    """Where Java's producers, and ours, put a key: murmur2, its sign dropped."""
    multiplier, mask = 0x5BD1E995, 0xFFFFFFFF
    mixed = (0x9747B28C ^ len(key)) & mask
    whole = len(key) // 4 * 4
    for at in range(0, whole, 4):
        word = int.from_bytes(key[at : at + 4], "little") * multiplier & mask
        word = (word ^ word >> 24) * multiplier & mask
        mixed = (mixed * multiplier & mask) ^ word
    if whole < len(key):
        mixed = (mixed ^ int.from_bytes(key[whole:], "little")) * multiplier & mask
    mixed = (mixed ^ mixed >> 13) * multiplier & mask
    mixed ^= mixed >> 15
    return (mixed & 0x7FFFFFFF) % partitions
