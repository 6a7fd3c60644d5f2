"""Question whether this user may use the daemon's transactional id, asked without fencing an instance that runs.

No request describes the rights on a transactional id. A producer that asks for a timeout beyond the brokers' maximum is
refused for its lack of rights first, and for the timeout next: before its epoch is raised and a transaction is ended.
"""

from confluent_kafka import KafkaError, KafkaException, Producer

from detector.config.schema import Config
from detector.kafka.client import open_client, producer_properties
from detector.kafka.cluster.groups import COORDINATOR_SECONDS
from detector.kafka.cluster.state import ClusterState

LONGEST_MS = 2_147_483_647
"""Longest transaction timeout of the protocol. A broker's default maximum is 900,000."""


def is_denied(config: Config, state: ClusterState) -> bool:
    """Return whether this user may not use the transactional id; False where it is not safe to ask, or no answer."""
    if not state.has_controller or not _is_safe(config, state):
        return False
    properties = {**producer_properties(config.kafka), "transaction.timeout.ms": LONGEST_MS, "log_level": 0}
    producer = open_client(Producer, properties, config.kafka)
    try:
        producer.init_transactions(min(COORDINATOR_SECONDS, config.kafka.reach_seconds))
    except KafkaException as error:
        return bool(error.args[0].code() == KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
    return False


def _is_safe(config: Config, state: ClusterState) -> bool:
    """Return whether the brokers' maximum is known to refuse, or no instance runs that could be fenced."""
    longest_ms = state.broker_number("transaction.max.timeout.ms")
    if longest_ms is not None:
        return longest_ms < LONGEST_MS
    group = state.groups.get(config.kafka.group)
    return group is not None and bool(group.operations and group.is_idle)
