"""What a label would have done, had it been there: the last hours once more, without it and with it.

Both times it is the daemon's own pipeline; the windows are embedded once. An alarm that was called something else
before, or unknown, is no new one: only what was quiet without the label counts against the budget.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detector.backtest.alarm_intervals import (
    AlarmInterval,
    CachingEncoder,
    alarm_intervals,
    by_score,
    set_previous_names,
    suppressed_by,
)
from detector.backtest.matching import rate
from detector.backtest.replay import DAY_MINUTES, replay
from detector.bundle.format import Bundle
from detector.core.encoder import Embeddings, Encode
from detector.core.features import WINDOW
from detector.core.scoring.classifier import Classifier
from detector.core.settings import Settings
from detector.history.sampling import HistorySample
from detector.labels.label import Label, exemplar_of, label_windows
from detector.labels.store import LabelStore

WEAK_SHARE = 0.05
"""An example is weak when so much of ordinary life lies as far from normal as it does."""

NEAREST_TOLD = 3


@dataclass(frozen=True)
class Neighbour:
    """A class that is there already, and the cosine of its nearest exemplar."""

    name: str
    kind: str
    cosine: float


@dataclass(frozen=True)
class Forecast:
    """What a label would have done. Rates are per 1,000 cells and day."""

    kind: str
    size: float
    """How far the example lies from normal; 1 is an ordinary window."""
    ordinary_share: float
    """Of ordinary life that lies as far out."""
    score: float
    threshold: float
    """Of the example's own windows, and what an alarm needs."""
    nearest: list[Neighbour]
    cells: int
    first: int
    last: int
    cell_days: float
    named: list[AlarmInterval]
    """Episodes that bear its name, its own aside, the clearest first."""
    silenced: list[AlarmInterval]
    """Alarms that would not have been, the clearest first."""
    alarms_before: int
    alarms_after: int
    budget: float
    whose: str
    """Budget it is: of all classes, or of this one alone."""

    @property
    def fresh(self) -> list[AlarmInterval]:
        """Those named that raised nothing without the label."""
        return [one for one in self.named if not one.before]

    @property
    def rate(self) -> tuple[float, float, float]:
        """New alarms, and the 95 % interval of their mean; where nothing was looked at, anything may be."""
        return rate(len(self.fresh), self.cell_days) if self.cell_days else (0.0, 0.0, float("inf"))

    @property
    def breaks_budget(self) -> bool:
        """The low end already does: what was looked at leaves no doubt."""
        return self.kind == "fault" and self.rate[1] > self.budget

    @property
    def is_weak(self) -> bool:
        return self.ordinary_share > WEAK_SHARE


def preview(
    label: Label, labels: LabelStore, look: HistorySample, bundle: Bundle, encode: Encode, settings: Settings
) -> Forecast:
    """The label among those known now, had it been there while `look` was. Raises LabelError, HistoryError."""
    windows = encode(label_windows(label, bundle.catalogue))
    exemplar = exemplar_of(label, windows)
    without, with_it = labels.classifier_without(label.id), labels.classifier_with(exemplar)
    once = CachingEncoder(encode)
    before = alarm_intervals(replay(look, bundle, once, without, settings))
    after = alarm_intervals(replay(look, bundle, once, with_it, settings))
    named = [one for one in after if one.name == label.name and label.kind == "fault" and not is_own(one, label)]
    set_previous_names(named, before)
    first, last = look.span
    return Forecast(
        label.kind,
        round(float(windows.size.astype(np.float64).mean()), 2),
        round(float((bundle.normal.stretches.size >= windows.size.astype(np.float64).mean()).mean()), 4),
        _own_score(label, windows, with_it),
        round(with_it.threshold, 2),
        _neighbours(without, exemplar.direction, windows),
        look.cells,
        first,
        last,
        round(look.records / DAY_MINUTES, 2),
        by_score(named),
        suppressed_by(before, after),
        len(before),
        len(after),
        settings.budget_of(label.name),
        label.name if label.name in settings.budgets else "all classes",
    )


def is_own(one: AlarmInterval, label: Label) -> bool:
    """The episode that is being taught."""
    return one.cell == label.cell and one.overlaps(label.begin, label.end + WINDOW)


def _own_score(label: Label, windows: Embeddings, judge: Classifier) -> float:
    """What its own windows score for it, in the middle; 0 where no score is kept."""
    if label.kind != "fault":
        return 0.0
    return round(float(np.median(judge.scores(windows)[:, judge.classes.index(label.name)])), 2)


def _neighbours(judge: Classifier, direction: NDArray[np.float16], windows: Embeddings) -> list[Neighbour]:
    """The classes that come nearest to it, the nearest first."""
    library = judge.library
    asked = Embeddings(direction[None], windows.size[:1], windows.shift[:1])
    cosine = library.match(asked).cosine[0]
    columns: Sequence[tuple[str, str]] = [
        *((name, "fault") for name in library.faults),
        *((name, "ignore") for name in library.ignores),
        *((name, "quarantined") for name in library.held),
    ]
    order = np.argsort(-cosine, kind="stable")[:NEAREST_TOLD].tolist()
    return [Neighbour(columns[at][0], columns[at][1], round(float(cosine[at]), 3)) for at in order]
