"""Remedies: commands of Kafka's own tools that an operator can paste."""

import json
import shlex
from collections.abc import Iterator, Sequence

from detector.config.schema import Kafka
from detector.kafka.cluster.deviations import PARTITIONS, REPLICAS, Deviation
from detector.kafka.cluster.state import ClusterState

FIX = "`faultline topics --fix --yes`"


def grant_command(kafka: Kafka, operation: str, kind: str, *names: str) -> str:
    """Return the command that allows an operation: kind is topic, group or transactional-id.

    The user's name in the cluster is not known here: the cluster derives it from a certificate or a token.
    """
    resources = [word for name in names for word in (f"--{kind}", name)]
    allow = ["--add", "--allow-principal", "User:NAME", "--operation", operation, *resources]
    return _tool(kafka, "kafka-acls.sh", allow)


def fix_command(deviation: Deviation, state: ClusterState, kafka: Kafka) -> str:
    """Return the command that mends one deviation, also where `faultline topics --fix` cannot."""
    topic, wanted = deviation.topic, deviation.wanted
    if deviation.name == REPLICAS:
        return _reassign_command(deviation, state, kafka)
    if deviation.name != PARTITIONS:
        change = ["--alter", "--topic", topic, "--add-config", f"{deviation.name}={wanted}"]
        return _tool(kafka, "kafka-configs.sh", change)
    if int(deviation.value) < int(wanted):
        return _tool(kafka, "kafka-topics.sh", ["--alter", "--topic", topic, "--partitions", wanted])
    return f"{_tool(kafka, 'kafka-topics.sh', ['--delete', '--topic', topic])} && faultline topics --create"


def _tool(kafka: Kafka, program: str, words: Sequence[str]) -> str:
    return shlex.join([program, "--bootstrap-server", str(kafka.common["bootstrap.servers"]), *words])


def _reassign_command(deviation: Deviation, state: ClusterState, kafka: Kafka) -> str:
    """Return a shell command of several lines: a file with the new replicas of each partition, and its execution."""
    replicas = state.topics[deviation.topic].replicas
    moves = [
        {"topic": deviation.topic, "partition": number, "replicas": grown}
        for number, grown in enumerate(grown_replicas(replicas, state.brokers, int(deviation.wanted)))
    ]
    lines = ",\n".join(json.dumps(move) for move in moves)
    execute = _tool(kafka, "kafka-reassign-partitions.sh", ["--reassignment-json-file", "replicas.json", "--execute"])
    return f'cat > replicas.json <<\'END\'\n{{"version": 1, "partitions": [\n{lines}\n]}}\nEND\n{execute}'


def grown_replicas(replicas: Sequence[Sequence[int]], brokers: Sequence[int], replication: int) -> Iterator[list[int]]:
    """Yield the brokers of each partition with some added, in turn, up to this many. None is taken away."""
    turn = 0
    for present in replicas:
        grown = list(present)
        while len(grown) < min(replication, len(set(brokers) | set(present))):
            broker = brokers[turn % len(brokers)]
            turn += 1
            if broker not in grown:
                grown.append(broker)
        yield grown
