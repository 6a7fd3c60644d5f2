"""SIGKILL: at moments that a seed draws, and at every point of the loop at which something is half done."""

import os
import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from tests.eventually import eventually
from tests.service.network import label
from tests.service.stage import Stage
from tests.storm.lives import Life
from tests.storm.memory import memory_group
from tests.storm.network import PARTITIONS
from tests.storm.oracle import Outcome, differences, observe
from tests.storm.points import Point
from tests.storm.storm import Storm, configure, wait_taken

POLLS = (60, 200, 1000)
"""Sizes of a poll: another life cuts the log elsewhere."""

AFTER_COMMIT_SECONDS = 0.1
"""A few turns of the loop."""

IN_REPLAY_SECONDS = 2.0
"""As long as a replay takes."""

SHARE_IN_REPLAY = 0.3

END_RESERVE = 2000
"""Records that nobody dies in: the last life must have something to do."""


def random_kills(storm: Storm, rng: random.Random) -> list[str]:
    """Killed at random moments, over and over: while it starts, replays, judges, commits."""
    with storm.stage() as stage:
        stage.tell(storm.records)
        moments = sorted(rng.sample(range(len(storm.records) - END_RESERVE), storm.scale.kills))
        for at in moments:
            with Life(configure(stage, batch_records=rng.choice(POLLS))) as life:
                if rng.random() < SHARE_IN_REPLAY:
                    eventually(lambda life=life: life.has_said("replay from") or stage.taken() > 0, "it takes up", 60)
                    life.outlives(rng.uniform(0, IN_REPLAY_SECONDS))
                else:
                    wait_taken(stage, at, life)
                    life.outlives(rng.uniform(0, AFTER_COMMIT_SECONDS))
                life.check()
        return storm.finish(stage)


def killed_at(points: Sequence[str], storm: Storm, rng: random.Random) -> list[str]:
    """Killed at points of the loop, early and late in the log; what comes after is a replay, each time."""
    with storm.stage() as stage:
        stage.tell(storm.records)
        for point in [*points] * storm.scale.rounds:
            before = stage.taken()
            with Life(configure(stage), Point(point, rng.randint(2, 12))) as life:
                assert life.wait() == -9, f"it passed {point} by:\n{life.log[-2000:]}"
            assert stage.taken() >= before
        return storm.finish(stage)


def killed_in_replay(storm: Storm, rng: random.Random) -> list[str]:
    """A life that has come far is killed, its successors in the middle of taking up and of their replay."""
    with storm.stage() as stage:
        stage.tell(storm.records)
        with Life(configure(stage)) as life:
            wait_taken(stage, len(storm.records) * 2 // 3, life)
        for point in ("while taking up", "in mid-replay") * storm.scale.rounds:
            passage = rng.randint(1, 20) if point == "in mid-replay" else 1
            with Life(configure(stage), Point(point, passage)) as life:
                assert life.wait() == -9, f"it passed {point} by:\n{life.log[-2000:]}"
        return storm.finish(stage)


class Change(NamedTuple):
    """What an operator may bring between two minutes, and a daemon takes up as it runs."""

    bring: Callable[[Storm, Stage], None]
    said: str
    """By whoever has taken it up."""
    point: Point
    """Halfway through that."""
    shows: Callable[[Outcome], bool]
    """Whether it can be seen in what comes out."""


def killed_in_mid(change: Change, storm: Storm, rng: random.Random) -> list[str]:
    """The life that takes the change up dies halfway, and its successor has it as if nothing had been."""
    records = storm.records
    half = rng.randint(len(records) * 3 // 5, len(records) * 4 // 5)

    def play(stage: Stage, *points: Point) -> None:
        link(stage, storm.bundle)
        stage.tell(records[:half])
        with Life(configure(stage), *points) as life:
            wait_taken(stage, half, life)
            life.wait_ready()
            change.bring(storm, stage)
            eventually(lambda: life.has_said(change.said), f"it says: {change.said}", 60)
            stage.tell(records[half:])  # a label's scores are made when their cells speak again
            if points:
                assert life.wait() == -9
            else:
                wait_taken(stage, len(records), life)

    with storm.stage() as undisturbed, storm.stage() as stage:
        play(undisturbed)
        play(stage, change.point)
        with Life(configure(stage)) as life:
            wait_taken(stage, len(records), life)
        right = observe(undisturbed)
        assert change.shows(right)
        return differences(right, observe(stage))


def teach_another(storm: Storm, stage: Stage) -> None:
    stage.teach(label("power_loss", "power"))


def has_another_name(seen: Outcome) -> bool:
    return any(body["specificProblem"] == "power_loss" for body in bodies(seen))


def bring_another_bundle(storm: Storm, stage: Stage) -> None:
    link(stage, storm.other_bundle)


def has_two_bundles(seen: Outcome) -> bool:
    return len({body["additionalInformation"]["bundle"] for body in bodies(seen)}) == 2


def bodies(seen: Outcome) -> Iterator[dict[str, Any]]:
    return (msgspec.json.decode(value or b"{}") for told in seen.alarms.values() for value, *_ in told)


def link(stage: Stage, bundle: Path) -> None:
    """The stage's bundle is this one from now on, by a link that is moved."""
    stage.bundle = stage.folder / "current"
    fresh = stage.folder / "fresh"
    fresh.symlink_to(bundle)
    fresh.replace(stage.bundle)


LABEL = Change(
    teach_another,
    "labels: 1 changed",
    Point("in mid label rebuild", 2),  # of one cell's scores, and not of all
    has_another_name,
)
BUNDLE = Change(bring_another_bundle, "takes over from", Point("in mid bundle swap"), has_two_bundles)


def killed_for_its_memory(storm: Storm, rng: random.Random) -> list[str]:
    """What a group of processes may have is used up in the middle of a life's work, and the kernel ends it."""
    with storm.stage() as stage, memory_group(f"faultline-storm-{os.getpid()}") as group:
        stage.tell(storm.records)
        for at in sorted(rng.sample(range(len(storm.records) - END_RESERVE), storm.scale.rounds)):
            with Life(configure(stage)) as life:
                group.take(life.pid)
                wait_taken(stage, at, life)
                group.run_out(life.pid)
                assert life.wait() == -9, life.log[-2000:]
            group.open_up()
        return storm.finish(stage)


def stopped(storm: Storm, rng: random.Random) -> list[str]:
    """SIGTERM in the middle of a poll: the end is orderly, and in time."""
    with storm.stage() as stage:
        stage.tell(storm.records)
        for at in sorted(rng.sample(range(len(storm.records) - END_RESERVE), 1 + storm.scale.rounds)):
            with Life(configure(stage)) as life:
                wait_taken(stage, at, life)
                assert life.terminate() == 0, life.log[-2000:]
                assert len(stage.committed()) == PARTITIONS
        return storm.finish(stage)
