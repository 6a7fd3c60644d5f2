"""Consumer lag, from end offsets that the broker reports. The client's own end offsets are as old as its last fetch.

A client fetches nothing while its buffer is full or after it has stopped consuming permanently. Its own end offset then
stays constant, so the lag would seem to shrink while it grows.
"""

from concurrent.futures import Future
from time import monotonic

from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import ListOffsetsResultInfo, OffsetSpec

from detector.config.schema import Kafka
from detector.kafka.client import open_admin
from detector.kafka.errors import STALE_LEADER

EVERY_SECONDS = 5.0
"""Pause between an answer and the next request, which goes to each broker. A scrape comes every 15 s."""

ANSWER_SECONDS = 5.0
"""Timeout of a background request, which takes milliseconds if the broker answers."""


class Lag:
    """Lag of one consumer. Only the loop's thread may use it.

    While the broker is silent, the last end offsets it reported are used.
    """

    def __init__(self, consumer: Consumer, kafka: Kafka) -> None:
        self._consumer, self._kafka, self._admin = consumer, kafka, open_admin(kafka)
        self._requests: dict[TopicPartition, Future[ListOffsetsResultInfo]] = {}
        self._ends: dict[int, int] = {}
        self._starts: dict[int, int] = {}
        """Each partition's start offset. It counts until the first record is consumed."""
        self._reached: dict[int, int] = {}
        """Offset of each partition's last end that the consumer reported. Markers, aborted records and holes before it
        are read, and move no position."""
        self._answered_at = float("-inf")

    def set_start(self, partition: TopicPartition) -> None:
        """Set the offset from which a partition is read."""
        self._starts[partition.partition] = partition.offset
        self._reached.pop(partition.partition, None)

    def set_end_reached(self, partition: int, offset: int) -> None:
        """Set the offset up to which a partition was read to its end."""
        self._reached[partition] = offset

    def measure(self) -> dict[int, int]:
        """Return the records up to the end, by assigned partition whose end is known."""
        assigned_partitions = self._consumer.assignment()
        self._update_ends(assigned_partitions)
        lags = {}
        for partition in self._consumer.position(assigned_partitions):
            number = partition.partition
            _, fetched_end = self._consumer.get_watermark_offsets(partition, cached=True)
            position = partition.offset if partition.offset >= 0 else self._starts[number]
            position = max(position, self._reached.get(number, position))
            end = max(fetched_end, self._ends.get(number, -1))
            if end >= 0:
                lags[number] = max(0, end - position)
        return lags

    def _update_ends(self, assigned_partitions: list[TopicPartition]) -> None:
        """Take the answers of the last requests, and send the next ones in time. Never waits."""
        if not self._requests:
            if assigned_partitions and monotonic() - self._answered_at >= EVERY_SECONDS:
                latest = {
                    TopicPartition(partition.topic, partition.partition): OffsetSpec.latest()
                    for partition in assigned_partitions
                }
                self._requests = self._admin.list_offsets(latest, request_timeout=ANSWER_SECONDS)
            return
        if not all(request.done() for request in self._requests.values()):
            return
        for partition, request in self._requests.items():
            error = request.exception()
            if not isinstance(error, KafkaException):
                self._ends[partition.partition] = request.result().offset
            elif error.args[0].code() in STALE_LEADER:
                self._admin = open_admin(self._kafka)
        self._requests, self._answered_at = {}, monotonic()
