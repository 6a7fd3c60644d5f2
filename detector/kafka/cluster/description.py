"""Description of the cluster by the cluster itself: a few requests of an admin client become plain data.

Nothing is changed, and no instance that runs is disturbed.
"""

from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from typing import Any, TypeVar

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient, ClusterMetadata, ConfigEntry, ConfigResource

from detector.config.schema import Config
from detector.kafka.cluster.layout import topic_roles
from detector.kafka.cluster.state import ClusterState, TopicState
from detector.kafka.topics import read_metadata

Result = TypeVar("Result")

Settings = Mapping[str, str]


def describe_cluster(config: Config) -> ClusterState:
    """Return the state of the cluster, without its groups. Raises ClusterError where no broker answers."""
    admin, metadata = read_metadata(config)
    names = list(topic_roles(config).values())
    brokers = tuple(sorted(metadata.brokers))
    replicas = {
        name: tuple(tuple(partition.replicas) for _, partition in sorted(topic.partitions.items()))
        for name, topic in metadata.topics.items()
        if topic.error is None
    }
    if metadata.controller_id not in metadata.brokers:
        topics = {name: TopicState(replicas=partitions) for name, partitions in replicas.items()}
        return ClusterState(brokers=brokers, topics=topics, has_controller=False)
    seconds = config.kafka.reach_seconds
    # All requests are under way before the first answer is awaited.
    described = admin.describe_topics(
        TopicCollection(names), request_timeout=seconds, include_authorized_operations=True
    )
    configured = _request_settings(admin, [name for name in names if name in replicas], metadata, seconds)
    operations = {name: _operations(future) for name, future in described.items()}
    settings = {resource.name: _settings(future) for resource, future in configured.items()}
    return ClusterState(
        brokers=brokers,
        topics={
            name: TopicState(replicas=partitions, settings=settings.get(name), operations=operations.get(name))
            for name, partitions in replicas.items()
        },
        denied_topics=frozenset(name for name, future in described.items() if name not in replicas and _denied(future)),
        broker_settings=settings.get(str(metadata.controller_id)),
    )


def _request_settings(
    admin: AdminClient, topics: Iterable[str], metadata: ClusterMetadata, seconds: float
) -> dict[ConfigResource, "Future[dict[str, ConfigEntry]]"]:
    """Send one request for the settings of all topics and of one broker."""
    broker = ConfigResource(ConfigResource.Type.BROKER, str(metadata.controller_id))
    resources = [ConfigResource(ConfigResource.Type.TOPIC, name) for name in topics]
    answers: dict[ConfigResource, Future[dict[str, ConfigEntry]]] = admin.describe_configs(
        [*resources, broker], request_timeout=seconds
    )
    return answers


def _result(future: "Future[Result]") -> Result | None:
    """Return an answer, None for a refusal or none in time: the rest of the cluster is judged all the same."""
    try:
        return future.result()
    except KafkaException:
        return None


def _denied(future: "Future[Any]") -> bool:
    error = future.exception()
    return isinstance(error, KafkaException) and error.args[0].code() == KafkaError.TOPIC_AUTHORIZATION_FAILED


def _operations(future: "Future[Any]") -> frozenset[str] | None:
    description = _result(future)
    return None if description is None else _operation_names(description.authorized_operations)


def _operation_names(operations: Iterable[Any] | None) -> frozenset[str] | None:
    return None if operations is None else frozenset(operation.name for operation in operations)


def _settings(future: "Future[dict[str, ConfigEntry]]") -> Settings | None:
    entries = _result(future)
    return (
        None if entries is None else {name: entry.value for name, entry in entries.items() if entry.value is not None}
    )
