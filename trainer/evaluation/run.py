"""One case after the other: windows cut, methods asked, history replayed, mistakes found."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from detector.backtest.matching import VISIBLE, Episode
from detector.core.scoring.classifier import Classifier
from trainer.console import timed_step
from trainer.evaluation.baseline_methods import ENCODER, Method, MissingLibrary, methods, similarities
from trainer.evaluation.cases import EvaluationError, EvaluationSubject
from trainer.evaluation.confusions import Confusion, find_mistakes
from trainer.evaluation.dataset import SINCE_ONSET, EvaluationWindows, cut_evaluation_windows
from trainer.evaluation.replay import ReplayOutcome, auroc, build_classifier, replay_history, unknown_scores
from trainer.evaluation.selection import EVENTS, select_episodes, select_taught, usable_classes
from trainer.metrics.nearest_exemplar import Figure, OneShotResult, QuestionSheet, evaluate_nearest_exemplar

SEVERITIES = (("below 0.4", 0.0, 0.4), ("0.4 to 0.7", 0.4, 0.7), ("0.7 and more", 0.7, 1.01))
"""About a third of a simulated network's episodes each."""

LEAST_CLASSES = 2


@dataclass(frozen=True)
class MethodAnswers:
    """What one method said, and of how much."""

    questions: int
    episodes: int
    named: OneShotResult
    whole: bool
    """Asked about all there is."""


@dataclass(frozen=True)
class EvaluationResult:
    """All that is told of a case."""

    subject: EvaluationSubject
    cut: EvaluationWindows
    mixed: int
    classes: list[str]
    answers: dict[str, MethodAnswers | MissingLibrary]
    """By method, in the order of the table."""
    taught: list[Episode]
    replayed: ReplayOutcome
    unknown: Figure
    """AUROC of the untaught faults' windows against normal ones; of those that can be seen; and with nothing taught."""
    unknown_visible: Figure
    unknown_alone: Figure
    mistakes: list[Confusion]
    directions: NDArray[np.float32]
    """Of the questions' embeddings. # [Q, D]"""


def cut_case(subject: EvaluationSubject, seed: int) -> tuple[EvaluationWindows, int]:
    """The windows of a case, and how many episodes had to be left out because another was there."""
    rng = np.random.default_rng([seed, 1])
    choice = select_episodes(subject.episodes, rng)
    with timed_step(f"{subject.case.name}: windows of {len(choice.episodes)} of {len(subject.episodes)} episodes"):
        windows = cut_evaluation_windows(
            subject.days, subject.bundle.baseline, choice, subject.episodes, subject.settings.min_coverage, rng
        )
    return windows, choice.mixed


def common_classes(cuts: Sequence[EvaluationWindows], names: Sequence[str]) -> list[str]:
    """What all cases can be asked about, so that their columns answer one question. Raises EvaluationError."""
    found = [set(usable_classes(one.episodes, one.event)) for one in cuts]
    classes = sorted(set.intersection(*found))
    if len(classes) < LEAST_CLASSES:
        there = "; ".join(
            f"{name}: {', '.join(sorted(some)) or 'none'}" for name, some in zip(names, found, strict=True)
        )
        raise EvaluationError(
            f"an evaluation needs {LEAST_CLASSES} classes with {EVENTS} usable episodes in different cells or more"
            f" ({there}); give a longer history, or one with more named episodes."
        )
    return classes


def evaluate_case(
    subject: EvaluationSubject,
    windows: EvaluationWindows,
    mixed: int,
    classes: list[str],
    taught: list[Episode] | None,
    seed: int,
) -> EvaluationResult:
    """`taught` None: one episode of most classes, by the seed. Raises HistoryError where a taught one is not there."""
    name, rng = subject.case.name, np.random.default_rng([seed, 2])
    shown = select_taught(windows.episodes, classes, rng)[0] if taught is None else taught
    answers, mistakes = _ask_all(subject, windows, classes, rng)
    with timed_step(f"{name}: replay, {len(shown)} episodes taught"):
        judge = build_classifier(subject, shown)
        replayed = replay_history(subject, judge, shown)
    asked, normal = subject.encode(windows.asked), subject.encode(windows.normal)
    untaught = _untaught(windows, judge.library.faults)

    def area(rows: NDArray[np.int64], by: Classifier) -> Figure:
        whose = windows.event[windows.asked_of[rows]].tolist()
        return auroc(unknown_scores(by, asked[rows]), whose, unknown_scores(by, normal), windows.normal_cell, rng)

    effect = _column(windows, "effect")
    return EvaluationResult(
        subject,
        windows,
        mixed,
        classes,
        answers,
        shown,
        replayed,
        area(untaught, judge),
        area(untaught[effect[untaught] >= VISIBLE], judge),
        area(untaught, build_classifier(subject, [])),
        mistakes,
        asked.direction.astype(np.float32),
    )


def _ask_all(
    subject: EvaluationSubject, windows: EvaluationWindows, classes: list[str], rng: np.random.Generator
) -> tuple[dict[str, MethodAnswers | MissingLibrary], list[Confusion]]:
    answers: dict[str, MethodAnswers | MissingLibrary] = {}
    mistakes: list[Confusion] = []
    ways = methods(windows, subject.encode, rng)
    encoder = ways[0]
    assert isinstance(encoder, Method)
    everything = _kept(windows, classes)
    for way in ways:
        if isinstance(way, MissingLibrary):
            answers[way.name] = way
            continue
        with timed_step(f"{subject.case.name}: {way.name}"):
            asked = everything if way.per_class is None else _few(windows, classes, way.per_class, rng)
            answers[way.name], similarity, sheet = _ask(way, windows, classes, *asked)
            if way.per_class is not None:
                as_little = replace(encoder, per_class=way.per_class)
                answers[f"{ENCODER}, asked as little as {way.name}"] = _ask(as_little, windows, classes, *asked)[0]
            if way is encoder:
                mistakes = find_mistakes(similarity, sheet, windows, *asked, subject.encode)
    return answers, mistakes


def _ask(
    way: Method,
    windows: EvaluationWindows,
    classes: list[str],
    questions: NDArray[np.int64],
    episodes: NDArray[np.int64],
) -> tuple[MethodAnswers, NDArray[np.float32], QuestionSheet]:
    sheet = build_question_sheet(windows, classes, questions, episodes)
    similarity = similarities(way, windows, questions, episodes)
    rng = np.random.default_rng(crc32("\n".join(classes).encode()))  # the same draws for every method: luck is shared
    named = evaluate_nearest_exemplar(similarity, sheet, question_groups(windows, questions), rng)
    return MethodAnswers(len(questions), len(episodes), named, way.per_class is None), similarity, sheet


def build_question_sheet(
    windows: EvaluationWindows, classes: Sequence[str], questions: NDArray[np.int64], episodes: NDArray[np.int64]
) -> QuestionSheet:
    place = {name: number for number, name in enumerate(classes)}
    label = np.array([place.get(one.name, -1) for one in windows.episodes], np.int64)
    _, cell = np.unique(np.array([one.cell for one in windows.episodes]), return_inverse=True)
    of = windows.asked_of[questions]
    columns = (label[of], windows.event[of], cell[of], label[episodes], windows.event[episodes], cell[episodes])
    return QuestionSheet(classes, *columns)


def question_groups(windows: EvaluationWindows, questions: NDArray[np.int64]) -> dict[str, NDArray[np.bool_]]:
    """Which questions each figure is of. # each [q]"""
    effect, severity = (_column(windows, name)[questions] for name in ("effect", "severity"))
    groups = {"all": np.ones(len(questions), bool), "visible": effect >= VISIBLE}
    for name, low, high in SEVERITIES:
        groups[f"severity {name}"] = (severity >= low) & (severity < high)
    for minutes in SINCE_ONSET:
        groups[f"{minutes} minutes"] = windows.since[questions] == minutes
    return groups


def _kept(windows: EvaluationWindows, classes: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Questions and episodes of these classes."""
    ours = np.array([one.name in classes for one in windows.episodes], bool)
    return np.flatnonzero(ours[windows.asked_of]), np.flatnonzero(ours)


def _few(
    windows: EvaluationWindows, classes: Sequence[str], each: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Up to `each` episodes of every class, as many events as can be, and one question of each episode."""
    episodes: list[int] = []
    for name in classes:
        ours = [place for place, one in enumerate(windows.episodes) if one.name == name]
        order = rng.permutation(len(ours)).tolist()
        turn = {place: sum(windows.event[ours[e]] == windows.event[ours[place]] for e in order[:at])
                for at, place in enumerate(order)}  # fmt: skip
        episodes += sorted(ours[place] for place in sorted(order, key=lambda place: turn[place])[:each])
    pools = [np.flatnonzero(windows.asked_of == one) for one in episodes]
    return np.array([rng.choice(pool) for pool in pools if len(pool)], np.int64), np.array(episodes, np.int64)


def _untaught(windows: EvaluationWindows, taught: Sequence[str]) -> NDArray[np.int64]:
    """Questions about faults of which no example was shown."""
    strange = [one.kind == "fault" and one.name not in taught for one in windows.episodes]
    return np.flatnonzero(np.array(strange, bool)[windows.asked_of])


def _column(windows: EvaluationWindows, name: str) -> NDArray[np.float64]:
    """Effect or severity of every question's episode, NaN where nobody knows it. # [Q]"""
    return np.array([getattr(one, name) for one in windows.episodes], np.float64)[windows.asked_of]
