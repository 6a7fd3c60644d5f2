"""Fixes of deviations: alterations of topics that exist, each reported with its outcome."""

from collections.abc import Sequence
from dataclasses import dataclass

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource, NewPartitions

from detector.config.schema import Config
from detector.kafka.client import open_admin
from detector.kafka.cluster.deviations import PARTITIONS, REPLICAS, Deviation
from detector.kafka.cluster.remedies import fix_command
from detector.kafka.cluster.state import ClusterState


@dataclass(frozen=True, kw_only=True)
class Fix:
    """One deviation and its fate."""

    topic: str
    name: str
    """Setting of Kafka's, or `partitions` or `replicas`."""
    old: str
    new: str
    command: str
    """Command of Kafka's own tools that alters it."""
    outcome: str
    """`possible`, `altered`, or the reason why it is neither."""


POSSIBLE, ALTERED = "possible", "altered"

REFUSALS = {
    KafkaError.TOPIC_AUTHORIZATION_FAILED: "this user may not alter the topic; allow AlterConfigs and Alter on it",
    KafkaError._TIMED_OUT: "no answer in time; ask again whether it was altered",
}


def plan_fixes(deviations: Sequence[Deviation], state: ClusterState, config: Config) -> list[Fix]:
    """Return what would be altered, and what cannot be altered with one request."""
    return [
        _fix(deviation, state, config, _obstacle(deviation, len(state.brokers)) or POSSIBLE) for deviation in deviations
    ]


def apply_fixes(deviations: Sequence[Deviation], state: ClusterState, config: Config) -> list[Fix]:
    """Alter what can be altered, each setting by itself, so that a refusal keeps no other from its change."""
    return [_fix(deviation, state, config, _alter(deviation, state, config)) for deviation in deviations]


def _fix(deviation: Deviation, state: ClusterState, config: Config, outcome: str) -> Fix:
    return Fix(
        topic=deviation.topic,
        name=deviation.name,
        old=deviation.value,
        new=deviation.wanted,
        command=fix_command(deviation, state, config.kafka),
        outcome=outcome,
    )


def _obstacle(deviation: Deviation, brokers: int) -> str:
    """Return why a deviation cannot be altered here; empty where it can."""
    if deviation.name == REPLICAS:
        return f"replicas on {brokers} brokers are moved by an operator, at a time of little traffic"
    if deviation.name == PARTITIONS and int(deviation.value) > int(deviation.wanted):
        return "Kafka takes no partitions away; the command deletes the topic, and open alarms are forgotten"
    return ""


def _alter(deviation: Deviation, state: ClusterState, config: Config) -> str:
    obstacle = _obstacle(deviation, len(state.brokers))
    if obstacle:
        return obstacle
    admin, seconds = open_admin(config.kafka), config.kafka.reach_seconds
    if deviation.name == PARTITIONS:
        grown = NewPartitions(deviation.topic, int(deviation.wanted))
        futures = list(admin.create_partitions([grown], request_timeout=seconds).values())
    else:
        entry = ConfigEntry(deviation.name, deviation.wanted, incremental_operation=AlterConfigOpType.SET)
        resource = ConfigResource(ConfigResource.Type.TOPIC, deviation.topic, incremental_configs=[entry])
        futures = list(admin.incremental_alter_configs([resource], request_timeout=seconds).values())
    try:
        for future in futures:
            future.result()
    except KafkaException as error:
        cause = error.args[0]
        return REFUSALS.get(cause.code(), f"the cluster refuses it: {' '.join(cause.str().split())}")
    return ALTERED
