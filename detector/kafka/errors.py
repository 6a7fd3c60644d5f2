"""Kafka errors: which are fatal, which are transient, and the sentence with the remedy for an operator."""

from confluent_kafka import KafkaError

from detector.config.schema import Kafka
from detector.errors import ClusterError
from detector.kafka.tls_diagnosis import diagnose_tls

FATAL = {
    KafkaError.UNKNOWN_TOPIC_OR_PART,
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.SASL_AUTHENTICATION_FAILED,
    KafkaError._AUTHENTICATION,
    KafkaError._FATAL,  # fenced: librdkafka says so once, in an error that does not call itself fatal
}
"""Errors of the consumer that waiting does not mend: the operator has to."""

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
"""What a question may come to while brokers go, come and take over from each other."""

STALE_LEADER = {KafkaError.FENCED_LEADER_EPOCH, KafkaError.UNKNOWN_LEADER_EPOCH, KafkaError.NOT_LEADER_FOR_PARTITION}
"""A leader has taken over since an admin client last asked who leads. About offsets it goes on asking by what it knows,
for good: another client must be asked."""

LONGEST_WORD = 400
"""Characters of somebody else's explanation that go into a sentence of ours."""


def explain(error: KafkaError, kafka: Kafka, topic: str = "") -> ClusterError:
    """One sentence with the remedy, for an error that waiting does not mend; `topic` where it does not say which."""
    place = f"{kafka.common['bootstrap.servers']}{topic and f', topic {topic}'}"
    remedies = {
        KafkaError._TRANSPORT: "check kafka.common.bootstrap.servers, and that the broker runs",
        KafkaError._TIMED_OUT: "check kafka.common.bootstrap.servers, and that the broker runs",
        KafkaError._ALL_BROKERS_DOWN: "check kafka.common.bootstrap.servers, and that the broker runs",
        KafkaError._RESOLVE: "check the host name in kafka.common.bootstrap.servers",
        KafkaError._SSL: "check the certificates in kafka.common",
        KafkaError._INVALID_ARG: "put it right in kafka.common, kafka.consumer or kafka.producer",
        KafkaError._AUTHENTICATION: "check the user and password in kafka.common",
        KafkaError.SASL_AUTHENTICATION_FAILED: "check the user and password in kafka.common",
        KafkaError.TOPIC_AUTHORIZATION_FAILED: "allow this user to read and write Faultline's topics",
        KafkaError.GROUP_AUTHORIZATION_FAILED: (
            f"allow this user to read the groups {kafka.group} and {kafka.group}-tables"
        ),
        KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED: (
            f"allow this user to write and describe transactional id {kafka.group}-{kafka.instance}"
        ),
        KafkaError.CLUSTER_AUTHORIZATION_FAILED: (
            "allow this user to write the topic, and before Kafka 3 IdempotentWrite on the cluster"
        ),
        KafkaError.INVALID_REPLICATION_FACTOR: "give --replication as many as there are brokers, or fewer",
        KafkaError.UNKNOWN_TOPIC_OR_PART: "create it with `faultline topics --create`",
        KafkaError._FENCED: (
            f"another process runs as kafka.instance {kafka.instance}, or this one stood still for longer than its"
            " transaction may take; give each its own, and start again"
        ),
        KafkaError._FATAL: f"if another process runs as kafka.instance {kafka.instance}, give each its own",
        KafkaError.INVALID_REPLICATION_FACTOR: "give --replication no more than there are brokers",
        KafkaError._UNKNOWN_PARTITION: "create it with `faultline topics --create`",
    }
    refused = diagnose_tls(error, kafka)
    if refused is not None:
        return ClusterError(f"Kafka at {place}: {refused[0]}; {refused[1]}.")
    said = " ".join(error.str().split())[:LONGEST_WORD]  # a token's endpoint may answer with a page
    remedy = remedies.get(error.code(), "see the broker's log")
    if "OAUTHBEARER token" in said:
        remedy = "check sasl.oauthbearer.* in kafka.common, and that its token endpoint answers"
    return ClusterError(f"Kafka at {place}: {said.rstrip('.')} ({error.name()}); {remedy}.")


def is_final(error: KafkaError) -> bool:
    """True when waiting will not mend it."""
    return bool(error.fatal()) or error.code() in FATAL


def may_pass(error: KafkaError) -> bool:
    """True where asking again may bring the answer."""
    return bool(error.retriable()) or error.code() in TRANSIENT
