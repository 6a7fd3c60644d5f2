"""The table: a row for every loss, with its figures over all seeds and of each."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainer.loss_comparison.dataset import UNSEEN_BASE, ComparisonDataset
from trainer.loss_comparison.training_run import Curve, Embedded, TrainingRun
from trainer.loss_comparison.variants import Variant
from trainer.losses.pairs import CUT_OFF, log_odds
from trainer.metrics.embedding import (
    Dissimilarity,
    Proportion,
    RoundDraws,
    accuracy_by_round,
    best_cutoff,
    cosine_distance,
    draw_pairs,
    draw_rounds,
    euclidean_distance,
    half_interval,
    pair_accuracy,
    summarize_accuracy,
)

BINS = 60
SHOWN_QUANTILE = 0.995
"""Of the distances, where a histogram ends: a long tail would press the rest into a corner."""


@dataclass(frozen=True)
class Questions:
    """Drawn once, asked of every loss."""

    unseen: RoundDraws
    base: RoundDraws
    pairs: NDArray[np.int64]
    """Of unseen classes. # [2, PAIRS, 2]"""
    watched_pairs: NDArray[np.int64]

    @classmethod
    def of(cls, material: ComparisonDataset, seed: int) -> "Questions":
        rng = np.random.default_rng([seed, 11])
        base = np.where(material.crowd.label < len(UNSEEN_BASE), material.crowd.label, -1)
        rows = np.flatnonzero(base >= 0)
        at_base = draw_rounds(base[rows], rng)
        return cls(
            draw_rounds(material.unseen.label, rng),
            RoundDraws(at_base.classes, rows[at_base.rows]),
            draw_pairs(material.unseen.label, rng),
            draw_pairs(material.watched.label, rng),
        )


@dataclass(frozen=True)
class Histogram:
    """How often pairs of one class and of two have which distance; a pairwise head's: which probability."""

    edges: list[float]
    same: list[float]
    different: list[float]
    """Shares of the pairs of their kind."""
    cut: float
    is_probability: bool


@dataclass(frozen=True)
class PairAnswers:
    """What one training's encoder answered, draw by draw."""

    unseen: NDArray[np.float64]
    """# [ROUNDS, WAYS]"""
    base: NDArray[np.float64]
    by_head: NDArray[np.float64] | None
    """The unseen named by a pairwise head's probability; None where there is none."""
    pairs: NDArray[np.float64]
    """# [PAIRS]"""
    histogram: Histogram


@dataclass(frozen=True)
class Seed:
    """One training."""

    seed: int
    state: str
    reason: str
    seconds: float
    best_step: int
    unseen: float | None
    base: float | None
    curve: Curve


@dataclass(frozen=True)
class Row:
    key: str
    name: str
    group: str
    encoder: str
    state: str
    reason: str
    seconds: float
    """Of one training, on average."""
    unseen: Proportion | None
    """Unseen procedural classes; figures are over the seeds that were trained."""
    base: Proportion | None
    by_head: Proportion | None
    pairs: float | None
    """Share of pairs of unseen classes that the cut-off tells right."""
    pairs_half: float | None
    seeds: list[Seed]
    histogram: Histogram | None
    """Of the first seed that was trained."""


def answer(training: TrainingRun, questions: Questions) -> PairAnswers:
    """Of one that was trained."""
    unseen, watched = training.made["unseen"], training.made["watched"]
    own = _own_score(training, unseen)
    same, different = (own(rows[:, 0], rows[:, 1]) for rows in questions.pairs)
    cut = 0.0
    if training.contestant.join is None:
        cut = best_cutoff(*(_own_score(training, watched)(rows[:, 0], rows[:, 1]) for rows in questions.watched_pairs))
    headed = None if training.contestant.join is None else accuracy_by_round(own, questions.unseen)
    return PairAnswers(
        accuracy_by_round(cosine_distance(unseen.direction), questions.unseen),
        accuracy_by_round(cosine_distance(training.made["crowd"].direction), questions.base),
        headed,
        pair_accuracy(same, different, cut),
        _histogram(same, different, cut, training.contestant.join is not None),
    )


def row(contestant: Variant, trainings: Sequence[TrainingRun], answers: Sequence[PairAnswers], draws: Questions) -> Row:
    """Of one contestant; the answers are those of its trainings that came to an end, in their order."""
    failed = [one for one in trainings if one.state != "trained"]
    told = iter(answers)
    state = failed[0].state if failed else "trained"
    if failed and answers:
        state = f"{state} with {len(failed)} of {len(trainings)} seeds"
    return Row(
        contestant.key,
        contestant.name,
        contestant.group,
        contestant.encoder,
        state,
        failed[0].reason if failed else "",
        float(np.mean([one.seconds for one in trainings])),
        _over_seeds([one.unseen for one in answers], draws.unseen),
        _over_seeds([one.base for one in answers], draws.base),
        _over_seeds([one.by_head for one in answers if one.by_head is not None], draws.unseen),
        float(pairs.mean()) if (pairs := mean_pairs(answers)) is not None else None,
        half_interval(pairs) if pairs is not None else None,
        [_seed(one, next(told) if one.state == "trained" else None) for one in trainings],
        answers[0].histogram if answers else None,
    )


def mean_pairs(answers: Sequence[PairAnswers]) -> NDArray[np.float64] | None:
    """Over the seeds. # -> [PAIRS]"""
    return np.mean([one.pairs for one in answers], axis=0) if answers else None


def best(rows: Sequence[Row]) -> Row | None:
    """That of the highest figure on unseen classes; None where nothing was trained."""
    trained = [one for one in rows if one.unseen is not None]
    return max(trained, key=lambda one: one.unseen.share if one.unseen else 0.0, default=None)


def _seed(training: TrainingRun, answers: PairAnswers | None) -> Seed:
    return Seed(
        training.seed,
        training.state,
        training.reason,
        training.seconds,
        training.best_step,
        None if answers is None else float(answers.unseen.mean()),
        None if answers is None else float(answers.base.mean()),
        training.curve,
    )


def _over_seeds(right: Sequence[NDArray[np.float64]], draws: RoundDraws) -> Proportion | None:
    return summarize_accuracy(np.mean(right, axis=0), draws) if right else None


def _own_score(training: TrainingRun, made: Embedded) -> Dissimilarity:
    """As the loss measures: its embeddings' distance, or how unlikely its head finds it that they are of one class."""
    join, embedding = training.contestant.join, made.embedding
    if join is None:
        return euclidean_distance(embedding)
    return lambda left, right: -np.asarray(log_odds(embedding[left], embedding[right], join, **training.own))


def _histogram(
    same: NDArray[np.float32], different: NDArray[np.float32], cut: float, is_probability: bool
) -> Histogram:
    """A head's scores are minus its log-odds; drawn are its probabilities."""
    if is_probability:
        same, different = (np.asarray(1 / (1 + np.exp(part)), np.float32) for part in (same, different))
        cut = CUT_OFF
    end = 1.0 if is_probability else float(max(np.quantile(np.concatenate([same, different]), SHOWN_QUANTILE), cut))
    edges = np.linspace(0, end, BINS + 1)
    shares = [np.histogram(np.minimum(part, end), edges)[0] / len(part) for part in (same, different)]
    return Histogram(edges.tolist(), shares[0].tolist(), shares[1].tolist(), float(cut), is_probability)
