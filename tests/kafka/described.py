"""Clusters as the checks see them, described by hand: right ones, and what a test changes of them."""

from collections.abc import Mapping
from dataclasses import replace

import msgspec

from detector.config.schema import Config, Kafka
from detector.kafka.cluster import layout
from detector.kafka.cluster.rights import TOPIC_RIGHTS
from detector.kafka.cluster.state import ClusterState, GroupState, TopicState

CONFIG = Config(bundle="b", kafka=Kafka(common={"bootstrap.servers": "broker:9092"}))

KAFKA_DEFAULTS = {
    "cleanup.policy": "delete",
    "max.message.bytes": "1048588",
    "message.timestamp.before.max.ms": "9223372036854775807",
    "message.timestamp.type": "CreateTime",
    "min.insync.replicas": "1",
    "retention.bytes": "-1",
    "retention.ms": "604800000",
    "unclean.leader.election.enable": "false",
}
"""Those of Kafka 4.2 that are looked at."""

BROKER_DEFAULTS = {"transaction.max.timeout.ms": "900000", "offsets.retention.minutes": "10080"}

PARTITIONS = 4


def described(brokers: int = 1, config: Config = CONFIG, partitions: int = PARTITIONS) -> ClusterState:
    """A cluster of so many brokers with which nothing is wrong."""
    replication = layout.replication_factor(brokers)
    topics = {
        name: TopicState(
            replicas=(tuple(range(1, replication + 1)),) * (partitions if role in ("minutes", "active") else 1),
            settings=KAFKA_DEFAULTS | layout.creation_settings(role, config, replication),
            operations=frozenset({"DESCRIBE", *TOPIC_RIGHTS[role]}),
        )
        for role, name in layout.topic_roles(config).items()
    }
    group = config.kafka.group
    return ClusterState(
        brokers=tuple(range(1, brokers + 1)),
        topics=topics,
        groups={
            group: GroupState(operations=frozenset({"READ", "DESCRIBE"}), is_idle=True),
            f"{group}-tables": GroupState(operations=frozenset({"DESCRIBE"})),
        },
        broker_settings=BROKER_DEFAULTS,
    )


def topic_of(role: str, config: Config = CONFIG) -> str:
    return layout.topic_roles(config)[role]


def with_topic(state: ClusterState, role: str, **changes: object) -> ClusterState:
    """The same cluster, but for the replicas, settings or operations of one topic."""
    name = topic_of(role)
    return replace(state, topics={**state.topics, name: replace(state.topics[name], **changes)})  # type: ignore[arg-type]


def with_settings(state: ClusterState, role: str, settings: Mapping[str, str]) -> ClusterState:
    topic = state.topics[topic_of(role)]
    return with_topic(state, role, settings={**(topic.settings or {}), **settings})


def with_knobs(section: str, **knobs: object) -> Config:
    changed = msgspec.structs.replace(getattr(CONFIG, section), **knobs)
    return msgspec.structs.replace(CONFIG, **{section: changed})
