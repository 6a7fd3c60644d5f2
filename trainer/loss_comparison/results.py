"""Results of the comparison: a row for each variant, with its figures over all seeds and for each seed."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainer.loss_comparison.dataset import UNSEEN_BASE, ComparisonDataset
from trainer.loss_comparison.training_run import Curve, TrainingRun, WindowEmbeddings
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
"""Bins of a histogram."""
SHOWN_QUANTILE = 0.995
"""Quantile of the distances at which a histogram ends: a long tail would compress the rest."""


@dataclass(frozen=True)
class Questions:
    """Random rounds and pairs, drawn once and the same for every loss."""

    unseen: RoundDraws
    base: RoundDraws
    pairs: NDArray[np.int64]
    """Rows of pairs of one class and of two, from unseen classes. # [2, PAIRS, 2]"""
    validation_pairs: NDArray[np.int64]
    """Pairs of validation classes. # [2, PAIRS, 2]"""

    @classmethod
    def of(cls, dataset: ComparisonDataset, seed: int) -> "Questions":
        """Return the questions of a seed."""
        rng = np.random.default_rng([seed, 11])
        base = np.where(dataset.many_shot.label < len(UNSEEN_BASE), dataset.many_shot.label, -1)
        rows = np.flatnonzero(base >= 0)
        base_draws = draw_rounds(base[rows], rng)
        return cls(
            unseen=draw_rounds(dataset.unseen.label, rng),
            base=RoundDraws(base_draws.classes, rows[base_draws.rows]),
            pairs=draw_pairs(dataset.unseen.label, rng),
            validation_pairs=draw_pairs(dataset.validation.label, rng),
        )


@dataclass(frozen=True)
class Histogram:
    """Histogram of distances, or of a pairwise head's probabilities, for pairs of one class and of two."""

    edges: list[float]
    same: list[float]
    """Share of the pairs of one class in each bin."""
    different: list[float]
    """Share of the pairs of two classes in each bin."""
    cut: float
    is_probability: bool


@dataclass(frozen=True)
class PairAnswers:
    """Answers of one training's encoder, draw by draw."""

    unseen: NDArray[np.float64]
    """Share of windows named right. # [ROUNDS, WAYS]"""
    base: NDArray[np.float64]
    """The same on unseen base classes. # [ROUNDS, WAYS]"""
    by_head: NDArray[np.float64] | None
    """`unseen` by the probability of a pairwise head; None for a loss without a head. # [ROUNDS, WAYS]"""
    pairs: NDArray[np.float64]
    """Share of each pair of pairs on the right side of the cut-off. # [PAIRS]"""
    histogram: Histogram


@dataclass(frozen=True)
class SeedResult:
    """Figures of one training."""

    seed: int
    state: str
    reason: str
    seconds: float
    best_step: int
    unseen: float | None
    base: float | None
    curve: Curve


@dataclass(frozen=True)
class ResultRow:
    """Figures of one variant, over the seeds that were trained."""

    key: str
    name: str
    group: str
    encoder: str
    state: str
    reason: str
    seconds: float
    """Mean duration of one training."""
    unseen: Proportion | None
    """Share on unseen procedural classes."""
    base: Proportion | None
    by_head: Proportion | None
    pairs: float | None
    """Share of pairs of unseen classes on the right side of the cut-off."""
    pairs_half: float | None
    seeds: list[SeedResult]
    histogram: Histogram | None
    """Histogram of the first trained seed."""


def answer_questions(training: TrainingRun, questions: Questions) -> PairAnswers:
    """Return the answers of a completed training's encoder."""
    unseen, validation = training.embeddings["unseen"], training.embeddings["validation"]
    score, has_head = _loss_score(training, unseen), training.variant.join is not None
    same, different = (score(rows[:, 0], rows[:, 1]) for rows in questions.pairs)
    cut = 0.0
    if not has_head:
        validation_score = _loss_score(training, validation)
        cut = best_cutoff(*(validation_score(rows[:, 0], rows[:, 1]) for rows in questions.validation_pairs))
    return PairAnswers(
        unseen=accuracy_by_round(cosine_distance(unseen.direction), questions.unseen),
        base=accuracy_by_round(cosine_distance(training.embeddings["many_shot"].direction), questions.base),
        by_head=accuracy_by_round(score, questions.unseen) if has_head else None,
        pairs=pair_accuracy(same, different, cut),
        histogram=_histogram(same, different, cut, has_head),
    )


def make_row(
    variant: Variant, trainings: Sequence[TrainingRun], answers: Sequence[PairAnswers], draws: Questions
) -> ResultRow:
    """Return the row of one variant; `answers` are those of its completed trainings, in order."""
    failed = [training for training in trainings if training.state != "trained"]
    state = failed[0].state if failed else "trained"
    if failed and answers:
        state = f"{state} with {len(failed)} of {len(trainings)} seeds"
    pairs, remaining_answers = mean_pairs(answers), iter(answers)
    return ResultRow(
        key=variant.key,
        name=variant.name,
        group=variant.group,
        encoder=variant.encoder,
        state=state,
        reason=failed[0].reason if failed else "",
        seconds=float(np.mean([training.seconds for training in trainings])),
        unseen=_over_seeds([answer.unseen for answer in answers], draws.unseen),
        base=_over_seeds([answer.base for answer in answers], draws.base),
        by_head=_over_seeds([answer.by_head for answer in answers if answer.by_head is not None], draws.unseen),
        pairs=float(pairs.mean()) if pairs is not None else None,
        pairs_half=half_interval(pairs) if pairs is not None else None,
        seeds=[
            _seed_result(training, next(remaining_answers) if training.state == "trained" else None)
            for training in trainings
        ],
        histogram=answers[0].histogram if answers else None,
    )


def mean_pairs(answers: Sequence[PairAnswers]) -> NDArray[np.float64] | None:
    """Return the pair answers averaged over the seeds; None without answers. # -> [PAIRS]"""
    return np.mean([answer.pairs for answer in answers], axis=0) if answers else None


def best_row(rows: Sequence[ResultRow]) -> ResultRow | None:
    """Return the row with the highest share on unseen classes; None if no variant was trained."""
    trained = [row for row in rows if row.unseen is not None]
    return max(trained, key=lambda row: row.unseen.share if row.unseen else 0.0, default=None)


def _seed_result(training: TrainingRun, answers: PairAnswers | None) -> SeedResult:
    return SeedResult(
        seed=training.seed,
        state=training.state,
        reason=training.reason,
        seconds=training.seconds,
        best_step=training.best_step,
        unseen=None if answers is None else float(answers.unseen.mean()),
        base=None if answers is None else float(answers.base.mean()),
        curve=training.curve,
    )


def _over_seeds(right: Sequence[NDArray[np.float64]], draws: RoundDraws) -> Proportion | None:
    return summarize_accuracy(np.mean(right, axis=0), draws) if right else None


def _loss_score(training: TrainingRun, embeddings: WindowEmbeddings) -> Dissimilarity:
    """Return the dissimilarity that the loss uses: the distance, or minus the log-odds of its pairwise head."""
    join, embedding = training.variant.join, embeddings.embedding
    if join is None:
        return euclidean_distance(embedding)
    return lambda left, right: -np.asarray(log_odds(embedding[left], embedding[right], join, **training.loss_weights))


def _histogram(
    same: NDArray[np.float32], different: NDArray[np.float32], cut: float, is_probability: bool
) -> Histogram:
    """Return the histogram of the distances, or of the head's probabilities: its scores are minus log-odds."""
    if is_probability:
        same, different = (np.asarray(1 / (1 + np.exp(part)), np.float32) for part in (same, different))
        cut = CUT_OFF
    end = 1.0 if is_probability else float(max(np.quantile(np.concatenate([same, different]), SHOWN_QUANTILE), cut))
    edges = np.linspace(0, end, BINS + 1)
    shares = [np.histogram(np.minimum(part, end), edges)[0] / len(part) for part in (same, different)]
    return Histogram(
        edges=edges.tolist(),
        same=shares[0].tolist(),
        different=shares[1].tolist(),
        cut=float(cut),
        is_probability=is_probability,
    )
