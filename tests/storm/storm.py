"""What every scenario stands on: a broker, a recorded network, a bundle, and how it ends when nobody disturbs it."""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from detector.bundle.format import write_bundle
from tests.kafka.broker import Broker, ExternalBroker
from tests.service.network import Record, build_bundle, label
from tests.service.stage import Stage, wait_until
from tests.storm.lives import Life
from tests.storm.network import PARTITIONS, record_log
from tests.storm.oracle import Outcome, differences, observe, traces

TAKEN_SECONDS = 120.0
"""For the whole log: ten seconds on two idle cores, with a start."""

ENOUGH = {"drop_storm": 20, "unknown": 10, "cell_silent": 20}
"""Episodes by name without which an oracle proves nothing."""

ENOUGH_REASONS = 6


@dataclass(frozen=True)
class Scale:
    """How much of everything."""

    cells: int
    minutes: int
    kills: int
    rounds: int
    """Times that each thing is done again which can be done again."""
    away_seconds: float
    """For which a broker is gone."""


FULL = Scale(cells=320, minutes=170, kills=100, rounds=3, away_seconds=120)
REDUCED = Scale(cells=240, minutes=130, kills=10, rounds=1, away_seconds=8)


@dataclass
class Storm:
    """One broker's, one folder's and one seed's worth of scenarios."""

    broker: Broker | ExternalBroker
    folder: Path
    scale: Scale
    seed: int
    _stages: int = field(default=0, init=False)

    @cached_property
    def bundle(self) -> Path:
        path = self.folder / "bundle"
        write_bundle(build_bundle(), path)
        return path

    @cached_property
    def other_bundle(self) -> Path:
        """Of the same network, with other numbers throughout."""
        path = self.folder / "other"
        write_bundle(build_bundle(seed=12), path)
        return path

    @cached_property
    def records(self) -> list[Record]:
        return record_log(self.scale.cells, self.scale.minutes)

    def rng(self, name: str) -> random.Random:
        """A scenario's own randomness, whichever others run."""
        return random.Random(f"{self.seed} {name}")

    @contextmanager
    def stage(self, bootstrap: str = "", **shapes: Any) -> Iterator[Stage]:
        """Topics of its own, four partitions, with the one label taught."""
        self._stages += 1
        folder = self.folder / f"stage-{self._stages}"
        folder.mkdir()
        made = Stage(bootstrap or self.broker.bootstrap, f"storm-{self._stages}-", folder, self.bundle, PARTITIONS)
        made.create_topics(**shapes).teach(label("drop_storm", "drops"))
        try:
            yield made
        finally:
            made.close()

    @cached_property
    def right(self) -> Outcome:
        """How it ends when nobody disturbs it."""
        with self.stage() as stage:
            stage.tell(self.records)
            with Life(configure(stage)):
                stage.wait_taken(len(self.records), TAKEN_SECONDS)
            outcome = observe(stage)
        check_worth(outcome)
        return outcome

    def finish(self, stage: Stage) -> list[str]:
        """Lets an undisturbed life take what is left; what differs in the end."""
        with Life(configure(stage)) as life:
            wait_taken(stage, len(self.records), life)
            return self.compare(stage)

    def compare(self, stage: Stage) -> list[str]:
        """What differs in the end, and where it lies."""
        seen = observe(stage)
        found = differences(self.right, seen)
        return [*found, *traces(self.right, seen, stage)] if found else []


class Feed:
    """The log, told in parts."""

    def __init__(self, stage: Stage, records: list[Record], parts: int) -> None:
        self._stage, self._records = stage, records
        self._cuts = [len(records) * part // parts for part in range(1, parts + 1)]
        self.told = 0

    def go_on(self) -> None:
        cut = self._cuts.pop(0)
        self._stage.tell(self._records[self.told : cut])
        self.told = cut


def wait_taken(stage: Stage, records: int, *lives: Life) -> None:
    """Until so many records are committed; RuntimeError when one of these lives ends before."""

    def come_so_far() -> bool:
        for life in lives:
            life.check()
        return stage.taken() >= records

    wait_until(come_so_far, f"{records} records committed", TAKEN_SECONDS)


def configure(stage: Stage, instance: str = "one", batch_records: int = 200, **kafka: Any) -> Path:
    """One instance's configuration: quick to notice its peers, and on one core of the machine."""
    consumer = {"fetch.wait.max.ms": 20, **kafka.pop("consumer", {})}
    knobs = {"instance": instance, "batch_records": batch_records, "consumer": consumer, **kafka}
    return stage.config(kafka=knobs, runtime={"threads": 1, "reload_seconds": 0.5})


def check_worth(outcome: Outcome) -> None:
    """AssertionError for an oracle that has little to say."""
    begun: Counter[str] = Counter()
    for sequence in outcome.alarms.values():
        for value, *_ in sequence:
            body = msgspec.json.decode(value or b"{}")
            begun[body["specificProblem"]] += body["notificationType"] == "notifyNewAlarm"
    assert all(begun[name] >= count for name, count in ENOUGH.items()), begun
    assert outcome.active, "nothing is open in the end"
    assert len({reason for _, _, reason, _ in outcome.deadletters}) >= ENOUGH_REASONS


Scenario = Callable[[Storm, random.Random], list[str]]
"""Returns what differed; raises where it could not be played to its end."""
