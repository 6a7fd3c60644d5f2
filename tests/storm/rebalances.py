"""Partitions move: instances come, go, sleep and wake, in the middle of what they were doing."""

import random
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from confluent_kafka import ConsumerGroupState
from confluent_kafka.admin import AdminClient

from tests.eventually import eventually
from tests.kafka.topics import QUIET
from tests.service.stage import Stage
from tests.storm.lives import Life
from tests.storm.network import PARTITIONS
from tests.storm.points import Point
from tests.storm.storm import Feed, Storm, configure, wait_taken

SESSION_MS = 6000
"""The shortest that a broker grants by default."""

AWAKE: dict[str, Any] = {"consumer": {"session.timeout.ms": 45_000, "heartbeat.interval.ms": 200}}
"""Nobody is given up who only waits for a slow machine."""

ASLEEP: dict[str, Any] = {
    "consumer": {"session.timeout.ms": SESSION_MS, "heartbeat.interval.ms": 200},
    "producer": {"transaction.timeout.ms": SESSION_MS},
}
NEW: dict[str, Any] = {"consumer": {"group.protocol": "consumer"}}

OWNED = "faultline_partitions_assigned"

FENCED = "another process runs as kafka.instance"

SETTLE_SECONDS = 60.0


def owned(lives: Sequence[Life]) -> list[int]:
    """How many partitions each of them has."""
    for life in lives:
        life.check()
    return [int(life.metrics().get(OWNED, 0)) for life in lives]


def wait_shared(lives: Sequence[Life]) -> None:
    """Until every partition is somebody's, and everybody has one."""
    eventually(
        lambda: (counts := owned(lives)) and sum(counts) == PARTITIONS and min(counts) > 0,
        f"{PARTITIONS} partitions shared by {len(lives)}; they have {owned(lives)}",
        SETTLE_SECONDS,
    )


def come_and_go(knobs: dict[str, Any], storm: Storm, rng: random.Random) -> list[str]:
    """1 → 3 → 2 → 3 → 1 instances, over and over, while the minutes come in; who goes is stopped, in any order."""
    with storm.stage() as stage, ExitStack() as ending:
        feed = Feed(stage, storm.records, 4 * storm.scale.rounds)
        lives: dict[str, Life] = {}

        def come(*names: str) -> None:
            for name in names:
                lives[name] = ending.enter_context(Life(configure(stage, name, **knobs)))
            feed.go_on()
            wait_shared(list(lives.values()))

        def go(*names: str) -> None:
            feed.go_on()
            for name in names:
                assert lives.pop(name).terminate() == 0
            wait_shared(list(lives.values()))

        lives["one"] = ending.enter_context(Life(configure(stage, "one", **knobs)))
        for _ in range(storm.scale.rounds):
            present = list(lives)
            come(*(name for name in ("one", "two", "three") if name not in present))
            away = rng.choice(list(lives))
            go(away)
            come(away)
            go(*rng.sample(list(lives), 2))
        wait_taken(stage, len(storm.records), *lives.values())
        return storm.compare(stage)


def revoked_in_mid_batch(storm: Storm, rng: random.Random) -> list[str]:
    """A member comes while another stands between what it has produced and its offsets."""
    return come_while_held("between produce and offsets", rng.randint(3, 30), storm, 0.0)


def assigned_in_mid_replay(storm: Storm, rng: random.Random) -> list[str]:
    """A member comes while another stands in the middle of its replay."""
    return come_while_held("in mid-replay", rng.randint(2, 20), storm, 0.6)


def come_while_held(point: str, passage: int, storm: Storm, begin: float) -> list[str]:
    """One takes the log's beginning, and is then held at a point until the group wants half of its partitions back."""
    with storm.stage() as stage:
        stage.tell(storm.records)
        if begin:
            with Life(configure(stage, "one", **AWAKE)) as life:
                wait_taken(stage, int(len(storm.records) * begin), life)
        go_on = stage.folder / "go-on"
        with Life(configure(stage, "one", **AWAKE), Point(point, passage, go_on)) as one:
            eventually(go_on.with_suffix(".reached").exists, f"one is {point}", SETTLE_SECONDS)
            with Life(configure(stage, "two", **AWAKE)) as two:
                eventually(lambda: are_members(stage, 2), "the group has two members", SETTLE_SECONDS)
                go_on.touch()
                wait_shared([one, two])
                wait_taken(stage, len(storm.records), one, two)
                return storm.compare(stage)


def are_members(stage: Stage, count: int) -> bool:
    """Whether the group has so many, and has told each of them what is its own."""
    admin = AdminClient({"bootstrap.servers": stage.bootstrap, **QUIET})
    group = f"{stage.prefix}group"
    seen = admin.describe_consumer_groups([group])[group].result()
    return len(seen.members) == count and bool(seen.state == ConsumerGroupState.STABLE)


def zombie(place: str, storm: Storm, rng: random.Random) -> list[str]:
    """Asleep at some place of the loop until a peer has everything, then awake: it has nothing more to say."""
    records = storm.records
    half = len(records) // 2
    with storm.stage() as stage:
        stage.tell(records[:half])
        go_on = stage.folder / "go-on"
        with Life(configure(stage, "one", **ASLEEP), Point(place, rng.randint(5, 30), go_on)) as one:
            eventually(go_on.with_suffix(".reached").exists, f"one is {place}", SETTLE_SECONDS)
            one.pause()
            go_on.touch()
            with Life(configure(stage, "two", **ASLEEP)) as two:
                wait_taken(stage, half, two)
                one.resume()
                eventually(lambda: one.exit_code is not None or two_share(one, two), "it ends or joins", SETTLE_SECONDS)
                assert one.exit_code in (None, 1, 2), one.exit_code
                stage.tell(records[half:])
                wait_taken(stage, len(records), two)
                return storm.compare(stage)


def two_share(one: Life, two: Life) -> bool:
    if one.exit_code is not None:
        return True
    counts = [int(life.metrics().get(OWNED, 0)) for life in (one, two)]
    return sum(counts) == PARTITIONS and min(counts) > 0


def one_name_for_two(storm: Storm, rng: random.Random) -> list[str]:
    """Two processes with one static id: the later one works, the earlier one ends with a sentence."""
    with storm.stage() as stage:
        stage.tell(storm.records)
        with Life(configure(stage)) as first:
            wait_taken(stage, rng.randrange(len(storm.records) // 2), first)
            with Life(configure(stage)) as second:
                assert first.wait() == 2, first.log[-2000:]
                assert FENCED in first.log
                wait_taken(stage, len(storm.records), second)
                return storm.compare(stage)
