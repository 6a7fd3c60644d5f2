"""Topics of the cluster: which there are, and how many partitions they have."""

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient, ClusterMetadata

from detector.config.schema import Config, Kafka
from detector.errors import ClusterError
from detector.kafka.client import open_admin
from detector.kafka.errors import CREATE_TOPICS, explain
from detector.kafka.tls_diagnosis import most_telling_error

RECORD_BYTES = 1_000_000
"""Longest record that a producer sends by librdkafka's default. A topic's own default is a little more."""


def read_metadata(config: Config) -> tuple[AdminClient, ClusterMetadata]:
    """Return an admin client, and the brokers and topics that this user may see. Raises ClusterError."""
    errors: list[KafkaError] = []
    admin = open_admin(config.kafka, errors.append)
    try:
        return admin, admin.list_topics(timeout=config.kafka.reach_seconds)
    except KafkaException as error:
        admin.poll(0)
        raise explain(most_telling_error(errors) or error.args[0], config.kafka) from None


def partition_counts(config: Config, *required: str) -> dict[str, int]:
    """Return the number of partitions of each topic that this user may see.

    Raises ClusterError where no broker answers, and where a required topic exists and may not be seen. By default all
    topics of the configuration are required: nobody needs a right on a topic that he does not use.
    """
    kafka = config.kafka
    admin, metadata = read_metadata(config)
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
            raise denied_topic(kafka, name)


def denied_topic(kafka: Kafka, name: str) -> ClusterError:
    """Return the error of a topic that this user may not see."""
    return ClusterError(
        f"{_cluster(kafka)}: access to topic {name} is denied; allow this user to describe, read and write it."
    )


def topic_names(config: Config) -> list[str]:
    """Return the names of all topics of the configuration."""
    topics = config.kafka.topics
    return [topics.minutes, topics.alarms, topics.active, topics.labels, topics.deadletters]
