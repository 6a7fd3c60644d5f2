"""Kafka errors: which are fatal, which are transient, and the sentence with the remedy for an operator."""

from confluent_kafka import KafkaError

from detector.config.schema import Kafka, transactional_id
from detector.errors import ClusterError
from detector.kafka.tls_diagnosis import diagnose_tls

FATAL = {
    KafkaError.UNKNOWN_TOPIC_OR_PART,
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.SASL_AUTHENTICATION_FAILED,
    KafkaError._AUTHENTICATION,
    KafkaError._FATAL,  # fenced: librdkafka reports it once, in an error that does not call itself fatal
}
"""Errors of the consumer that waiting does not mend: the operator must act."""

TRANSIENT = {
    KafkaError._TIMED_OUT,
    KafkaError._TRANSPORT,
    KafkaError._ALL_BROKERS_DOWN,
    KafkaError._WAIT_COORD,
    KafkaError._TIMED_OUT_QUEUE,
    KafkaError._NOENT,  # of leaders: none is chosen yet
    KafkaError.NOT_COORDINATOR,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.OFFSET_NOT_AVAILABLE,
    KafkaError.FENCED_LEADER_EPOCH,
    KafkaError.UNKNOWN_LEADER_EPOCH,
    KafkaError.REPLICA_NOT_AVAILABLE,
    KafkaError.KAFKA_STORAGE_ERROR,
    KafkaError.UNSTABLE_OFFSET_COMMIT,
}
"""Errors of a request while brokers stop, start or change leadership."""

STALE_LEADER = {KafkaError.FENCED_LEADER_EPOCH, KafkaError.UNKNOWN_LEADER_EPOCH, KafkaError.NOT_LEADER_FOR_PARTITION}
"""Errors after a change of leader that an admin client has not noticed.

The client keeps requesting offsets from the old leader indefinitely, so a new client must be opened.
"""

MOST_FOREIGN_CHARACTERS = 400
"""Characters of librdkafka's or a server's explanation that go into our sentence."""

START_BROKER = "check kafka.common.bootstrap.servers, and that the broker runs"
CHECK_PASSWORD = "check the user and password in kafka.common"
CREATE_TOPICS = "create it with `faultline topics --create`"


def explain(error: KafkaError, kafka: Kafka, topic: str = "", *, rival: str = "") -> ClusterError:
    """Return one sentence with the remedy, for an error that waiting does not mend.

    `topic` is named where the error itself does not name it. `rival` is the process that runs as this instance, too.
    """
    cluster = f"{kafka.common['bootstrap.servers']}{topic and f', topic {topic}'}"
    diagnosis = diagnose_tls(error, kafka)
    if diagnosis is not None:
        problem, remedy = diagnosis
        return ClusterError(f"Kafka at {cluster}: {problem}; {remedy}.")
    text = " ".join(error.str().split())[:MOST_FOREIGN_CHARACTERS]  # a token's endpoint may answer with a page
    remedy = _remedies(kafka).get(error.code(), "see the broker's log")
    if rival:
        remedy = (
            f"another process runs as kafka.instance {kafka.instance}, {rival}; give each its own kafka.instance, and"
            " start again"
        )
    if "OAUTHBEARER token" in text:
        remedy = "check sasl.oauthbearer.* in kafka.common, and that its token endpoint answers"
    return ClusterError(f"Kafka at {cluster}: {text.rstrip('.')} ({error.name()}); {remedy}.")


def _remedies(kafka: Kafka) -> dict[int, str]:
    return {
        KafkaError._TRANSPORT: START_BROKER,
        KafkaError._TIMED_OUT: START_BROKER,
        KafkaError._ALL_BROKERS_DOWN: START_BROKER,
        KafkaError._RESOLVE: "check the host name in kafka.common.bootstrap.servers",
        KafkaError._SSL: "check the certificates in kafka.common",
        KafkaError._INVALID_ARG: "correct it in kafka.common, kafka.consumer or kafka.producer",
        KafkaError._AUTHENTICATION: CHECK_PASSWORD,
        KafkaError.SASL_AUTHENTICATION_FAILED: CHECK_PASSWORD,
        KafkaError.TOPIC_AUTHORIZATION_FAILED: "allow this user to read and write Faultline's topics",
        KafkaError.GROUP_AUTHORIZATION_FAILED: (
            f"allow this user to read the groups {kafka.group} and {kafka.group}-tables"
        ),
        KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED: (
            f"allow this user to write and describe transactional id {transactional_id(kafka)}"
        ),
        KafkaError.CLUSTER_AUTHORIZATION_FAILED: (
            "allow this user to write the topic, and before Kafka 3 IdempotentWrite on the cluster"
        ),
        KafkaError.INVALID_REPLICATION_FACTOR: "give --replication no more than there are brokers",
        KafkaError.UNKNOWN_TOPIC_OR_PART: CREATE_TOPICS,
        KafkaError._UNKNOWN_PARTITION: CREATE_TOPICS,
        KafkaError._NOENT: "check that the topic exists, and that the brokers which lead its partitions run",
        KafkaError._FENCED: (
            f"another process runs as kafka.instance {kafka.instance}, or uses transactional id"
            f" {transactional_id(kafka)}, or this one stopped for longer than its transaction may take; give each its"
            " own kafka.instance, and start again"
        ),
        KafkaError._FATAL: (
            f"if another process runs as kafka.instance {kafka.instance}, give each its own kafka.instance"
        ),
    }


def is_fatal(error: KafkaError) -> bool:
    """Return whether waiting does not mend the error."""
    return bool(error.fatal()) or error.code() in FATAL


def is_transient(error: KafkaError) -> bool:
    """Return whether a repetition of the request may bring an answer."""
    return bool(error.retriable()) or error.code() in TRANSIENT
