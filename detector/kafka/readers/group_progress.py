"""Progress of a consumer group, from its commits. The reader does not join the group."""

from contextlib import closing
from time import monotonic

from confluent_kafka import Consumer, KafkaException, TopicPartition

from detector.config.schema import Config
from detector.kafka.client import common_properties, open_client
from detector.kafka.errors import explain, is_transient
from detector.kafka.start_positions import checkpoint_from_metadata
from detector.kafka.topics import partition_counts


def group_progress(config: Config) -> int | None:
    """Return the minute that the group has reached on all committed partitions; None before its first commit.

    Raises ClusterError.
    """
    topic = config.kafka.topics.minutes
    count = partition_counts(config, topic).get(topic, 0)
    partitions = [TopicPartition(topic, number) for number in range(count)]
    properties = {**common_properties(config.kafka), "group.id": config.kafka.group}
    with closing(open_client(Consumer, properties, config.kafka)) as consumer:
        commits = _committed(consumer, partitions, config)
    checkpoints = [checkpoint_from_metadata(commit.metadata) for commit in commits]
    return min((checkpoint.frontier for checkpoint in checkpoints if checkpoint is not None), default=None)


def _committed(consumer: Consumer, partitions: list[TopicPartition], config: Config) -> list[TopicPartition]:
    """Return the partitions with their commits.

    The request is repeated while the group's coordinator is created or moved; the first request may be the reason.
    """
    deadline = monotonic() + config.kafka.reach_seconds
    while True:
        try:
            return consumer.committed(partitions, config.kafka.reach_seconds)
        except KafkaException as error:
            if not is_transient(error.args[0]) or monotonic() > deadline:
                raise explain(error.args[0], config.kafka) from None
