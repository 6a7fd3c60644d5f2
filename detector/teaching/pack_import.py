"""What a pack would have done here: the last hours once more, without its labels and with all of them.

Labels of one class stand or fall together. While what they bring breaks a budget, the class that brings the most is
held, and the past happens once more: what is held is nobody's rival any more, and another class may gain by it.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from detector.backtest.alarm_intervals import (
    AlarmInterval,
    CachingEncoder,
    alarm_intervals,
    set_previous_names,
    suppressed_by,
)
from detector.backtest.matching import rate
from detector.backtest.replay import DAY_MINUTES, replay
from detector.bundle.format import Bundle
from detector.bundle.verification import open_bundle
from detector.config.schema import Config
from detector.core.encoder import Encode
from detector.core.scoring.exemplars import Exemplar
from detector.core.settings import Settings
from detector.history.sampling import HistorySample, SampleSize
from detector.labels.label import Label, embed_label
from detector.labels.store import LabelStore
from detector.teaching.preview import is_own
from detector.teaching.request import past_of

Taught = Sequence[tuple[bytes, bytes | None]]
"""Records of the labels' topic, in their order."""


@dataclass(frozen=True)
class ClassForecast:
    """What one class of faults would have brought."""

    name: str
    labels: int
    episodes: int
    cells: int
    fresh: int
    """Of the episodes, those that were no alarm without it."""
    rate: tuple[float, float, float]
    """New alarms per 1,000 cells and day, and the 95 % interval of their mean."""
    breaks: bool


@dataclass(frozen=True)
class PackForecast:
    """All of a pack, tried."""

    cells: int
    first: int
    last: int
    cell_days: float
    budget: float
    brought: list[ClassForecast]
    silenced: list[AlarmInterval]
    """Alarms that would not have been, the clearest first."""
    alarms_before: int
    alarms_after: int

    def decided(self, label: Label, force: bool) -> Label:
        """A label as it is to be published: in quarantine where its class breaks a budget, unless that is wanted."""
        mine = [one for one in self.brought if one.name == label.name and label.kind == "fault"]
        breaks = any(one.breaks for one in mine)
        forecast = round(mine[0].rate[0], 2) if mine and self.cell_days else None
        return msgspec.structs.replace(
            label, forecast=forecast, quarantined=breaks and not force, forced=breaks and force
        )


def preview_pack(
    config: Config, labels: Sequence[Label], known: Taught, history: Path | None, sample: SampleSize
) -> PackForecast:
    """What labels would have done among those known. Raises OperatorError."""
    bundle, encode = open_bundle(Path(config.bundle), config.runtime.threads)
    here = LabelStore(bundle, encode, config.settings, config.runtime.threads)
    here.put_all(known)
    with ExitStack() as opened:
        look = past_of(config, history, bundle.catalogue, opened).read_sample("", sample)
    return try_out(labels, here, look, bundle, encode, config.settings)


def try_out(
    labels: Sequence[Label], here: LabelStore, look: HistorySample, bundle: Bundle, encode: Encode, settings: Settings
) -> PackForecast:
    """Of labels that can be embedded. Raises LabelError, HistoryError."""
    once, days = CachingEncoder(encode), look.records / DAY_MINUTES
    exemplars = [embed_label(label, bundle.catalogue, encode) for label in labels]
    before = alarm_intervals(
        replay(look, bundle, once, here.classifier_without(*(label.id for label in labels)), settings)
    )
    found: dict[str, ClassForecast] = {}
    while True:
        broken = {name for name, one in found.items() if one.breaks}
        judge = here.classifier_with(*(_held(one, broken) for one in exemplars))
        after = alarm_intervals(replay(look, bundle, once, judge, settings))
        set_previous_names(after, before)
        fresh = _brought([label for label in labels if label.name not in broken], after, days)
        worst = _worst(fresh, days, settings)
        found |= {one.name: one for one in fresh}
        if worst is None:
            break
        found[worst.name] = replace(worst, breaks=True)
    first, last = look.span
    return PackForecast(
        look.cells,
        first,
        last,
        round(days, 2),
        settings.budget,
        [found[name] for name in sorted(found)],
        suppressed_by(before, after),
        len(before),
        len(after),
    )


def _held(exemplar: Exemplar, broken: set[str]) -> Exemplar:
    return replace(exemplar, held=exemplar.kind == "fault" and exemplar.name in broken)


def _brought(labels: Sequence[Label], after: Sequence[AlarmInterval], days: float) -> list[ClassForecast]:
    """By class of faults, the episodes that these labels were cut from aside."""
    faults = [label for label in labels if label.kind == "fault"]
    brought = []
    for name in sorted({label.name for label in faults}):
        own = [label for label in faults if label.name == name]
        named = [one for one in after if one.name == name and not any(is_own(one, label) for label in own)]
        fresh = [one for one in named if not one.before]
        rates = rate(len(fresh), days) if days else (0.0, 0.0, float("inf"))
        cells = len({one.cell for one in named})
        brought.append(ClassForecast(name, len(own), len(named), cells, len(fresh), rates, False))
    return brought


def _worst(brought: Sequence[ClassForecast], days: float, settings: Settings) -> ClassForecast | None:
    """Which class is to be held next: one that breaks its own budget, else, while all together break that of all, the
    one that brings the most. The low end decides, as it does for a label that is taught.
    """
    over = [one for one in brought if one.rate[1] > settings.budget_of(one.name)]
    if not over and days and rate(sum(one.fresh for one in brought), days)[1] > settings.budget:
        over = list(brought)
    return max(over, key=lambda one: (one.fresh, one.name), default=None)
