"""A second bundle beside the one that serves: the same daemon in a group of its own, told apart by what both said.

It reads the same minutes and labels and writes to topics of its own, so nothing it does can touch an alarm, and what it
says is an operator's to compare before anyone is woken by it.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from detector.alarms.journal import Notification
from detector.config.loader import read_knobs
from detector.config.schema import Config
from detector.core.lifecycle import CLEARED, NEW

SUFFIX = "shadow"

OWN_TOPICS = ("alarms", "active", "deadletters")
"""What it writes; minutes and labels are the serving one's."""


def shadow_knobs(config: Config, path: Path, bundle: Path) -> dict[str, Any]:
    """The configuration at `path` for another bundle beside its own: other group, instance, output topics and port.

    Of the file as it is written: what it takes from the environment stays there.
    """
    knobs: dict[str, Any] = read_knobs(path)
    kafka = knobs.setdefault("kafka", {})
    own = {name: f"{getattr(config.kafka.topics, name)}.{SUFFIX}" for name in OWN_TOPICS}
    kafka |= {
        "group": f"{config.kafka.group}-{SUFFIX}",
        "instance": f"{config.kafka.instance}-{SUFFIX}",
        "topics": {**(kafka.get("topics") or {}), **own},
    }
    port = config.http.port
    return {**knobs, "bundle": str(bundle), "http": {**(knobs.get("http") or {}), "port": port and port + 1}}


@dataclass
class ShadowEpisode:
    """One alarm, from its notifications."""

    cell: str
    name: str
    onset: int
    raised: int
    over: int | None = None
    """The minute it was cleared; None = it is open."""

    def meets(self, other: "ShadowEpisode") -> bool:
        """Whether there is a minute that both say was wrong."""
        return self.onset <= _end(other) and other.onset <= _end(self)


@dataclass
class ShadowComparison:
    """What two bundles made of the same minutes."""

    both: list[tuple[ShadowEpisode, ShadowEpisode]] = field(default_factory=list)
    """Of one name, the serving one's first."""
    renamed: list[tuple[ShadowEpisode, ShadowEpisode]] = field(default_factory=list)
    """At once in one cell, by different names."""
    serving: list[ShadowEpisode] = field(default_factory=list)
    shadow: list[ShadowEpisode] = field(default_factory=list)
    """What only one of them raised."""

    @property
    def same(self) -> bool:
        return not (self.renamed or self.serving or self.shadow)

    @property
    def classes(self) -> list[str]:
        pairs = [one for pair in [*self.both, *self.renamed] for one in pair]
        return sorted({one.name for one in [*pairs, *self.serving, *self.shadow]})

    def counts(self, name: str) -> dict[str, int]:
        """Of one class: what both raised, what the other calls differently, what only one raised."""
        return {
            "both": sum(one.name == name for one, _ in self.both),
            "serving_renamed": sum(one.name == name for one, _ in self.renamed),
            "shadow_renamed": sum(other.name == name for _, other in self.renamed),
            "serving_only": sum(one.name == name for one in self.serving),
            "shadow_only": sum(one.name == name for one in self.shadow),
        }

    def earlier(self, name: str) -> float | None:
        """By how many minutes the shadow raised it sooner, of what both raised; the median."""
        minutes = [one.raised - other.raised for one, other in self.both if one.name == name]
        return median(minutes) if minutes else None


def episodes(notices: Iterable[Notification], first: int, last: int) -> list[ShadowEpisode]:
    """The alarms that were raised in these minutes, in order of time."""
    found: dict[str, ShadowEpisode] = {}
    for notice in sorted(notices, key=lambda notice: notice.minute):
        said = notice.said
        if notice.change == NEW and first <= notice.minute <= last:
            raised = ShadowEpisode(said.objectInstance, said.specificProblem, notice.onset, notice.minute)
            found.setdefault(said.alarmId, raised)
        elif notice.change == CLEARED and said.alarmId in found:
            found[said.alarmId].over = notice.minute
    return list(found.values())


def compare(serving: Sequence[ShadowEpisode], shadow: Sequence[ShadowEpisode]) -> ShadowComparison:
    """Each episode with the first of the other's that it meets in its cell: of its name, else of any."""
    result = ShadowComparison()
    left, others = list(serving), list(shadow)
    for pairs, alike in ((result.both, True), (result.renamed, False)):
        left, others = _pair(left, others, pairs, alike)
    result.serving, result.shadow = left, others
    return result


def _pair(
    serving: Sequence[ShadowEpisode],
    shadow: Sequence[ShadowEpisode],
    pairs: list[tuple[ShadowEpisode, ShadowEpisode]],
    alike: bool,
) -> tuple[list[ShadowEpisode], list[ShadowEpisode]]:
    """Adds to the pairs, and returns what is left of either."""
    waiting: Mapping[str, list[ShadowEpisode]] = defaultdict(list)
    for one in shadow:
        waiting[one.cell].append(one)
    left = []
    for one in serving:
        met = [other for other in waiting[one.cell] if one.meets(other) and (not alike or one.name == other.name)]
        if met:
            waiting[one.cell].remove(met[0])
            pairs.append((one, met[0]))
        else:
            left.append(one)
    kept = Counter(id(one) for rest in waiting.values() for one in rest)
    return left, [one for one in shadow if id(one) in kept]


def _end(episode: ShadowEpisode) -> float:
    return float("inf") if episode.over is None else episode.over
