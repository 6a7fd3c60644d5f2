"""What the cluster must have before the daemon starts, and the sentence for whoever finds that it has not."""

from typing import Any, NamedTuple

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic

from detector.config.schema import Config, Kafka
from detector.errors import ClusterError
from detector.kafka.client import _calmed, log, open_admin
from detector.kafka.errors import explain
from detector.kafka.tls_diagnosis import most_telling_error

log.addFilter(_calmed)

RECORD_BYTES = 1_000_000
"""What a producer sends at most, by librdkafka's default; a topic's own default is a little more."""

LEAST_RECORD_BYTES = 16_384
"""An alarm has about 2,000 with all its evidence, and a dead letter should hold a record of the feed."""

COMPACTED = {"cleanup.policy": "compact"}


def partitions(config: Config, *wanted: str) -> dict[str, int]:
    """How many partitions each topic of the cluster has that this user may see.

    Raises ClusterError where no broker answers, and where one of those wanted (all of ours, if none is named) is there
    and may not be seen: nobody needs a right on a topic that he does not use.
    """
    kafka = config.kafka
    heard: list[KafkaError] = []
    admin = open_admin(kafka, heard.append)
    try:
        metadata = admin.list_topics(timeout=kafka.reach_seconds)
    except KafkaException as error:
        admin.poll(0)
        raise explain(most_telling_error(heard) or error.args[0], kafka) from None
    found = {name: len(topic.partitions) for name, topic in metadata.topics.items() if topic.error is None}
    _check_access(admin, [name for name in wanted or topic_names(config) if name not in found], kafka)
    return found


def partitions_of(config: Config, topic: str) -> int:
    """Of one topic. Raises ClusterError where it is not there."""
    count = partitions(config, topic).get(topic)
    if count is None:
        raise ClusterError(
            f"Kafka at {config.kafka.common['bootstrap.servers']}: topic {topic} does not exist; create it with"
            " `faultline topics --create`."
        )
    return count


def _check_access(admin: AdminClient, unseen: list[str], kafka: Kafka) -> None:
    """Tells what is hidden from what is not there: a list leaves out what one may not see. Raises ClusterError."""
    if not unseen:
        return
    asked = admin.describe_topics(TopicCollection(unseen), request_timeout=kafka.reach_seconds)
    for name, future in asked.items():
        error = future.exception()
        if isinstance(error, KafkaException) and error.args[0].code() == KafkaError.TOPIC_AUTHORIZATION_FAILED:
            raise ClusterError(
                f"Kafka at {kafka.common['bootstrap.servers']}: access to topic {name} is denied; allow this user to"
                " describe, read and write it."
            )


def topic_names(config: Config) -> list[str]:
    topics = config.kafka.topics
    return [topics.minutes, topics.alarms, topics.active, topics.labels, topics.deadletters]


class Provision(NamedTuple):
    """What the topics have for us."""

    partitions: int
    """To share among the instances."""
    record_bytes: int
    """The longest record that each topic takes which is written to."""


def check_topics(config: Config) -> Provision:
    """Raises ClusterError for the first thing that would keep the daemon from its work."""
    found = partitions(config)
    servers = config.kafka.common["bootstrap.servers"]
    for name in topic_names(config):
        if name not in found:
            raise ClusterError(
                f"Kafka at {servers}: topic {name} does not exist; create it with `faultline topics --create`."
            )
    minutes, active = config.kafka.topics.minutes, config.kafka.topics.active
    if found[minutes] != found[active]:
        raise ClusterError(
            f"Kafka at {servers}: {minutes} has {found[minutes]} partitions and {active} has {found[active]}; open"
            f" alarms lie in their minute's partition, so give {active} as many."
        )
    return Provision(found[minutes], _record_bytes(config))


def _record_bytes(config: Config) -> int:
    """Raises ClusterError where that is no size for an alarm."""
    topics = config.kafka.topics
    names = {topics.alarms, topics.active, topics.deadletters}
    wanted = [ConfigResource(ConfigResource.Type.TOPIC, name) for name in sorted(names)]
    admin, least = open_admin(config.kafka), RECORD_BYTES
    for resource, future in admin.describe_configs(wanted, request_timeout=config.kafka.reach_seconds).items():
        try:
            told = int(future.result()["max.message.bytes"].value)
        except KafkaException as error:
            log.info("how long a record may be is not told, so take %d: %s", RECORD_BYTES, error.args[0].str())
            continue
        if told < LEAST_RECORD_BYTES:
            raise ClusterError(
                f"Kafka at {config.kafka.common['bootstrap.servers']}: {told} at max.message.bytes of topic"
                f" {resource.name} is below {LEAST_RECORD_BYTES}, and an alarm may need so many; raise it."
            )
        least = min(least, told)
    return least


def create_topics(config: Config, count: int, replication: int) -> list[str]:
    """Creates the topics that are missing, and says which. Raises ClusterError."""
    found = partitions(config)
    topics = config.kafka.topics
    count = found.get(topics.minutes, count)
    wanted: dict[str, tuple[int, dict[str, Any]]] = {
        topics.minutes: (count, {}),
        topics.alarms: (count, {}),
        topics.active: (count, COMPACTED),
        topics.labels: (1, COMPACTED),
        topics.deadletters: (1, {}),
    }
    missing = [
        NewTopic(name, num_partitions=number, replication_factor=replication, config=settings)
        for name, (number, settings) in wanted.items()
        if name not in found
    ]
    if not missing:
        return []
    admin = open_admin(config.kafka)  # kept: its futures die with it
    for name, future in admin.create_topics(missing, operation_timeout=config.kafka.reach_seconds).items():
        try:
            future.result()
        except KafkaException as error:
            if error.args[0].code() == KafkaError.TOPIC_AUTHORIZATION_FAILED:
                servers = config.kafka.common["bootstrap.servers"]
                raise ClusterError(
                    f"Kafka at {servers}: topic {name} may not be created; allow this user to create it."
                ) from None
            raise explain(error.args[0], config.kafka, name) from None
    return [topic.topic for topic in missing]
