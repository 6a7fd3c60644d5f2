"""The broker's weather: killed, moved, gone for a while, throttled; and what it refuses to take."""

import random
import subprocess

from tests.kafka.broker import Broker, command_line, fetch_jars, find_java
from tests.kafka.cluster import Cluster
from tests.storm.lives import Life
from tests.storm.storm import Feed, Storm, configure, wait_taken

BYTES_PER_SECOND = 1_000_000
"""A tenth of what the daemon would read, and thirty times what a network of this size says."""

LEFT_TO_DO = 3000
"""Records before the daemon when a broker dies: a second of work."""

SESSION_MS = 6000
"""The shortest that a broker allows, as it comes."""

TOOL_SECONDS = 60

FEW = 10
"""Messages in a producer's queue: a poll makes dozens."""


def killed_broker(storm: Storm, rng: random.Random) -> list[str]:
    """SIGKILL, and back on its folder, several times in the log; the daemon lives through it."""
    with Broker() as broker, storm.stage(broker.bootstrap) as stage:
        stage.tell(storm.records)
        with Life(configure(stage)) as life:
            for at in sorted(rng.sample(range(len(storm.records) * 3 // 4), 1 + storm.scale.rounds)):
                wait_taken(stage, at, life)
                broker.kill()
                broker.restart()
            wait_taken(stage, len(storm.records), life)
            return storm.compare(stage)


def away(storm: Storm, rng: random.Random) -> list[str]:
    """No broker for longer than a session, in the middle of the work: the daemon waits, alive, and goes on."""
    with Broker() as broker, storm.stage(broker.bootstrap) as stage:
        stage.tell(storm.records)
        with Life(configure(stage, consumer={"session.timeout.ms": SESSION_MS})) as life:
            wait_taken(stage, rng.randrange(len(storm.records) // 2), life)
            broker.kill()
            assert life.outlives(storm.scale.away_seconds), life.log[-2000:]
            broker.restart()
            wait_taken(stage, len(storm.records), life)
            return storm.compare(stage)


def away_while_idle(storm: Storm, rng: random.Random) -> list[str]:
    """The same, when there is nothing to do."""
    half = rng.randrange(len(storm.records) // 3, len(storm.records) * 2 // 3)
    with Broker() as broker, storm.stage(broker.bootstrap) as stage:
        stage.tell(storm.records[:half])
        with Life(configure(stage)) as life:
            wait_taken(stage, half, life)
            broker.kill()
            assert life.outlives(storm.scale.away_seconds), life.log[-2000:]
            broker.restart()
            stage.tell(storm.records[half:])
            wait_taken(stage, len(storm.records), life)
            return storm.compare(stage)


def leaders_move(storm: Storm, rng: random.Random) -> list[str]:
    """Of three brokers each is killed once and comes back: leaders, coordinators and the controller move.

    Each dies while there is something to do; what is told after it died can only have been taken with the other two.
    """
    with Cluster() as cluster, storm.stage(cluster.bootstrap) as stage:
        nodes = rng.sample(cluster.nodes, len(cluster.nodes)) * storm.scale.rounds
        feed = Feed(stage, storm.records, len(nodes) + 1)
        feed.go_on()
        with Life(configure(stage)) as life:
            for node in nodes:
                told = feed.told
                wait_taken(stage, told - LEFT_TO_DO, life)
                node.kill()
                feed.go_on()
                wait_taken(stage, told + 1, life)
                node.restart()
            wait_taken(stage, len(storm.records), life)
            return storm.compare(stage)


def throttled(storm: Storm, rng: random.Random) -> list[str]:
    """A quota on every byte in and out."""
    with Broker() as broker, storm.stage(broker.bootstrap) as stage:
        set_quota(broker, BYTES_PER_SECOND)
        stage.tell(storm.records)
        return storm.finish(stage)


def set_quota(broker: Broker, bytes_per_second: int) -> None:
    """For the clients that are called as the daemon calls its own."""
    quota = f"consumer_byte_rate={bytes_per_second},producer_byte_rate={bytes_per_second // 20}"
    tool = ["kafka.admin.ConfigCommand", "--bootstrap-server", broker.bootstrap, "--alter", "--add-config", quota]
    tool += ["--entity-type", "clients", "--entity-name", "faultline"]
    command = [*command_line(find_java(), fetch_jars(), broker.folder), *tool]
    subprocess.run(command, check=True, capture_output=True, timeout=TOOL_SECONDS)


def full_queue(storm: Storm, rng: random.Random) -> list[str]:
    """A producer with room for a few messages, and polls that make dozens."""
    with storm.stage() as stage:
        stage.tell(storm.records)
        with Life(configure(stage, batch_records=4000, producer={"queue.buffering.max.messages": FEW})) as life:
            wait_taken(stage, len(storm.records), life)
            return storm.compare(stage)
