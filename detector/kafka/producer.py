"""Record producer: publishes minutes and labels, each once and in order. The daemon's output uses transactions."""

from collections.abc import Iterable

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from detector.config.schema import Kafka
from detector.kafka.client import common_properties, open_client
from detector.kafka.errors import explain


class RecordProducer:
    """Idempotent producer. A producer that is not idempotent reorders the first batches of a new topic on a retry."""

    def __init__(self, kafka: Kafka) -> None:
        self._kafka = kafka
        self._delivery_error: KafkaError | None = None
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
        """Send (key, value, timestamp in ms) and wait until the broker has all records. Raises ClusterError."""
        for key, value, timestamp in records:
            self._send(topic, key, value, timestamp)
        try:
            unsent = self._producer.flush(self._kafka.reach_seconds)
        except (KafkaException, SystemError) as error:
            cause = _fatal_cause(error) or self._delivery_error
            if cause is None:
                raise
            raise explain(cause, self._kafka, topic) from None
        if unsent:
            raise explain(KafkaError(KafkaError._TIMED_OUT), self._kafka)
        if self._delivery_error is not None:
            raise explain(self._delivery_error, self._kafka, topic)

    def _send(self, topic: str, key: bytes, value: bytes | None, timestamp: int) -> None:
        while True:
            try:
                self._producer.produce(topic, key=key, value=value, timestamp=timestamp, on_delivery=self._on_delivery)
                return
            except BufferError:
                self._producer.poll(1)
            except KafkaException as error:
                raise explain(error.args[0], self._kafka, topic) from None

    def _on_delivery(self, error: KafkaError | None, message: Message) -> None:
        self._delivery_error = self._delivery_error or error


def _fatal_cause(error: KafkaException | SystemError) -> KafkaError | None:
    """Return the error that ended a client, where it is known.

    The error is raised below the callbacks. If a callback runs, Python wraps the error in a SystemError.
    """
    exception = error if isinstance(error, KafkaException) else error.__cause__
    cause: KafkaError | None = exception.args[0] if isinstance(exception, KafkaException) else None
    return cause
