"""Kafka clients: properties from the configuration, and clients opened with them."""

import logging
from collections.abc import Callable
from typing import Any, TypeVar

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from detector.config.schema import TRANSACTION_MS, Kafka, transactional_id
from detector.kafka.errors import explain

log = logging.getLogger("faultline.kafka")


def _downgrade_id_retry(record: logging.LogRecord) -> bool:
    """Log a producer's wait for its id at INFO.

    It waits while the broker ends the transaction of a killed producer, which is not worth a warning.
    """
    message = record.getMessage()
    if not (message.startswith("GETPID") and message.endswith("retrying")):
        return True
    record.levelno, record.levelname = logging.INFO, "INFO"
    return log.isEnabledFor(logging.INFO)


log.addFilter(_downgrade_id_retry)

Client = TypeVar("Client")


def open_client(make: Callable[..., Client], properties: dict[str, Any], kafka: Kafka) -> Client:
    """Return a client with these properties. Raises ClusterError for a property that librdkafka refuses."""
    try:
        return make(properties, logger=log)
    except KafkaException as error:
        raise explain(error.args[0], kafka) from None


def open_admin(kafka: Kafka, on_error: Callable[[KafkaError], None] = lambda error: None) -> AdminClient:
    """Return an admin client that does not log. Raises ClusterError."""
    return open_client(AdminClient, {**common_properties(kafka), "log_level": 0, "error_cb": on_error}, kafka)


COMMON: dict[str, Any] = {
    "client.id": "faultline",
    "socket.keepalive.enable": True,  # firewalls between operations networks drop idle connections silently
    "log.connection.close": False,
    # A broker takes records of up to 100 MiB, and librdkafka reads no answer beyond 100 MB: one such record, and its
    # reader would see nothing of that partition ever after.
    "receive.message.max.bytes": 1_000_000_000,
    "reconnect.backoff.ms": 250,  # the default of 100 ms fills the log while a broker restarts
}
"""Defaults of every client."""


FETCHING = ("fetch.wait.max.ms", "fetch.queue.backoff.ms", "queued.min.messages", "queued.max.messages.kbytes")
"""Properties of the group's consumer that hold for readers of the input topic, too."""


def common_properties(kafka: Kafka) -> dict[str, Any]:
    """Return the properties of every client: the defaults, and `kafka.common` of the configuration."""
    return {**COMMON, **kafka.common}


def consumer_properties(kafka: Kafka) -> dict[str, Any]:
    """Return the properties of the group's member. It is a static member in the classic protocol, and only there.

    In the new protocol a static member cannot leave: the broker keeps its partitions from everybody, also from itself
    after a kill, until its session is over (45 s). A dynamic member gives them back at once when it ends in order.
    """
    properties = {
        **common_properties(kafka),
        "check.crcs": True,
        "fetch.wait.max.ms": 100,
        "fetch.queue.backoff.ms": 20,  # by default a full queue rests for a second, and catching up with it
        "queued.min.messages": 20_000,
        "queued.max.messages.kbytes": 65_536,  # bounds the memory of a prefetch
        **kafka.consumer,
        "group.id": kafka.group,
        "auto.offset.reset": "error",  # what is gone from the log is reported, not skipped
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "enable.partition.eof": True,
        "isolation.level": "read_committed",
    }
    if properties.get("group.protocol", "classic") == "classic":
        properties["partition.assignment.strategy"] = "cooperative-sticky"
        properties["group.instance.id"] = kafka.instance  # after a kill partitions come back at once
    return properties


def table_properties(kafka: Kafka) -> dict[str, Any]:
    """Return the properties of a reader of whole compacted topics.

    Its partitions are assigned by hand, and its group is only a name.
    """
    overrides = {name: value for name, value in kafka.consumer.items() if name != "group.protocol"}
    return {
        **common_properties(kafka),
        "fetch.wait.max.ms": 100,  # a table is read to its end, and its end is an empty fetch
        **overrides,
        "group.id": f"{kafka.group}-tables",
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
        "enable.partition.eof": True,
        "isolation.level": "read_committed",
    }


def reader_properties(kafka: Kafka) -> dict[str, Any]:
    """Return the properties of a reader of the input topic.

    Its partitions are assigned by hand. It ends with an error rather than skip deleted offsets.
    """
    fetching = {name: consumer_properties(kafka)[name] for name in FETCHING}
    return {**table_properties(kafka), **fetching, "auto.offset.reset": "error"}


def producer_properties(kafka: Kafka) -> dict[str, Any]:
    """Return the properties of the transactional producer."""
    return {
        **common_properties(kafka),
        "linger.ms": 5,
        "compression.type": "lz4",
        "partitioner": "murmur2_random",  # Java's partitioner, so that others' producers agree with ours
        "transaction.timeout.ms": TRANSACTION_MS,
        **kafka.producer,
        "transactional.id": transactional_id(kafka),
        "enable.idempotence": True,
        "acks": "all",
    }
