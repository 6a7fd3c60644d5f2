"""Paired one-shot accuracy and pair accuracy: measures on draws that are the same for every loss.

All losses answer the same rounds and pairs, so that their differences come from the losses alone. The six-way task is
that of `trainer.metrics.one_shot`, with any dissimilarity in place of the cosine, and with draws made beforehand.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainer.metrics.one_shot import QUERIES, ROUNDS, WAYS, Z95

PAIRS = 4000
"""Pairs of each kind: a share is known to within .01."""

Dissimilarity = Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[np.float32]]
"""Dissimilarity of two windows each, given their rows; smaller is more alike. # [n], [n] -> [n]"""


@dataclass(frozen=True)
class Proportion:
    """Share with half the widths of its 95 % intervals."""

    share: float
    half: float
    """Over draws: more draws would narrow it."""
    half_classes: float
    """Over classes: how far other classes like these may lie."""


@dataclass(frozen=True)
class RoundDraws:
    """Rounds of six classes, with an exemplar and five queries of each."""

    classes: NDArray[np.int64]
    """# [ROUNDS, WAYS]"""
    rows: NDArray[np.int64]
    """The exemplar first. # [ROUNDS, WAYS, 1 + QUERIES]"""


def draw_rounds(label: NDArray[np.int64], rng: np.random.Generator) -> RoundDraws:
    """Draw the rounds from at least six classes with at least six windows each. # [n]"""
    numbers = np.unique(label)
    pools = [np.flatnonzero(label == number) for number in numbers]
    classes = np.stack([rng.choice(len(pools), WAYS, replace=False) for _ in range(ROUNDS)])
    rows = [[rng.choice(pools[number], QUERIES + 1, replace=False) for number in drawn] for drawn in classes]
    return RoundDraws(numbers[classes], np.array(rows))


def accuracy_by_round(dissimilarity: Dissimilarity, draws: RoundDraws) -> NDArray[np.float64]:
    """Return the share of each class's queries whose most similar exemplar is of their class. # -> [ROUNDS, WAYS]"""
    rounds, ways, _ = draws.rows.shape
    query = np.broadcast_to(draws.rows[:, :, 1:, None], (rounds, ways, QUERIES, ways))
    exemplar = np.broadcast_to(draws.rows[:, None, None, :, 0], query.shape)
    values = dissimilarity(query.ravel(), exemplar.ravel()).reshape(query.shape)
    right = values.argmin(axis=3) == np.arange(ways)[:, None]
    return np.asarray(right.mean(axis=2))


def summarize_accuracy(right: NDArray[np.float64], draws: RoundDraws) -> Proportion:
    """Return the mean accuracy with its intervals over draws and over classes. # [ROUNDS, WAYS]"""
    by_class = np.array([right[draws.classes == number].mean() for number in np.unique(draws.classes)])
    return Proportion(float(right.mean()), half_interval(right.mean(axis=1)), half_interval(by_class))


def half_interval(values: NDArray[np.float64]) -> float:
    """Return half the width of the 95 % interval of a mean. # [n]"""
    return float(Z95 * values.std(ddof=1) / np.sqrt(len(values)))


def draw_pairs(label: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw PAIRS pairs of rows of one class, and as many of two classes. # [n] -> [2, PAIRS, 2]"""
    numbers = np.unique(label)
    pools = [np.flatnonzero(label == number) for number in numbers]
    same = [rng.choice(pools[number], 2, replace=False) for number in rng.integers(len(pools), size=PAIRS)]
    classes = [rng.choice(len(pools), 2, replace=False) for _ in range(PAIRS)]
    return np.array([same, [[rng.choice(pools[number]) for number in pair] for pair in classes]])


def best_cutoff(same: NDArray[np.float32], different: NDArray[np.float32]) -> float:
    """Return the dissimilarity that best separates pairs of one class, at or below it, from pairs of two."""
    values = np.unique(np.concatenate([same, different]))
    advantage = np.searchsorted(np.sort(same), values, "right") / len(same)
    advantage = advantage - np.searchsorted(np.sort(different), values, "right") / len(different)
    best = int(advantage.argmax())
    return float((values[best] + values[min(best + 1, len(values) - 1)]) / 2)


def pair_accuracy(same: NDArray[np.float32], different: NDArray[np.float32], cutoff: float) -> NDArray[np.float64]:
    """Return, for one pair of each kind, the share on its side of the cutoff: 0, ½ or 1. # [n] -> [n]"""
    return ((same <= cutoff) + (different > cutoff).astype(np.float64)) / 2


def cosine_distance(direction: NDArray[np.float32]) -> Dissimilarity:
    """Return the dissimilarity 1 - cosine of these unit vectors. # [n, D]"""
    return lambda left, right: 1 - np.einsum("nd,nd->n", direction[left], direction[right])


def euclidean_distance(embedding: NDArray[np.float32]) -> Dissimilarity:
    """Return the Euclidean distance of these vectors. # [n, D]"""
    return lambda left, right: np.linalg.norm(embedding[left] - embedding[right], axis=1)
