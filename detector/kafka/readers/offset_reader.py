"""A topic read from given offsets, outside the group and without a commit: for whoever keeps the offsets himself."""

import logging
from collections.abc import Mapping
from time import monotonic

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicPartition

from detector.config.schema import Config
from detector.core.ingest.samples import Records
from detector.errors import ClusterError
from detector.kafka.client import open_client, reader_properties
from detector.kafka.consumer import columns
from detector.kafka.errors import explain, is_final
from detector.kafka.topics import partitions_of

log = logging.getLogger("faultline.kafka")


class OffsetReader:
    """All partitions of the input topic, each from its offset on."""

    def __init__(self, config: Config, begins: Mapping[int, int]) -> None:
        """`begins`: the first offset wanted of a partition; one that is not named is read from its beginning.

        Raises ClusterError where the topic is not there, or ends before what is wanted of it.
        """
        self._kafka, self._topic = config.kafka, config.kafka.topics.minutes
        count = partitions_of(config, self._topic)
        self._consumer = open_client(Consumer, reader_properties(config.kafka), config.kafka)
        self.unread: set[int] = set(range(count))
        """Partitions that have not yet been read to where they ended at the beginning."""
        self._ends: dict[int, int] = {}
        self._deadline = monotonic() + self._kafka.reach_seconds
        self._consumer.assign([self._from(number, begins.get(number)) for number in range(count)])

    @property
    def _at(self) -> str:
        return f"Kafka at {self._kafka.common['bootstrap.servers']}: topic {self._topic}"

    def read(self) -> list[Records]:
        """Waits up to `batch_seconds` for up to `batch_records`.

        Raises ClusterError, also where a partition is unread and the broker brings nothing for `reach_seconds`.
        """
        messages = self._consumer.consume(self._kafka.batch_records, self._kafka.batch_seconds)
        if messages:
            self._deadline = monotonic() + self._kafka.reach_seconds
        elif self.unread and monotonic() > self._deadline:
            raise ClusterError(f"{self._at} was not read to its end; check that the broker runs, and start again.")
        by_partition: dict[int, list[Message]] = {}
        for message in messages:
            if message.error() is not None:
                self._note(message)
            else:
                by_partition.setdefault(message.partition(), []).append(message)
        for partition, batch in by_partition.items():
            if batch[-1].offset() + 1 >= self._ends[partition]:
                self.unread.discard(partition)
        return [columns(partition, batch) for partition, batch in sorted(by_partition.items())]

    def close(self) -> None:
        self._consumer.close()

    def _from(self, number: int, begin: int | None) -> TopicPartition:
        place = TopicPartition(self._topic, number, OFFSET_BEGINNING)
        try:
            low, high = self._consumer.get_watermark_offsets(place, timeout=self._kafka.reach_seconds)
        except KafkaException as error:
            raise explain(error.args[0], self._kafka) from None
        self._ends[number] = high
        if begin is None:
            return place
        if begin > high:
            raise ClusterError(
                f"{self._at}: partition {number} ends at offset {high}, and has been read to {begin}; it was made anew"
                " or is another cluster's, so begin in another folder."
            )
        if begin < low:
            log.warning("partition %d: offsets %d to %d are gone from the log (retention)", number, begin, low)
        place.offset = max(begin, low)
        return place

    def _note(self, message: Message) -> None:
        error = message.error()
        if error.code() == KafkaError._PARTITION_EOF:
            self.unread.discard(message.partition())
        elif error.code() == KafkaError._AUTO_OFFSET_RESET:
            raise ClusterError(
                f"{self._at}: partition {message.partition()} lost records before they were read (retention); start"
                " again to go on behind the gap, and let the topic keep more."
            )
        elif is_final(error):
            raise explain(error, self._kafka)
        else:
            log.warning("a partition: %s", error.str())
