"""Layout of the topics: the policy, sizes and retention that each needs, as numbers that checks and creation share."""

from detector.bundle.period import declared_settings
from detector.config.schema import Config

TABLES = ("active", "labels")
"""Topics whose newest record of each key is state: they must be compacted, and nothing may be deleted by age."""

REPLICATION = 3
"""Replicas of a topic where there are as many brokers: one may fail, and neither a record nor a minute is lost."""

KAFKA_RECORD_BYTES = 1_048_588
"""Kafka's default of max.message.bytes."""

LEAST_RECORD_BYTES = 16_384
"""Least value of max.message.bytes of an output topic.

An alarm has about 2,000 with all its evidence, and a dead letter should hold a record of the feed.
"""

LABEL_BYTES = 131_072
"""Least value of max.message.bytes of the labels: one of 180 minutes and 130 features has 125,000 in base64."""

DAY_MS = 86_400_000
"""Retention of the input and of the alarms that leaves time for a repair, in ms."""

WEEK_MS = 7 * DAY_MS
"""Kafka's default of retention.ms."""

OUTAGE_MINUTES = 60
"""Minutes that a daemon may be away before its input is deleted unread; a guess at the time to notice and restart."""

MINUTE_BYTES = 2_528
"""Bytes of one record of 130 features in the topic, without compression (runbook: how large)."""

FOREVER = 9_223_372_036_854_775_807
"""Kafka's default of message.timestamp.before.max.ms."""

MESSAGE_OVERHEAD = 12
"""Bytes of a batch beside its records, by which Kafka's default exceeds a mebibyte."""


def topic_roles(config: Config) -> dict[str, str]:
    """Return the names of the topics by their keys in the configuration."""
    topics = config.kafka.topics
    return {role: getattr(topics, role) for role in topics.__struct_fields__}


def cleanup_policy(role: str) -> str:
    """Return the cleanup policy of a topic."""
    return "compact" if role in TABLES else "delete"


def restart_minutes(config: Config) -> int:
    """Return the minutes of input that a restart reads back to rebuild all windows."""
    tolerance = declared_settings(config).tolerance
    return tolerance.memory_minutes + tolerance.ahead_minutes


def input_retention_ms(config: Config) -> int:
    """Return the retention that the input topic should have: a day, or more where a restart reads back more."""
    return max(DAY_MS, 2 * restart_minutes(config) * 60_000)


def input_record_bytes(config: Config) -> int:
    """Return the max.message.bytes of the input topic that takes the longest record of the configuration."""
    return max(KAFKA_RECORD_BYTES, config.limits.record_bytes + MESSAGE_OVERHEAD)


def replication_factor(brokers: int) -> int:
    """Return the replicas of a topic on a cluster of this size."""
    return max(1, min(REPLICATION, brokers))


def least_in_sync(replication: int) -> int:
    """Return the min.insync.replicas: one replica may fail, and two brokers have each record before it counts."""
    return 1 if replication <= 2 else min(2, replication - 1)


def creation_settings(role: str, config: Config, replication: int) -> dict[str, str]:
    """Return the settings of a topic that is created, whatever the broker's defaults are.

    The retention of the input is left to the caller: a longer default stays.
    """
    settings = {
        "cleanup.policy": cleanup_policy(role),
        "min.insync.replicas": str(least_in_sync(replication)),
        "max.message.bytes": str(input_record_bytes(config) if role == "minutes" else KAFKA_RECORD_BYTES),
    }
    if replication > 1:
        settings["unclean.leader.election.enable"] = "false"
    if role == "minutes":
        settings["retention.bytes"] = "-1"
    return settings
