"""Preview of a label: the past is replayed without the label and with it, and the alarms are compared.

Both replays run the daemon's own pipeline; each window is embedded once. If an alarm under another
name, or an unknown alarm, is raised without the label, an alarm with it is not new. Only new alarms count against the
budget.
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
from detector.backtest.replay import replay
from detector.bundle.format import Bundle
from detector.core.encoder import Embeddings
from detector.core.scoring.classifier import Classifier
from detector.history.sampling import HistorySample
from detector.labels.embedding import exemplar_of, label_windows
from detector.labels.label import Label
from detector.teaching.labelled_bundle import LabelledBundle
from detector.terminal import progress

WEAK_SHARE = 0.05
"""Largest share of ordinary windows at least as far from normal as the example; above it the example is weak."""

NEIGHBOURS_SHOWN = 3


@dataclass(frozen=True)
class Neighbour:
    """Class already taught, with the cosine of its nearest exemplar to the new example."""

    name: str
    kind: str
    cosine: float


@dataclass(frozen=True)
class Forecast:
    """Effect of a label on the replayed sample. Rates are per 1,000 cells and day."""

    kind: str
    size: float
    """Distance of the example from normal; an ordinary window has 1."""
    ordinary_share: float
    """Share of ordinary windows at least as far from normal as the example."""
    score: float
    """Median score of the example's own windows."""
    threshold: float
    """Score from which an alarm is raised."""
    nearest: list[Neighbour]
    cells: int
    first: int
    last: int
    cell_days: float
    named: list[AlarmInterval]
    """Alarms of the label's class outside the labelled episode, highest score first."""
    silenced: list[AlarmInterval]
    """Alarms that the label suppresses, highest score first."""
    alarms_before: int
    alarms_after: int
    budget: float
    whose: str
    """Scope of `budget`: the name of the label's class if it has a separate budget, otherwise "all classes"."""

    @property
    def fresh(self) -> list[AlarmInterval]:
        """New alarms: those of `named` at whose time the replay without the label raises no alarm on the cell."""
        return [interval for interval in self.named if not interval.before]

    @property
    def rate(self) -> tuple[float, float, float]:
        """Rate of new alarms, and the 95 % interval of its mean; up to infinity if nothing was replayed."""
        return rate(len(self.fresh), self.cell_days) if self.cell_days else (0.0, 0.0, float("inf"))

    @property
    def breaks_budget(self) -> bool:
        """Whether the lower limit of the 95 % interval is above the budget."""
        return self.kind == "fault" and self.rate[1] > self.budget

    @property
    def is_weak(self) -> bool:
        return self.ordinary_share > WEAK_SHARE


def preview_label(label: Label, labelled: LabelledBundle, sample: HistorySample) -> Forecast:
    """Replay the sample without the label and with it. Raises LabelError, HistoryError."""
    bundle, settings = labelled.bundle, labelled.settings
    windows = labelled.encode(label_windows(label, bundle.catalogue))
    exemplar = exemplar_of(label, windows)
    without_label = labelled.labels.classifier_without(label.id)
    with_label = labelled.labels.classifier_with(exemplar)
    encode = CachingEncoder(labelled.encode)
    with progress("replaying the past without the label and with it", 2 * sample.records, "records") as advance:
        before = alarm_intervals(replay(sample, bundle, encode, without_label, settings, progress=advance))
        after = alarm_intervals(replay(sample, bundle, encode, with_label, settings, progress=advance))
    window = bundle.catalogue.granularity.window_minutes
    named = [interval for interval in after if _bears_name(interval, label, window)]
    set_previous_names(named, before)
    first, last = sample.span
    return Forecast(
        kind=label.kind,
        size=round(float(windows.size.astype(np.float64).mean()), 2),
        ordinary_share=_ordinary_share(bundle, windows),
        score=_own_score(label, windows, with_label),
        threshold=round(with_label.threshold, 2),
        nearest=_neighbours(without_label, exemplar.direction, windows),
        cells=sample.cells,
        first=first,
        last=last,
        cell_days=round(sample.cell_days, 2),
        named=by_score(named),
        silenced=suppressed_by(before, after),
        alarms_before=len(before),
        alarms_after=len(after),
        budget=settings.budget_of(label.name),
        whose=label.name if label.name in settings.budgets else "all classes",
    )


def is_own(interval: AlarmInterval, label: Label, window_minutes: int) -> bool:
    """Return whether the alarm belongs to the episode that the label was cut from."""
    return interval.cell == label.cell and interval.overlaps(label.begin, label.end + window_minutes)


def _bears_name(interval: AlarmInterval, label: Label, window_minutes: int) -> bool:
    return interval.name == label.name and label.kind == "fault" and not is_own(interval, label, window_minutes)


def _ordinary_share(bundle: Bundle, windows: Embeddings) -> float:
    ordinary, size = bundle.normal.stretches.size, windows.size.astype(np.float64).mean()
    return round(float((ordinary >= size).mean()), 4)


def _own_score(label: Label, windows: Embeddings, classifier: Classifier) -> float:
    """Return the median score of the label's own windows for its class; 0 for a kind that has no score."""
    if label.kind != "fault":
        return 0.0
    return round(float(np.median(classifier.score_classes(windows)[:, classifier.classes.index(label.name)])), 2)


def _neighbours(classifier: Classifier, direction: NDArray[np.float16], windows: Embeddings) -> list[Neighbour]:
    """Return the classes nearest to a direction, the nearest first."""
    index = classifier.exemplar_index
    query = Embeddings(direction[None], windows.size[:1], windows.shift[:1])
    cosine = index.match(query).cosine[0]
    columns: Sequence[tuple[str, str]] = [
        *((name, "fault") for name in index.faults),
        *((name, "ignore") for name in index.ignores),
        *((name, "quarantined") for name in index.quarantined_faults),
    ]
    order = np.argsort(-cosine, kind="stable")[:NEIGHBOURS_SHOWN].tolist()
    return [
        Neighbour(name=columns[column][0], kind=columns[column][1], cosine=round(float(cosine[column]), 3))
        for column in order
    ]
