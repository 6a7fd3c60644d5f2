"""Run of an evaluation, case by case: cut windows, evaluate all methods, replay the history, find confusions."""

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
"""Ranges of severity, each with about a third of a simulated network's episodes."""

LEAST_CLASSES = 2

Columns = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class MethodAnswers:
    """Result of one method on its questions."""

    questions: int
    """Questions asked."""
    episodes: int
    """Episodes that served as exemplars."""
    result: OneShotResult
    is_complete: bool
    """False for a method that answers only a sample of the questions."""


@dataclass(frozen=True, kw_only=True)
class EvaluationResult:
    """Results of a case, for the report page and the data file."""

    subject: EvaluationSubject
    windows: EvaluationWindows
    mixed: int
    """Episodes left out because another class was in the cell."""
    classes: list[str]
    answers: dict[str, MethodAnswers | MissingLibrary]
    """Answers by method, in the order of the table."""
    taught: list[Episode]
    replay: ReplayOutcome
    unknown_auroc: Figure
    """AUROC of the untaught faults' windows against normal windows, by the unknown score."""
    unknown_auroc_visible: Figure
    """The same for visible episodes."""
    unknown_auroc_nothing_taught: Figure
    """The same for all episodes, by a classifier without labels."""
    mistakes: list[Confusion]
    directions: NDArray[np.float32]
    """Directions of the questions. # [Q, D]"""


def cut_case(subject: EvaluationSubject, seed: int) -> tuple[EvaluationWindows, int]:
    """Return the windows of a case, and the number of episodes left out because another class was in the cell."""
    rng = np.random.default_rng([seed, 1])
    selection = select_episodes(subject.episodes, rng, subject.days.catalogue.granularity.window_minutes)
    with timed_step(f"{subject.case.name}: windows of {len(selection.episodes)} of {len(subject.episodes)} episodes"):
        windows = cut_evaluation_windows(
            subject.days,
            subject.bundle.baseline,
            selection,
            listed=subject.episodes,
            min_coverage=subject.settings.min_coverage,
            rng=rng,
        )
    return windows, selection.mixed


def common_classes(cuts: Sequence[EvaluationWindows], names: Sequence[str]) -> list[str]:
    """Return the classes that are usable in all cases, so that the columns are comparable. Raises EvaluationError."""
    usable = [set(usable_classes(windows.episodes, windows.event)) for windows in cuts]
    classes = sorted(set.intersection(*usable))
    if len(classes) < LEAST_CLASSES:
        by_case = "; ".join(
            f"{name}: {', '.join(sorted(usable_names)) or 'none'}"
            for name, usable_names in zip(names, usable, strict=True)
        )
        raise EvaluationError(
            f"the cases have {len(classes)} usable classes in common ({by_case}); an evaluation needs {LEAST_CLASSES},"
            f" each with {EVENTS} usable episodes in different cells. Give a longer history, or one with more named"
            " episodes."
        )
    return classes


def evaluate_case(
    subject: EvaluationSubject,
    windows: EvaluationWindows,
    mixed: int,
    *,
    classes: list[str],
    taught: list[Episode] | None,
    seed: int,
) -> EvaluationResult:
    """Evaluate one case; without `taught`, one episode of most classes is drawn by the seed.

    Raises HistoryError for a taught episode that is not in the history.
    """
    name, rng = subject.case.name, np.random.default_rng([seed, 2])
    taught_episodes = select_taught(windows.episodes, classes, rng)[0] if taught is None else taught
    answers, mistakes = _ask_methods(subject, windows, classes, rng)
    with timed_step(f"{name}: replay, {len(taught_episodes)} episodes taught"):
        classifier = build_classifier(subject, taught_episodes)
        outcome = replay_history(subject, classifier, taught_episodes)
    questions, normal = subject.encode(windows.question_windows), subject.encode(windows.normal_windows)
    untaught = _untaught_questions(windows, classifier.exemplar_index.faults)

    def unknown_auroc(rows: Columns, scored_by: Classifier) -> Figure:
        events = windows.event[windows.question_episode[rows]].tolist()
        scores, normal_scores = unknown_scores(scored_by, questions[rows]), unknown_scores(scored_by, normal)
        return auroc(scores, events, normal_scores, windows.normal_cell, rng)

    effect = _question_attribute(windows, "effect")
    return EvaluationResult(
        subject=subject,
        windows=windows,
        mixed=mixed,
        classes=classes,
        answers=answers,
        taught=taught_episodes,
        replay=outcome,
        unknown_auroc=unknown_auroc(untaught, classifier),
        unknown_auroc_visible=unknown_auroc(untaught[effect[untaught] >= VISIBLE], classifier),
        unknown_auroc_nothing_taught=unknown_auroc(untaught, build_classifier(subject, [])),
        mistakes=mistakes,
        directions=questions.direction.astype(np.float32),
    )


def _ask_methods(
    subject: EvaluationSubject, windows: EvaluationWindows, classes: list[str], rng: np.random.Generator
) -> tuple[dict[str, MethodAnswers | MissingLibrary], list[Confusion]]:
    answers: dict[str, MethodAnswers | MissingLibrary] = {}
    mistakes: list[Confusion] = []
    candidates = methods(windows, subject.encode, rng)
    encoder = candidates[0]
    assert isinstance(encoder, Method)
    everything = _all_questions(windows, classes)
    for method in candidates:
        if isinstance(method, MissingLibrary):
            answers[method.name] = method
            continue
        with timed_step(f"{subject.case.name}: {method.name}"):
            questions, episodes = (
                everything if method.per_class is None else _few_questions(windows, classes, method.per_class, rng)
            )
            answers[method.name], similarity, sheet = _ask(method, windows, classes, questions, episodes)
            if method.per_class is not None:
                limited = replace(encoder, per_class=method.per_class)
                # The encoder on the same few questions as the slow method; the name is a key in evaluate.json.
                name = f"{ENCODER}, asked as little as {method.name}"
                answers[name] = _ask(limited, windows, classes, questions, episodes)[0]
            if method is encoder:
                mistakes = find_mistakes(
                    similarity, sheet, windows, questions=questions, episodes=episodes, encode=subject.encode
                )
    return answers, mistakes


def _ask(
    method: Method, windows: EvaluationWindows, classes: list[str], questions: Columns, episodes: Columns
) -> tuple[MethodAnswers, NDArray[np.float32], QuestionSheet]:
    sheet = build_question_sheet(windows, classes, questions, episodes)
    similarity = similarities(method, windows, questions, episodes)
    # The seed is the same for all methods, so all methods get the same exemplars.
    rng = np.random.default_rng(crc32("\n".join(classes).encode()))
    result = evaluate_nearest_exemplar(similarity, sheet, question_groups(windows, questions), rng)
    answers = MethodAnswers(
        questions=len(questions), episodes=len(episodes), result=result, is_complete=method.per_class is None
    )
    return answers, similarity, sheet


def build_question_sheet(
    windows: EvaluationWindows, classes: Sequence[str], questions: Columns, episodes: Columns
) -> QuestionSheet:
    """Return class, event and cell of these questions and of these episodes' exemplars. # [q], [e]"""
    numbers = {name: number for number, name in enumerate(classes)}
    label = np.array([numbers.get(episode.name, -1) for episode in windows.episodes], np.int64)
    _, cell = np.unique(np.array([episode.cell for episode in windows.episodes]), return_inverse=True)
    question_episode = windows.question_episode[questions]
    return QuestionSheet(
        classes=classes,
        question_class=label[question_episode],
        question_event=windows.event[question_episode],
        question_cell=cell[question_episode],
        exemplar_class=label[episodes],
        exemplar_event=windows.event[episodes],
        exemplar_cell=cell[episodes],
    )


def question_groups(windows: EvaluationWindows, questions: Columns) -> dict[str, NDArray[np.bool_]]:
    """Return the questions of each group that is reported separately. # masks [q]"""
    effect, severity = (_question_attribute(windows, name)[questions] for name in ("effect", "severity"))
    groups = {"all": np.ones(len(questions), bool), "visible": effect >= VISIBLE}
    for name, low, high in SEVERITIES:
        groups[f"severity {name}"] = (severity >= low) & (severity < high)
    for minutes in SINCE_ONSET:
        groups[f"{minutes} minutes"] = windows.minutes_seen[questions] == minutes
    return groups


def _all_questions(windows: EvaluationWindows, classes: Sequence[str]) -> tuple[Columns, Columns]:
    """Return all questions and episodes of these classes."""
    included = np.array([episode.name in classes for episode in windows.episodes], bool)
    return np.flatnonzero(included[windows.question_episode]), np.flatnonzero(included)


def _few_questions(
    windows: EvaluationWindows, classes: Sequence[str], each: int, rng: np.random.Generator
) -> tuple[Columns, Columns]:
    """Return up to `each` episodes of every class, from as many events as possible, with one question of each."""
    episodes: list[int] = []
    for name in classes:
        members = [index for index, episode in enumerate(windows.episodes) if episode.name == name]
        order = rng.permutation(len(members)).tolist()
        rank = {
            member: sum(windows.event[members[other]] == windows.event[members[member]] for other in order[:at])
            for at, member in enumerate(order)
        }
        episodes += sorted(members[member] for member in sorted(order, key=lambda member: rank[member])[:each])
    pools = [np.flatnonzero(windows.question_episode == episode) for episode in episodes]
    return np.array([rng.choice(pool) for pool in pools if len(pool)], np.int64), np.array(episodes, np.int64)


def _untaught_questions(windows: EvaluationWindows, taught: Sequence[str]) -> Columns:
    """Return the questions about faults that were not taught."""
    is_untaught = [episode.kind == "fault" and episode.name not in taught for episode in windows.episodes]
    return np.flatnonzero(np.array(is_untaught, bool)[windows.question_episode])


def _question_attribute(windows: EvaluationWindows, name: str) -> NDArray[np.float64]:
    """Return effect or severity of every question's episode, NaN if unknown. # [Q]"""
    return np.array([getattr(episode, name) for episode in windows.episodes], np.float64)[windows.question_episode]
