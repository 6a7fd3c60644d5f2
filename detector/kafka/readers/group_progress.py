"""How far a group has come, by what its commits say: asked from outside, nothing joined."""

from contextlib import closing
from time import monotonic

from confluent_kafka import Consumer, KafkaException, TopicPartition

from detector.config.schema import Config
from detector.kafka.assignment import read_memory
from detector.kafka.client import common_properties, open_client
from detector.kafka.errors import explain, may_pass
from detector.kafka.topics import partitions


def group_progress(config: Config) -> int | None:
    """The minute that the group has reached on all partitions it has committed; None before its first commit.

    Raises ClusterError.
    """
    topic = config.kafka.topics.minutes
    wanted = [TopicPartition(topic, number) for number in range(partitions(config, topic).get(topic, 0))]
    properties = {**common_properties(config.kafka), "group.id": config.kafka.group}
    with closing(open_client(Consumer, properties, config.kafka)) as consumer:
        memories = [read_memory(place.metadata) for place in _committed(consumer, wanted, config)]
    return min((memory.frontier for memory in memories if memory is not None), default=None)


def _committed(consumer: Consumer, wanted: list[TopicPartition], config: Config) -> list[TopicPartition]:
    """Asked again while the group's coordinator is made or moved, which the first question may be the reason for."""
    deadline = monotonic() + config.kafka.reach_seconds
    while True:
        try:
            return consumer.committed(wanted, config.kafka.reach_seconds)
        except KafkaException as error:
            if not may_pass(error.args[0]) or monotonic() > deadline:
                raise explain(error.args[0], config.kafka) from None
