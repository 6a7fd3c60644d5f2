"""Topics of the cluster: their creation, and the checks that precede the daemon's start."""

from typing import Any, NamedTuple

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic

from detector.config.schema import Config, Kafka
from detector.errors import ClusterError
from detector.kafka.client import log, open_admin
from detector.kafka.errors import CREATE_TOPICS, explain
from detector.kafka.tls_diagnosis import most_telling_error

RECORD_BYTES = 1_000_000
"""Longest record that a producer sends by librdkafka's default. A topic's own default is a little more."""

LEAST_RECORD_BYTES = 16_384
"""Least value of a topic's max.message.bytes.

An alarm has about 2,000 with all its evidence, and a dead letter should hold a record of the feed.
"""

COMPACTED = {"cleanup.policy": "compact"}


def partition_counts(config: Config, *required: str) -> dict[str, int]:
    """Return the number of partitions of each topic that this user may see.

    Raises ClusterError where no broker answers, and where a required topic exists and may not be seen. By default all
    topics of the configuration are required: nobody needs a right on a topic that he does not use.
    """
    kafka = config.kafka
    errors: list[KafkaError] = []
    admin = open_admin(kafka, errors.append)
    try:
        metadata = admin.list_topics(timeout=kafka.reach_seconds)
    except KafkaException as error:
        admin.poll(0)
        raise explain(most_telling_error(errors) or error.args[0], kafka) from None
    counts = {name: len(topic.partitions) for name, topic in metadata.topics.items() if topic.error is None}
    _check_access(admin, [name for name in required or topic_names(config) if name not in counts], kafka)
    return counts


def partition_count(config: Config, topic: str) -> int:
    """Return the number of partitions of one topic. Raises ClusterError where it does not exist."""
    count = partition_counts(config, topic).get(topic)
    if count is None:
        raise _missing(config, topic)
    return count


def _missing(config: Config, topic: str) -> ClusterError:
    return ClusterError(f"{_cluster(config.kafka)}: topic {topic} does not exist; {CREATE_TOPICS}.")


def _cluster(kafka: Kafka) -> str:
    return f"Kafka at {kafka.common['bootstrap.servers']}"


def _check_access(admin: AdminClient, unseen_topics: list[str], kafka: Kafka) -> None:
    """Raise ClusterError for a topic that exists but may not be seen: a list leaves it out like one that is missing."""
    if not unseen_topics:
        return
    answers = admin.describe_topics(TopicCollection(unseen_topics), request_timeout=kafka.reach_seconds)
    for name, future in answers.items():
        error = future.exception()
        if isinstance(error, KafkaException) and error.args[0].code() == KafkaError.TOPIC_AUTHORIZATION_FAILED:
            raise ClusterError(
                f"{_cluster(kafka)}: access to topic {name} is denied; allow this user to describe, read and write it."
            )


def topic_names(config: Config) -> list[str]:
    """Return the names of all topics of the configuration."""
    topics = config.kafka.topics
    return [topics.minutes, topics.alarms, topics.active, topics.labels, topics.deadletters]


class TopicLimits(NamedTuple):
    """Limits that the topics set for the daemon."""

    partitions: int
    """Partitions of the input topic, to share among the instances."""
    record_bytes: int
    """Longest record that every output topic accepts."""


def check_topics(config: Config) -> TopicLimits:
    """Return the topics' limits. Raises ClusterError for the first thing that would keep the daemon from its work."""
    counts = partition_counts(config)
    for name in topic_names(config):
        if name not in counts:
            raise _missing(config, name)
    minutes, active = config.kafka.topics.minutes, config.kafka.topics.active
    if counts[minutes] != counts[active]:
        raise ClusterError(
            f"{_cluster(config.kafka)}: topic {minutes} has {counts[minutes]} partitions and topic {active} has"
            f" {counts[active]}; an open alarm lies in the partition of its cell's minutes, so give {active} as many."
        )
    return TopicLimits(partitions=counts[minutes], record_bytes=_record_bytes(config))


def _record_bytes(config: Config) -> int:
    """Return the least max.message.bytes of the output topics. Raises ClusterError if it is too small for an alarm."""
    topics = config.kafka.topics
    names = {topics.alarms, topics.active, topics.deadletters}
    resources = [ConfigResource(ConfigResource.Type.TOPIC, name) for name in sorted(names)]
    admin, least_limit = open_admin(config.kafka), RECORD_BYTES
    for resource, future in admin.describe_configs(resources, request_timeout=config.kafka.reach_seconds).items():
        try:
            limit = int(future.result()["max.message.bytes"].value)
        except KafkaException as error:
            log.info(
                "topic %s: max.message.bytes is unknown, so %d is assumed: %s",
                resource.name,
                RECORD_BYTES,
                error.args[0].str(),
            )
            continue
        if limit < LEAST_RECORD_BYTES:
            raise ClusterError(
                f"{_cluster(config.kafka)}: max.message.bytes of topic {resource.name} is {limit}, and an alarm may"
                f" need {LEAST_RECORD_BYTES}; raise it to at least {LEAST_RECORD_BYTES}."
            )
        least_limit = min(least_limit, limit)
    return least_limit


def create_topics(config: Config, count: int, replication: int) -> list[str]:
    """Create the topics that are missing, and return their names. Raises ClusterError."""
    counts = partition_counts(config)
    topics = config.kafka.topics
    count = counts.get(topics.minutes, count)
    layout: dict[str, tuple[int, dict[str, Any]]] = {
        topics.minutes: (count, {}),
        topics.alarms: (count, {}),
        topics.active: (count, COMPACTED),
        topics.labels: (1, COMPACTED),
        topics.deadletters: (1, {}),
    }
    new_topics = [
        NewTopic(name, num_partitions=partitions, replication_factor=replication, config=settings)
        for name, (partitions, settings) in layout.items()
        if name not in counts
    ]
    if not new_topics:
        return []
    admin = open_admin(config.kafka)  # a variable, because its futures die with it
    for name, future in admin.create_topics(new_topics, operation_timeout=config.kafka.reach_seconds).items():
        try:
            future.result()
        except KafkaException as error:
            if error.args[0].code() == KafkaError.TOPIC_AUTHORIZATION_FAILED:
                raise ClusterError(
                    f"{_cluster(config.kafka)}: topic {name} may not be created; allow this user to create it."
                ) from None
            raise explain(error.args[0], config.kafka, name) from None
    return [topic.topic for topic in new_topics]
