"""Consumer groups as the cluster tells of them: what this user may do with them, and their commits.

A consumer asks, not the admin client: a coordinator that is away or is only being created makes the admin client's
requests to it hang, and may abort the process (librdkafka issue 4605, seen with 2.16.0 on a fresh broker).
"""

from collections.abc import Iterable
from contextlib import closing
from time import monotonic
from typing import NamedTuple

from confluent_kafka import Consumer, ConsumerGroupState, KafkaError, KafkaException, TopicPartition

from detector.config.schema import Config
from detector.errors import ClusterError
from detector.kafka.client import common_properties, open_admin, open_client
from detector.kafka.cluster.state import ClusterState, CommitState, GroupState
from detector.kafka.errors import is_transient
from detector.kafka.offsets import TopicOffsets
from detector.kafka.readers.range_reader import OffsetRange
from detector.kafka.start_positions import checkpoint_from_metadata

COORDINATOR_SECONDS = 5.0
"""Longest wait for a group's coordinator. On a fresh cluster the first request creates it, in .6 to 2.6 s."""

ANSWER_SECONDS = 1.0
"""Timeout of one request. A coordinator's refusal is an event of its own, which is looked for between two requests."""

NO_PARTITION = 2_000_000_000
"""Partition that no topic has. A commit for it changes nothing, and is refused for a lacking right first."""


class GroupReport(NamedTuple):
    """The daemon's groups, and its commits."""

    groups: dict[str, GroupState]
    commits: list[CommitState]
    notifications: int
    """Offsets in use on the topic of alarms."""


def describe_groups(config: Config, state: ClusterState) -> GroupReport:
    """Return what can be known of the daemon's groups; without the input topic or a controller, nothing."""
    topics, group = config.kafka.topics, config.kafka.group
    if not state.has_controller or topics.minutes not in state.topics:
        return GroupReport({}, [], 0)
    minutes = [TopicPartition(topics.minutes, number) for number in range(state.topics[topics.minutes].partitions)]
    committed, operations = _ask(config, group, minutes)
    _, table_operations = _ask(config, f"{group}-tables", minutes[:1])
    groups = {
        group: GroupState(operations=operations, is_idle=_is_idle(config)),
        f"{group}-tables": GroupState(operations=table_operations),
    }
    try:
        read, open_alarms, notifications = (
            _extents(config, state, topic) for topic in (topics.minutes, topics.active, topics.alarms)
        )
    except ClusterError:  # no right to describe one of them, which is another finding
        return GroupReport(groups, [], 0)
    commits = [
        CommitState(
            partition=commit.partition,
            offset=commit.offset if commit.offset >= 0 else None,
            checkpoint=checkpoint_from_metadata(commit.metadata),
            low=read[commit.partition].begin,
            high=read[commit.partition].end,
            open_records=len(open_alarms[commit.partition]) if commit.partition in open_alarms else 0,
        )
        for commit in committed
        if commit.error is None
    ]
    return GroupReport(groups, commits, sum(map(len, notifications.values())))


def _extents(config: Config, state: ClusterState, topic: str) -> dict[int, OffsetRange]:
    """Return the offsets in use, by partition; none of a topic that does not exist. Raises ClusterError."""
    partitions = range(state.topics[topic].partitions if topic in state.topics else 0)
    offsets = TopicOffsets(config.kafka, topic)
    begins, ends = offsets.begins(partitions), offsets.ends(partitions)
    return {partition: OffsetRange(partition, begins[partition], ends[partition]) for partition in partitions}


def _ask(
    config: Config, group: str, positions: list[TopicPartition]
) -> tuple[list[TopicPartition], frozenset[str] | None]:
    """Return a group's commits, and what this user may do with the group: None where no answer comes in time."""
    properties = {**common_properties(config.kafka), "group.id": group, "enable.auto.commit": False, "log_level": 0}
    deadline = monotonic() + min(COORDINATOR_SECONDS, config.kafka.reach_seconds)
    with closing(open_client(Consumer, properties, config.kafka)) as consumer:
        while True:
            try:
                committed = consumer.committed(positions, ANSWER_SECONDS)
            except KafkaException as error:
                event = consumer.poll(0)
                errors = [error.args[0], *([event.error()] if event is not None and event.error() else [])]
                if KafkaError.GROUP_AUTHORIZATION_FAILED in [cause.code() for cause in errors]:
                    return [], frozenset()
                if not is_transient(error.args[0]) or monotonic() > deadline:
                    return [], None
                continue
            return committed, frozenset({"DESCRIBE", *_commit_right(consumer, positions[0].topic)})


def _commit_right(consumer: Consumer, topic: str) -> Iterable[str]:
    """Yield READ, if this user may commit: a member of the group needs the same right."""
    try:
        consumer.commit(offsets=[TopicPartition(topic, NO_PARTITION, 0)], asynchronous=False)
    except KafkaException as error:
        if error.args[0].code() == KafkaError.GROUP_AUTHORIZATION_FAILED:
            return
    yield "READ"


def _is_idle(config: Config) -> bool | None:
    """Return whether the group has no member; None where it is unknown. A group that does not exist is not listed."""
    admin = open_admin(config.kafka)  # a variable, because its futures die with it
    try:
        listing = admin.list_consumer_groups(request_timeout=config.kafka.reach_seconds).result()
    except KafkaException:
        return None
    states = {group.group_id: group.state for group in listing.valid}
    idle = (ConsumerGroupState.EMPTY, ConsumerGroupState.DEAD)
    return not listing.errors and states.get(config.kafka.group, ConsumerGroupState.EMPTY) in idle
