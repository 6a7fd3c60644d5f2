"""How far a consumer is behind, by what the broker says of the end: what the client knows of it is as old as its fetch.

A client whose buffer is full fetches nothing, nor does one that stopped consuming for good: by its own word the end
stands still, and it comes nearer while it moves away.
"""

from concurrent.futures import Future
from time import monotonic

from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import ListOffsetsResultInfo, OffsetSpec

from detector.config.schema import Kafka
from detector.kafka.client import open_admin
from detector.kafka.errors import STALE_LEADER

EVERY_SECONDS = 5.0
"""From an answer to the next question, which is one request to each broker; a scrape comes every 15 s."""

ANSWER_SECONDS = 5.0
"""Nobody waits for it. Milliseconds, where a broker is there."""


class Lag:
    """Asked by the loop alone. Where the broker is silent, the ends are those that it told last."""

    def __init__(self, consumer: Consumer, kafka: Kafka) -> None:
        self._consumer, self._kafka, self._admin = consumer, kafka, open_admin(kafka)
        self._asked: dict[TopicPartition, Future[ListOffsetsResultInfo]] = {}
        self._ends: dict[int, int] = {}
        self._begun: dict[int, int] = {}
        """Where each partition was to be read from, until something of it was."""
        self._heard = float("-inf")

    def begin(self, partition: TopicPartition) -> None:
        """It is read from here on."""
        self._begun[partition.partition] = partition.offset

    def measure(self) -> dict[int, int]:
        """Records to the end, per assigned partition whose end is known."""
        assigned = self._consumer.assignment()
        self._look(assigned)
        behind = {}
        for partition in self._consumer.position(assigned):
            number = partition.partition
            _, fetched = self._consumer.get_watermark_offsets(partition, cached=True)
            stands = partition.offset if partition.offset >= 0 else self._begun[number]
            end = max(fetched, self._ends.get(number, -1))
            if end >= 0:
                behind[number] = max(0, end - stands)
        return behind

    def _look(self, assigned: list[TopicPartition]) -> None:
        """Hears what came of the last question, and asks the next in time, beside the loop."""
        if not self._asked:
            if assigned and monotonic() - self._heard >= EVERY_SECONDS:
                latest = {TopicPartition(one.topic, one.partition): OffsetSpec.latest() for one in assigned}
                self._asked = self._admin.list_offsets(latest, request_timeout=ANSWER_SECONDS)
            return
        if not all(asked.done() for asked in self._asked.values()):
            return
        for partition, asked in self._asked.items():
            error = asked.exception()
            if not isinstance(error, KafkaException):
                self._ends[partition.partition] = asked.result().offset
            elif error.args[0].code() in STALE_LEADER:
                self._admin = open_admin(self._kafka)
        self._asked, self._heard = {}, monotonic()
