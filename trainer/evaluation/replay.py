"""Replay of a history through the daemon's pipeline, with one episode of some classes taught beforehand."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median, quantiles

import numpy as np
from numpy.typing import NDArray

from detector.alarms.notifications import Context
from detector.backtest.matching import BacktestAlarm, ClassCounts, Episode, false_alarms, is_named, rate, share, tally
from detector.backtest.replay import ReplayRecorder, build_labels, replay
from detector.core.encoder import Embeddings
from detector.core.scoring.classifier import Classifier
from detector.labels.label import write_label
from detector.labels.store import LabelStore
from trainer.evaluation.cases import EvaluationSubject
from trainer.metrics.nearest_exemplar import UNDEFINED, Figure

BOOTSTRAPS = 400

STRETCH_HOURS = 2

OUTCOMES = ("right", "misnamed", "unknown", "missed")
"""Outcomes of an episode, as the figures name them."""


@dataclass(frozen=True, kw_only=True)
class EpisodeOutcome:
    """Outcome of the episodes of some classes, as shares of events; an event counts as the mean of its cells."""

    episodes: int
    events: int
    shares: dict[str, Figure]
    """Share of each of OUTCOMES."""
    minutes: tuple[float, float] | None
    """Minutes from begin to alarm of the episodes named right: median and 90 % quantile. None for fewer than two."""


@dataclass(frozen=True, kw_only=True)
class ReplayOutcome:
    """Alarms of a replay, compared with the listed faults."""

    cell_days: float
    alarms: int
    budget: float
    false_rate: Figure
    """Alarms without a listed fault, per 1,000 cells and day."""
    named_false_rate: Figure
    """Alarms without a listed fault that name a class, per 1,000 cells and day."""
    calibration_cell_days: float
    """Cell-days of normal records on which the thresholds were calibrated."""
    taught: dict[str, EpisodeOutcome]
    untaught: dict[str, EpisodeOutcome]
    all_taught: EpisodeOutcome
    all_untaught: EpisodeOutcome


def build_classifier(subject: EvaluationSubject, taught: Sequence[Episode]) -> Classifier:
    """Return the daemon's classifier with the labels of these episodes."""
    labels = LabelStore(subject.bundle, subject.encode, subject.settings, 0)
    for label in build_labels(subject.days, subject.bundle, taught):
        labels.put(label.id.encode(), write_label(label))
    return labels.classifier()


def replay_history(subject: EvaluationSubject, classifier: Classifier, taught: Sequence[Episode]) -> ReplayOutcome:
    """Replay the history and return the outcome of its faults.

    A taught event is left out of the outcome in all of its cells.
    """
    context = Context(system_dn="", bundle=subject.bundle.digest)
    granularity = subject.bundle.catalogue.granularity
    window = granularity.window_minutes
    with ReplayRecorder(None, context, granularity, subject.days.total_records) as recorder:
        for event in replay(
            subject.days, subject.bundle, subject.encode, classifier, subject.settings, progress=recorder.add_records
        ):
            recorder.record(event)
    taught_events = {(episode.name, episode.begin) for episode in taught}
    faults = [
        episode
        for episode in subject.episodes
        if episode.kind == "fault" and (episode.name, episode.begin) not in taught_events
    ]
    known, names = set(classifier.exemplar_index.faults), {episode.name for episode in faults}
    by_cell: dict[str, list[BacktestAlarm]] = {}
    for alarm in recorder.alarms:
        by_cell.setdefault(alarm.cell, []).append(alarm)
    outcomes = [
        (episode, tally([episode], by_cell.get(episode.cell, []), known | names, window)[episode.name])
        for episode in faults
    ]

    def summarize(classes: set[str]) -> EpisodeOutcome:
        return summarize_outcomes([outcome for outcome in outcomes if outcome[0].name in classes])

    false, cell_days = false_alarms(subject.episodes, recorder.alarms, window), recorder.cell_days
    return ReplayOutcome(
        cell_days=cell_days,
        alarms=len(recorder.alarms),
        budget=subject.settings.budget,
        false_rate=_per_1000(false, cell_days),
        named_false_rate=_per_1000([alarm for alarm in false if is_named(alarm)], cell_days),
        calibration_cell_days=len(subject.bundle.normal.stretches.size) * STRETCH_HOURS / 24,
        taught={name: summarize({name}) for name in sorted(names & known)},
        untaught={name: summarize({name}) for name in sorted(names - known)},
        all_taught=summarize(names & known),
        all_untaught=summarize(names - known),
    )


def summarize_outcomes(outcomes: Sequence[tuple[Episode, ClassCounts]]) -> EpisodeOutcome:
    """Return the shares of events by outcome, from episodes with their separate counts."""
    events: dict[tuple[str, int], list[ClassCounts]] = {}
    for episode, counts in outcomes:
        events.setdefault((episode.name, episode.begin), []).append(counts)

    def share_of_events(count: Callable[[ClassCounts], int]) -> Figure:
        means = [sum(map(count, cells)) / len(cells) for cells in events.values()]
        return share(sum(means), len(means)) if means else UNDEFINED

    minutes = sorted(minute for _, counts in outcomes for minute in counts.minutes)
    return EpisodeOutcome(
        episodes=len(outcomes),
        events=len(events),
        shares={
            "right": share_of_events(lambda counts: counts.right),
            "misnamed": share_of_events(lambda counts: counts.misnamed),
            "unknown": share_of_events(lambda counts: counts.unknown),
            "missed": share_of_events(lambda counts: 1 - counts.right - counts.misnamed - counts.unknown),
        },
        minutes=(median(minutes), quantiles(minutes, n=10, method="inclusive")[-1]) if len(minutes) > 1 else None,
    )


def unknown_scores(classifier: Classifier, embeddings: Embeddings) -> NDArray[np.float32]:
    """Return each window's score for unknown. # of n -> [n]"""
    return classifier.score_classes(embeddings)[:, -1].astype(np.float32)


def auroc(
    fault_scores: NDArray[np.float32],
    fault_events: Sequence[object],
    normal_scores: NDArray[np.float32],
    normal_cells: Sequence[object],
    rng: np.random.Generator,
) -> Figure:
    """Return the probability that a fault window scores above a normal one, with a bootstrap interval.

    The bootstrap resamples the events of the faults and the cells of the normal windows.
    # scores and their events [n], cells [m]
    """
    if not len(fault_scores) or not len(normal_scores):
        return UNDEFINED
    groups = [_group_rows(fault_events), _group_rows(normal_cells)]
    values = []
    for _ in range(BOOTSTRAPS):
        rows = [
            np.concatenate([group[at] for at in rng.integers(len(group), size=len(group)).tolist()]) for group in groups
        ]
        values.append(_area(fault_scores[rows[0]], normal_scores[rows[1]]))
    low, high = np.quantile(values, (0.025, 0.975)).tolist()
    return _area(fault_scores, normal_scores), low, high


def _area(above: NDArray[np.float32], below: NDArray[np.float32]) -> float:
    """Return the Mann-Whitney statistic as a share; equal scores count half."""
    order = np.sort(below)
    wins = np.searchsorted(order, above, "left") + np.searchsorted(order, above, "right")
    return float(wins.mean() / 2 / len(below))


def _group_rows(keys: Sequence[object]) -> list[NDArray[np.int64]]:
    """Return the rows of each key."""
    groups: dict[object, list[int]] = {}
    for row, key in enumerate(keys):
        groups.setdefault(key, []).append(row)
    return [np.array(rows) for rows in groups.values()]


def _per_1000(alarms: Sequence[BacktestAlarm], cell_days: float) -> Figure:
    return rate(len(alarms), cell_days) if cell_days else UNDEFINED
