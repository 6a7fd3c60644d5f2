"""What the daemon would have said: the history through its very pipeline, one example of some classes taught."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median, quantiles

import numpy as np
from numpy.typing import NDArray

from detector.alarms.notifications import Context
from detector.backtest.matching import BacktestAlarm, ClassCounts, Episode, false_alarms, is_named, rate, share, tally
from detector.backtest.replay import ReplayRecorder, replay, teach
from detector.core.encoder import Embeddings
from detector.core.scoring.classifier import Classifier
from detector.labels.label import write_label
from detector.labels.store import LabelStore
from trainer.evaluation.cases import EvaluationSubject
from trainer.metrics.nearest_exemplar import UNDEFINED, Figure

BOOTSTRAPS = 400

HOURS_OF_A_STRETCH = 2


@dataclass(frozen=True)
class EpisodeOutcome:
    """What became of the episodes of a class, or of several: a mean over events, for a region's is one thing."""

    episodes: int
    events: int
    right: Figure
    misnamed: Figure
    unknown: Figure
    missed: Figure
    minutes: tuple[float, float] | None
    """From begin to alarm, of those named right: median, and what nine of ten do not pass."""


@dataclass(frozen=True)
class ReplayOutcome:
    cell_days: float
    alarms: int
    budget: float
    false: Figure
    """Alarms per 1,000 cells and day where no fault is listed."""
    false_named: Figure
    """Of these, those with the name of a class."""
    calibrated_on: float
    """Cell-days of ordinary life behind the promise."""
    taught: dict[str, EpisodeOutcome]
    untaught: dict[str, EpisodeOutcome]
    all_taught: EpisodeOutcome
    all_untaught: EpisodeOutcome


def build_classifier(subject: EvaluationSubject, taught: Sequence[Episode]) -> Classifier:
    labels = LabelStore(subject.bundle, subject.encode, subject.settings, 0)
    for label in teach(subject.days, subject.bundle, taught):
        labels.put(label.id.encode(), write_label(label))
    return labels.judge()


def replay_history(subject: EvaluationSubject, judge: Classifier, taught: Sequence[Episode]) -> ReplayOutcome:
    """Of the faults; what was taught is no test, in none of the cells that it struck."""
    context = Context(system_dn="", bundle=subject.bundle.digest)
    with ReplayRecorder(None, context) as listener:
        for event in replay(subject.days, subject.bundle, subject.encode, judge, subject.settings, listener.count):
            listener.tell(event)
    shown = {(one.name, one.begin) for one in taught}
    asked = [one for one in subject.episodes if one.kind == "fault" and (one.name, one.begin) not in shown]
    known, names = set(judge.library.faults), {one.name for one in asked}
    heard: dict[str, list[BacktestAlarm]] = {}
    for alarm in listener.raised:
        heard.setdefault(alarm.cell, []).append(alarm)
    outcomes = [(one, tally([one], heard.get(one.cell, []), known | names)[one.name]) for one in asked]
    false, days = false_alarms(subject.episodes, listener.raised), listener.cell_days
    parts = (names & known, names - known)
    by_class = [
        {name: summarize_outcomes([one for one in outcomes if one[0].name == name]) for name in sorted(some)}
        for some in parts
    ]
    stretches = len(subject.bundle.normal.stretches.size)
    return ReplayOutcome(
        days,
        len(listener.raised),
        subject.settings.budget,
        _per_1000(false, days),
        _per_1000([alarm for alarm in false if is_named(alarm)], days),
        stretches * HOURS_OF_A_STRETCH / 24,
        by_class[0],
        by_class[1],
        *(summarize_outcomes([one for one in outcomes if one[0].name in some]) for some in parts),
    )


def summarize_outcomes(outcomes: Sequence[tuple[Episode, ClassCounts]]) -> EpisodeOutcome:
    """Of episodes, each with the tally of itself alone."""
    events: dict[tuple[str, int], list[ClassCounts]] = {}
    for episode, counted in outcomes:
        events.setdefault((episode.name, episode.begin), []).append(counted)

    def share_of(count: Callable[[ClassCounts], int]) -> Figure:
        means = [sum(map(count, cells)) / len(cells) for cells in events.values()]
        return share(sum(means), len(means)) if means else UNDEFINED

    minutes = sorted(minute for _, counted in outcomes for minute in counted.minutes)
    return EpisodeOutcome(
        len(outcomes),
        len(events),
        share_of(lambda one: one.right),
        share_of(lambda one: one.misnamed),
        share_of(lambda one: one.unknown),
        share_of(lambda one: 1 - one.right - one.misnamed - one.unknown),
        (median(minutes), quantiles(minutes, n=10, method="inclusive")[-1]) if len(minutes) > 1 else None,
    )


def unknown_scores(judge: Classifier, embeddings: Embeddings) -> NDArray[np.float32]:
    """The score by which a window is called unknown. # of n -> [n]"""
    return judge.scores(embeddings)[:, -1].astype(np.float32)


def auroc(
    strange: NDArray[np.float32],
    strange_of: Sequence[object],
    normal: NDArray[np.float32],
    normal_of: Sequence[object],
    rng: np.random.Generator,
) -> Figure:
    """How often a window of an untaught fault scores above a normal one; a bootstrap over events, and over cells.

    # strange [n], normal [m], and whose each is
    """
    if not len(strange) or not len(normal):
        return UNDEFINED
    groups = [_members(strange_of), _members(normal_of)]
    values = []
    for _ in range(BOOTSTRAPS):
        drawn = [np.concatenate([of[at] for at in rng.integers(len(of), size=len(of)).tolist()]) for of in groups]
        values.append(_area(strange[drawn[0]], normal[drawn[1]]))
    low, high = np.quantile(values, (0.025, 0.975)).tolist()
    return _area(strange, normal), low, high


def _area(above: NDArray[np.float32], below: NDArray[np.float32]) -> float:
    """Mann and Whitney's: equal scores count half."""
    order = np.sort(below)
    wins = np.searchsorted(order, above, "left") + np.searchsorted(order, above, "right")
    return float(wins.mean() / 2 / len(below))


def _members(of: Sequence[object]) -> list[NDArray[np.int64]]:
    found: dict[object, list[int]] = {}
    for at, whose in enumerate(of):
        found.setdefault(whose, []).append(at)
    return [np.array(rows) for rows in found.values()]


def _per_1000(alarms: Sequence[BacktestAlarm], cell_days: float) -> Figure:
    return rate(len(alarms), cell_days) if cell_days else UNDEFINED
