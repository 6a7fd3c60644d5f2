"""Checks of the cluster: everything that the guarantees need of it, as findings for `check` and for a start."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from detector.config.schema import Config, transaction_seconds
from detector.errors import ClusterError
from detector.finding import Finding
from detector.kafka.cluster.commit_checks import commit_findings
from detector.kafka.cluster.description import describe_cluster
from detector.kafka.cluster.deviations import PARTITIONS, POLICY, RECORD_BYTES, REPLICAS, Deviation, topic_deviations
from detector.kafka.cluster.groups import describe_groups
from detector.kafka.cluster.layout import REPLICATION, topic_roles
from detector.kafka.cluster.remedies import FIX, fix_command, grant_command
from detector.kafka.cluster.rights import right_findings, transactional_id_finding
from detector.kafka.cluster.state import ClusterState
from detector.kafka.cluster.transactional_id import is_denied
from detector.kafka.errors import CREATE_TOPICS
from detector.kafka.topics import RECORD_BYTES as PRODUCER_RECORD_BYTES

log = logging.getLogger("faultline.kafka")

INTERNAL_TOPICS = {
    "__consumer_offsets": "the group's offsets",
    "__transaction_state": "open transactions",
}
"""Kafka's own topics that exactly-once delivery stands on, and their content."""

LEAST_OFFSET_MINUTES = 1440
"""Least offsets.retention.minutes: a group that is stopped for a night must find its offsets again."""


class TopicLimits(NamedTuple):
    """Limits that the topics set for the daemon."""

    partitions: int
    """Partitions of the input topic, to share among the instances."""
    record_bytes: int
    """Longest record that every output topic accepts."""


def check_topics(config: Config) -> TopicLimits:
    """Return the topics' limits, and log each warning. Raises ClusterError with all that a start must not pass over.

    The groups are not asked: a start joins them next, and says what is denied.
    """
    state = describe_cluster(config)
    findings = judge(state, config)
    errors = [finding.text for finding in findings if finding.level == "error"]
    if errors:
        raise ClusterError(f"Kafka at {config.kafka.common['bootstrap.servers']}: {' '.join(errors)}")
    for finding in findings:
        log.warning("%s", finding.text)
    topics = config.kafka.topics
    limits = [state.setting(name, RECORD_BYTES) for name in (topics.alarms, topics.active, topics.deadletters)]
    record_bytes = min([PRODUCER_RECORD_BYTES, *(int(limit) for limit in limits if limit)])
    return TopicLimits(partitions=state.topics[topics.minutes].partitions, record_bytes=record_bytes)


def check_labels_topic(config: Config) -> None:
    """Check that the topic of labels keeps what is published on it. Raises ClusterError where its policy deletes it."""
    state, topic = describe_cluster(config), config.kafka.topics.labels
    for deviation in topic_deviations(state, config):
        if (deviation.topic, deviation.name, deviation.level) == (topic, POLICY, "error"):
            cluster = config.kafka.common["bootstrap.servers"]
            raise ClusterError(f"Kafka at {cluster}: {_topic_finding(deviation, state, config).text}")


def cluster_findings(config: Config) -> list[Finding]:
    """Return the findings of a start, and those about commits and the transactional id. Raises ClusterError."""
    state = describe_cluster(config)
    groups, commits, notifications = describe_groups(config, state)
    state = replace(state, groups=groups)
    findings = [*judge(state, config), *commit_findings(commits, notifications, config)]
    if is_denied(config, state):
        findings.append(transactional_id_finding(config))
    if not any(finding.level == "error" for finding in findings):
        findings.insert(0, Finding("cluster", "ok", f"{config.kafka.common['bootstrap.servers']}: ok"))
    return findings


def judge(state: ClusterState, config: Config) -> list[Finding]:
    """Return what falls short in a described cluster: errors break a guarantee, warnings do not."""
    missing = [
        f"topic {name} does not exist; {CREATE_TOPICS}."
        for name in topic_roles(config).values()
        if name not in state.topics and name not in state.denied_topics
    ]
    return [
        *(Finding("cluster", "error", text) for text in missing),
        *right_findings(state, config),
        *(_topic_finding(deviation, state, config) for deviation in topic_deviations(state, config)),
        *_unread_settings(state, config),
        *_internal_topics(state),
        *_broker_settings(state, config),
    ]


def _topic_finding(deviation: Deviation, state: ClusterState, config: Config) -> Finding:
    topic, wanted = deviation.topic, deviation.wanted
    if deviation.name == PARTITIONS:
        remedy = FIX if int(deviation.value) < int(wanted) else f"`{fix_command(deviation, state, config.kafka)}`"
        text = (
            f"topic {config.kafka.topics.minutes} has {wanted} partitions and topic {topic} has {deviation.value};"
            f" {deviation.reason}, so with {remedy} give {topic} as many."
        )
        return Finding("cluster", deviation.level, text)
    if deviation.name == REPLICAS:
        problem = f"topic {topic} has {deviation.value} of {wanted} replicas {deviation.reason}"
        return Finding("cluster", deviation.level, f"{problem}; `faultline topics --fix` prints the command.")
    problem = f"topic {topic}: {deviation.name} is {deviation.value}, {deviation.reason}"
    return Finding("cluster", deviation.level, f"{problem}; {FIX} sets it to {wanted}.")


def _unread_settings(state: ClusterState, config: Config) -> Iterator[Finding]:
    if not state.has_controller:
        return
    topics = [state.topics.get(name) for name in topic_roles(config).values()]
    names = [
        name
        for name, topic in zip(topic_roles(config).values(), topics, strict=True)
        if topic is not None and topic.settings is None
    ]
    if names:
        command = grant_command(config.kafka, "DescribeConfigs", "topic", *names)
        yield Finding(
            "cluster",
            "warning",
            f"the settings of {', '.join(names)} may not be read, so policy, retention, replicas in sync and record"
            f" sizes are unchecked; allow this user to describe them: `{command}`.",
        )


def _internal_topics(state: ClusterState) -> Iterator[Finding]:
    for name, content in INTERNAL_TOPICS.items():
        topic = state.topics.get(name)
        if topic is not None and topic.replication == 1 and len(state.brokers) > 1:
            yield Finding(
                "cluster",
                "error",
                f"topic {name} has 1 replica on {len(state.brokers)} brokers, so one that fails takes {content} with"
                f" it; give it {min(REPLICATION, len(state.brokers))} with kafka-reassign-partitions.sh.",
            )


def _broker_settings(state: ClusterState, config: Config) -> Iterator[Finding]:
    longest_ms = state.broker_number("transaction.max.timeout.ms")
    timeout_ms = int(transaction_seconds(config.kafka) * 1000)
    if longest_ms is not None and longest_ms < timeout_ms:
        yield Finding(
            "cluster",
            "error",
            f"the brokers' transaction.max.timeout.ms is {longest_ms}, below the transaction.timeout.ms of this"
            f" producer, {timeout_ms}; set transaction.timeout.ms in kafka.producer to {longest_ms} or less.",
        )
    minutes = state.broker_number("offsets.retention.minutes")
    if minutes is not None and minutes < LEAST_OFFSET_MINUTES:
        yield Finding(
            "cluster",
            "warning",
            f"the brokers' offsets.retention.minutes is {minutes}, so the offsets of a group that is stopped for longer"
            f" expire, and it begins at the {config.kafka.start} offset; raise it to {LEAST_OFFSET_MINUTES} or more.",
        )
