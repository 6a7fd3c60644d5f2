"""Commits of the group, read with the log that they point into. The reader does not join the group."""

from collections.abc import Iterable
from contextlib import suppress
from time import monotonic

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from detector.config.schema import Config
from detector.kafka.client import open_admin
from detector.kafka.cluster.description import COORDINATOR_SECONDS, RETRY_SECONDS
from detector.kafka.cluster.state import ClusterState, CommitState
from detector.kafka.errors import is_transient
from detector.kafka.start_positions import checkpoint_from_metadata

Offsets = dict[tuple[str, int], int]
"""One offset for each topic and partition."""


def read_commits(config: Config, state: ClusterState) -> tuple[list[CommitState], int]:
    """Return the commits of all partitions, and the offsets in use on the topic of alarms.

    Nothing where they may not be read, or the topic does not exist: that is another finding.
    """
    topics = config.kafka.topics
    if not state.has_controller or topics.minutes not in state.topics:
        return [], 0
    names = [name for name in (topics.minutes, topics.active, topics.alarms) if name in state.topics]
    positions = [TopicPartition(name, number) for name in names for number in range(state.topics[name].partitions)]
    admin = open_admin(config.kafka)
    with suppress(KafkaException):
        low = _offsets(admin, positions, OffsetSpec.earliest(), config)
        high = _offsets(admin, positions, OffsetSpec.latest(), config)
        used = {partition: high[partition] - low[partition] for partition in low}
        minutes = [position for position in positions if position.topic == topics.minutes]
        commits = [
            CommitState(
                partition=commit.partition,
                offset=commit.offset if commit.offset >= 0 else None,
                checkpoint=checkpoint_from_metadata(commit.metadata),
                low=low[topics.minutes, commit.partition],
                high=high[topics.minutes, commit.partition],
                open_records=used.get((topics.active, commit.partition), 0),
            )
            for commit in _committed(admin, minutes, config)
        ]
        return commits, sum(count for (name, _), count in used.items() if name == topics.alarms)
    return [], 0


def _offsets(admin: AdminClient, positions: Iterable[TopicPartition], spec: OffsetSpec, config: Config) -> Offsets:
    """Return the first or last offsets of all partitions, which are asked for at once."""
    answers = admin.list_offsets(dict.fromkeys(positions, spec), request_timeout=config.kafka.reach_seconds)
    return {(position.topic, position.partition): future.result().offset for position, future in answers.items()}


def _committed(admin: AdminClient, positions: list[TopicPartition], config: Config) -> list[TopicPartition]:
    group, seconds = config.kafka.group, config.kafka.reach_seconds
    deadline = monotonic() + min(COORDINATOR_SECONDS, seconds)
    while True:
        request = ConsumerGroupTopicPartitions(group, positions)
        try:
            answer = admin.list_consumer_group_offsets([request], request_timeout=seconds)[group].result()
        except KafkaException as error:
            if not is_transient(error.args[0]) or monotonic() > deadline:
                raise
            admin.poll(RETRY_SECONDS)
            continue
        return [commit for commit in answer.topic_partitions if commit.error is None]
