"""Plain records onto a topic, each once and in order: for feeding minutes and labels, not for the daemon's output."""

from collections.abc import Iterable

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from detector.config.schema import Kafka
from detector.kafka.client import common_properties, open_client
from detector.kafka.errors import explain


class RecordProducer:
    """An idempotent producer: a plain one reorders the first batches of a new topic when it retries."""

    def __init__(self, kafka: Kafka) -> None:
        self._kafka = kafka
        self._failed: KafkaError | None = None
        self._producer = open_client(
            Producer,
            {
                **common_properties(kafka),
                "linger.ms": 5,
                "compression.type": "lz4",
                "partitioner": "murmur2_random",
                **kafka.producer,
                "enable.idempotence": True,
            },
            kafka,
        )

    def publish(self, topic: str, records: Iterable[tuple[bytes, bytes | None, int]]) -> None:
        """Sends (key, value, timestamp in ms) and waits until the broker has them all. Raises ClusterError."""
        for key, value, timestamp in records:
            self._send(topic, key, value, timestamp)
        try:
            unsent = self._producer.flush(self._kafka.reach_seconds)
        except (KafkaException, SystemError) as error:
            told = _fatal(error) or self._failed
            if told is None:
                raise
            raise explain(told, self._kafka, topic) from None
        if unsent:
            raise explain(KafkaError(KafkaError._TIMED_OUT), self._kafka)
        if self._failed is not None:
            raise explain(self._failed, self._kafka, topic)

    def _send(self, topic: str, key: bytes, value: bytes | None, timestamp: int) -> None:
        while True:
            try:
                self._producer.produce(topic, key=key, value=value, timestamp=timestamp, on_delivery=self._delivered)
                return
            except BufferError:
                self._producer.poll(1)
            except KafkaException as error:
                raise explain(error.args[0], self._kafka, topic) from None

    def _delivered(self, error: KafkaError | None, message: Message) -> None:
        self._failed = self._failed or error


def _fatal(error: KafkaException | SystemError) -> KafkaError | None:
    """What ended a client, where that is known. It is raised beneath the callbacks, and Python complains of it first
    where one is called.
    """
    cause = error if isinstance(error, KafkaException) else error.__cause__
    told: KafkaError | None = cause.args[0] if isinstance(cause, KafkaException) else None
    return told
