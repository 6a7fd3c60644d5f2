"""Shadow: a second bundle runs beside the serving one, and the alarms of the two are compared.

It is the same daemon in a consumer group of its own. It reads the same minutes and labels and writes to its own topics,
so nothing that it does changes a published alarm. An operator compares the two before the bundle is promoted.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from detector.alarms.journal import NotificationRecord
from detector.config.interpolation import escape
from detector.config.loader import read_knobs
from detector.config.schema import Config
from detector.core.lifecycle import CLEARED, NEW

SUFFIX = "shadow"

OUTPUT_TOPICS = ("alarms", "active", "deadletters")
"""Topics that a shadow writes, under names of its own; it reads minutes and labels from the serving topics."""


def shadow_knobs(config: Config, path: Path, bundle: Path) -> dict[str, Any]:
    """Return the configuration at `path` for a shadow with another bundle, group, instance, port and output topics.

    The knobs are those of the file as it is written: values from the environment remain references to it.
    """
    knobs: dict[str, Any] = read_knobs(path)
    kafka = knobs.setdefault("kafka", {})
    outputs = {name: escape(f"{getattr(config.kafka.topics, name)}.{SUFFIX}") for name in OUTPUT_TOPICS}
    kafka |= {
        "group": escape(f"{config.kafka.group}-{SUFFIX}"),
        "instance": escape(f"{config.kafka.instance}-{SUFFIX}"),
        "topics": {**(kafka.get("topics") or {}), **outputs},
    }
    if config.trust:
        knobs["trust"] = config.trust  # the keys themselves: a path would begin at another folder
    port = config.http.port
    return {**knobs, "bundle": escape(str(bundle)), "http": {**(knobs.get("http") or {}), "port": port and port + 1}}


@dataclass
class ShadowEpisode:
    """Alarm of one of the two bundles, from its notifications."""

    cell: str
    name: str
    onset: int
    raised: int
    """Minute of the notification that raised it."""
    over: int | None = None
    """Minute of its clearance; None = it is open."""

    def overlaps(self, episode: "ShadowEpisode") -> bool:
        """Return whether the two have a minute in common."""
        return self.onset <= _end(episode) and episode.onset <= _end(self)


EpisodePair = tuple[ShadowEpisode, ShadowEpisode]
"""Episode of the serving bundle, and the shadow's episode of the same cell and time."""


@dataclass
class ShadowComparison:
    """Alarms of two bundles for the same minutes, side by side."""

    both: list[EpisodePair] = field(default_factory=list)
    """Pairs with the same class name."""
    renamed: list[EpisodePair] = field(default_factory=list)
    """Pairs with different class names."""
    serving: list[ShadowEpisode] = field(default_factory=list)
    """Episodes that only the serving bundle raised."""
    shadow: list[ShadowEpisode] = field(default_factory=list)
    """Episodes that only the shadow raised."""

    @property
    def agrees(self) -> bool:
        """Whether no alarm differs."""
        return not (self.renamed or self.serving or self.shadow)

    @property
    def classes(self) -> list[str]:
        """Class names of all episodes, sorted."""
        paired = [episode for pair in [*self.both, *self.renamed] for episode in pair]
        return sorted({episode.name for episode in [*paired, *self.serving, *self.shadow]})

    def counts(self, name: str) -> dict[str, int]:
        """Return the episodes of one class: raised by both, renamed by the other, raised by only one."""
        return {
            "both": sum(serving.name == name for serving, _ in self.both),
            "serving_renamed": sum(serving.name == name for serving, _ in self.renamed),
            "shadow_renamed": sum(shadow.name == name for _, shadow in self.renamed),
            "serving_only": sum(serving.name == name for serving in self.serving),
            "shadow_only": sum(shadow.name == name for shadow in self.shadow),
        }

    def lead_minutes(self, name: str) -> float | None:
        """Return the median of the minutes by which the shadow raised a class earlier; None where no pair has it."""
        minutes = [serving.raised - shadow.raised for serving, shadow in self.both if serving.name == name]
        return median(minutes) if minutes else None


def episodes(notifications: Iterable[NotificationRecord], first: int, last: int) -> list[ShadowEpisode]:
    """Return the alarms that were raised from minute `first` to `last`, in order of time."""
    raised: dict[str, ShadowEpisode] = {}
    for notification in sorted(notifications, key=lambda notification: notification.minute):
        body, minute = notification.body, notification.minute
        if notification.change == NEW and first <= minute <= last:
            episode = ShadowEpisode(body.objectInstance, body.specificProblem, notification.onset, minute)
            raised.setdefault(body.alarmId, episode)
        elif notification.change == CLEARED and body.alarmId in raised:
            raised[body.alarmId].over = minute
    return list(raised.values())


def compare(serving: Sequence[ShadowEpisode], shadow: Sequence[ShadowEpisode]) -> ShadowComparison:
    """Pair each serving episode with the first overlapping shadow episode of its cell: of its name, else of any."""
    result = ShadowComparison()
    result.both, serving, shadow = _pair(serving, shadow, need_name=True)
    result.renamed, serving, shadow = _pair(serving, shadow, need_name=False)
    result.serving, result.shadow = list(serving), list(shadow)
    return result


def _pair(
    serving: Sequence[ShadowEpisode], shadow: Sequence[ShadowEpisode], *, need_name: bool
) -> tuple[list[EpisodePair], list[ShadowEpisode], list[ShadowEpisode]]:
    """Return the pairs, and the episodes of either side that remain without a partner."""
    pairs: list[EpisodePair] = []
    unpaired: list[ShadowEpisode] = []
    available: dict[str, list[ShadowEpisode]] = defaultdict(list)
    for episode in shadow:
        available[episode.cell].append(episode)
    for episode in serving:
        partners = [
            partner
            for partner in available[episode.cell]
            if episode.overlaps(partner) and (not need_name or episode.name == partner.name)
        ]
        if partners:
            available[episode.cell].remove(partners[0])
            pairs.append((episode, partners[0]))
        else:
            unpaired.append(episode)
    remaining = {id(episode) for cell_episodes in available.values() for episode in cell_episodes}
    return pairs, unpaired, [episode for episode in shadow if id(episode) in remaining]


def _end(episode: ShadowEpisode) -> float:
    return float("inf") if episode.over is None else episode.over
