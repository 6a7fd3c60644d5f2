"""Creation of the topics that are missing, with what the guarantees need on this cluster."""

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import NewTopic

from detector.config.schema import Config
from detector.errors import ClusterError
from detector.kafka.client import open_admin
from detector.kafka.cluster.description import describe_cluster
from detector.kafka.cluster.layout import (
    WEEK_MS,
    creation_settings,
    input_retention_ms,
    replication_factor,
    topic_roles,
)
from detector.kafka.cluster.state import ClusterState
from detector.kafka.errors import explain
from detector.kafka.topics import denied_topic

BROKER_NAMES = {
    "cleanup.policy": "log.cleanup.policy",
    "max.message.bytes": "message.max.bytes",
    "retention.bytes": "log.retention.bytes",
    "retention.ms": "log.retention.ms",
}
"""Brokers' defaults of settings that have another name there."""

HOUR_MS, MINUTE_MS = 3_600_000, 60_000


def create_topics(config: Config, count: int, replication: int | None = None) -> list[str]:
    """Create the topics that are missing, and return their names. Raises ClusterError.

    `count`: partitions of the input, unless it exists. `replication`: replicas of each; None for as many as the
    guarantees need, three where there are as many brokers.
    """
    state = describe_visible(config)
    names = {role: name for role, name in topic_roles(config).items() if name not in state.topics}
    if not names:
        return []
    replication = replication or replication_factor(len(state.brokers))
    minutes = state.topics.get(config.kafka.topics.minutes)
    partitions = {"labels": 1, "deadletters": 1}
    new_topics = [
        NewTopic(
            name,
            num_partitions=partitions.get(role, minutes.partitions if minutes else count),
            replication_factor=replication,
            config=_settings(role, state, config, replication),
        )
        for role, name in names.items()
    ]
    admin = open_admin(config.kafka)  # a variable, because its futures die with it
    for name, future in admin.create_topics(new_topics, operation_timeout=config.kafka.reach_seconds).items():
        try:
            future.result()
        except KafkaException as error:
            if error.args[0].code() == KafkaError.TOPIC_AUTHORIZATION_FAILED:
                raise ClusterError(
                    f"Kafka at {config.kafka.common['bootstrap.servers']}: topic {name} may not be created; allow this"
                    " user to create it."
                ) from None
            raise explain(error.args[0], config.kafka, name) from None
    return [topic.topic for topic in new_topics]


def describe_visible(config: Config) -> ClusterState:
    """Return the state of the cluster. Raises ClusterError also where a topic may not be seen."""
    state = describe_cluster(config)
    for name in topic_roles(config).values():
        if name in state.denied_topics:
            raise denied_topic(config.kafka, name)
    return state


def _settings(role: str, state: ClusterState, config: Config, replication: int) -> dict[str, str]:
    """Return the settings of a new topic, without those that the broker's defaults give it.

    A managed cluster may refuse some settings whatever their value, so none is sent without need.
    """
    defaults = state.broker_settings or {}
    settings = creation_settings(role, config, replication)
    if role == "minutes":
        settings["retention.ms"] = str(_retention_ms(state, config))
    return {name: value for name, value in settings.items() if defaults.get(BROKER_NAMES.get(name, name)) != value}


def _retention_ms(state: ClusterState, config: Config) -> int:
    """Return the broker's default retention, or more where a restart needs it; -1 keeps records for ever."""
    scales = {"log.retention.ms": 1, "log.retention.minutes": MINUTE_MS, "log.retention.hours": HOUR_MS}
    numbers = ((state.broker_number(name), scale) for name, scale in scales.items())
    default_ms = next((number * scale for number, scale in numbers if number is not None), WEEK_MS)
    return -1 if default_ms < 0 else max(default_ms, input_retention_ms(config))
