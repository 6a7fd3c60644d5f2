"""Offset reader: the input topic from given offsets, without a group or a commit. The caller keeps the offsets."""

import logging
from collections.abc import Mapping

from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

from detector.config.schema import Config
from detector.core.ingest.samples import Records
from detector.errors import ClusterError
from detector.kafka.bounded_read import BoundedRead, ReadLimits
from detector.kafka.client import open_client, reader_properties
from detector.kafka.consumer import to_records
from detector.kafka.errors import explain, is_fatal
from detector.kafka.offsets import TopicOffsets, learn_leaders
from detector.kafka.topics import partition_count

log = logging.getLogger("faultline.kafka")


class OffsetReader:
    """Reader of all partitions of the input topic, each from its offset on. It also follows them beyond their ends."""

    def __init__(self, config: Config, begins: Mapping[int, int]) -> None:
        """`begins`: the first offset to read, by partition. A partition without one is read from its beginning.

        Raises ClusterError where the topic does not exist, or ends before such an offset.
        """
        self._kafka, self._topic = config.kafka, config.kafka.topics.minutes
        partitions = range(partition_count(config, self._topic))
        offsets = TopicOffsets(config.kafka, self._topic)
        self._ends, lows = offsets.committed_ends(partitions), offsets.begins(partitions)
        starts = [self._start(partition, begins.get(partition), lows[partition]) for partition in partitions]
        self._consumer = open_client(Consumer, reader_properties(config.kafka), config.kafka)
        learn_leaders(self._consumer, self._topic)
        self._consumer.assign(starts)
        self._read = BoundedRead(
            self._consumer,
            partitions,
            ReadLimits(
                records=self._kafka.batch_records,
                wait_seconds=self._kafka.batch_seconds,
                deadline_seconds=self._kafka.reach_seconds,
            ),
            on_error=self._on_error,
            timeout_error=self._timeout_error,
        )

    @property
    def unread_partitions(self) -> set[int]:
        """Partitions that have not yet been read to the end that they had when the reader was opened."""
        return self._read.unread_partitions

    @property
    def _source(self) -> str:
        return f"Kafka at {self._kafka.common['bootstrap.servers']}: topic {self._topic}"

    def read(self) -> list[Records]:
        """Wait up to `batch_seconds` for up to `batch_records` records.

        Raises ClusterError, also where a partition is unread and the broker delivers nothing for `reach_seconds`.
        """
        by_partition: dict[int, list[Message]] = {}
        for message in self._read.poll():
            by_partition.setdefault(message.partition(), []).append(message)
        for partition, batch in by_partition.items():
            if batch[-1].offset() + 1 >= self._ends[partition]:
                self._read.unread_partitions.discard(partition)
        return [to_records(partition, batch) for partition, batch in sorted(by_partition.items())]

    def close(self) -> None:
        """Close the client."""
        self._consumer.close()

    def _start(self, partition: int, begin: int | None, low: int) -> TopicPartition:
        """Return the position to read from; `low` is the first offset that retention has left."""
        high = self._ends[partition]
        if begin is None:
            return TopicPartition(self._topic, partition, low)
        if begin > high:
            raise ClusterError(
                f"{self._source}: partition {partition} ends at offset {high}, but it was read to {begin} before, so"
                " the topic was recreated or is another cluster's; write to another folder."
            )
        if begin < low:
            log.warning(
                "partition %d: offsets %d to %d were deleted by retention before they were read", partition, begin, low
            )
        return TopicPartition(self._topic, partition, max(begin, low))

    def _timeout_error(self) -> ClusterError:
        return ClusterError(
            f"{self._source} was not read to its end: nothing arrived for {self._kafka.reach_seconds:g} s; check that"
            " the broker runs, and start again."
        )

    def _on_error(self, message: Message) -> None:
        error = message.error()
        if error.code() == KafkaError._AUTO_OFFSET_RESET:
            raise ClusterError(
                f"{self._source}: records of partition {message.partition()} were deleted by retention before they"
                " were read; start again to continue behind the gap, and raise the topic's retention."
            )
        if is_fatal(error):
            raise explain(error, self._kafka, self._topic)
        log.warning("the reader reports of a partition: %s", error.str())
