"""One-shot figures and pairs, over draws that are the same for every loss: what differs is the loss alone."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainer.metrics.one_shot import QUERIES, ROUNDS, WAYS, Z95

PAIRS = 4000
"""Of each kind: a share is known to within .01."""

Dissimilarity = Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[np.float32]]
"""How unlike two windows are: rows of one and of the other. # [n], [n] -> [n]"""


@dataclass(frozen=True)
class Proportion:
    """A share, and halves of its 95 % intervals."""

    share: float
    half: float
    """Over draws: what asking longer would narrow."""
    half_classes: float
    """Over classes: how far other classes like these may lie."""


@dataclass(frozen=True)
class RoundDraws:
    """Rounds of six classes, an example of each and five windows to be named."""

    classes: NDArray[np.int64]
    """# [ROUNDS, WAYS]"""
    rows: NDArray[np.int64]
    """The example first. # [ROUNDS, WAYS, 1 + QUERIES]"""


def draw_rounds(label: NDArray[np.int64], rng: np.random.Generator) -> RoundDraws:
    """From six classes on, of six windows or more each. # [n]"""
    numbers = np.unique(label)
    pools = [np.flatnonzero(label == number) for number in numbers]
    classes = np.stack([rng.choice(len(pools), WAYS, replace=False) for _ in range(ROUNDS)])
    rows = [[rng.choice(pools[one], QUERIES + 1, replace=False) for one in chosen] for chosen in classes]
    return RoundDraws(numbers[classes], np.array(rows))


def accuracy_by_round(score: Dissimilarity, draws: RoundDraws) -> NDArray[np.float64]:
    """Share of each class's windows whose least unlike example is of their class. # -> [ROUNDS, WAYS]"""
    rounds, ways, _ = draws.rows.shape
    query = np.broadcast_to(draws.rows[:, :, 1:, None], (rounds, ways, QUERIES, ways))
    example = np.broadcast_to(draws.rows[:, None, None, :, 0], query.shape)
    unlike = score(query.ravel(), example.ravel()).reshape(query.shape)
    right = unlike.argmin(axis=3) == np.arange(ways)[:, None]
    return np.asarray(right.mean(axis=2))


def summarize_accuracy(right: NDArray[np.float64], draws: RoundDraws) -> Proportion:
    """# [ROUNDS, WAYS]"""
    by_class = np.array([right[draws.classes == number].mean() for number in np.unique(draws.classes)])
    return Proportion(float(right.mean()), half_interval(right.mean(axis=1)), half_interval(by_class))


def half_interval(values: NDArray[np.float64]) -> float:
    """Half of the 95 % interval of a mean. # [n]"""
    return float(Z95 * values.std(ddof=1) / np.sqrt(len(values)))


def draw_pairs(label: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """PAIRS of one class, and as many of two classes, rows of each. # [n] -> [2, PAIRS, 2]"""
    numbers = np.unique(label)
    pools = [np.flatnonzero(label == number) for number in numbers]
    same = [rng.choice(pools[one], 2, replace=False) for one in rng.integers(len(pools), size=PAIRS)]
    two = [rng.choice(len(pools), 2, replace=False) for _ in range(PAIRS)]
    return np.array([same, [[rng.choice(pools[one]) for one in both] for both in two]])


def best_cutoff(same: NDArray[np.float32], different: NDArray[np.float32]) -> float:
    """Between two scores: at or below it lies as much as can be of the same, and as little of the different."""
    scores = np.unique(np.concatenate([same, different]))
    right = np.searchsorted(np.sort(same), scores, "right") / len(same)
    right = right - np.searchsorted(np.sort(different), scores, "right") / len(different)
    best = int(right.argmax())
    return float((scores[best] + scores[min(best + 1, len(scores) - 1)]) / 2)


def pair_accuracy(same: NDArray[np.float32], different: NDArray[np.float32], cut: float) -> NDArray[np.float64]:
    """Of a same and a different pair each, the share that lies on its side of the cut. # [n] -> [n]"""
    return ((same <= cut) + (different > cut).astype(np.float64)) / 2


def cosine_distance(direction: NDArray[np.float32]) -> Dissimilarity:
    """Of unit vectors, how far it is from 1. # [n, D]"""
    return lambda left, right: 1 - np.einsum("nd,nd->n", direction[left], direction[right])


def euclidean_distance(embedding: NDArray[np.float32]) -> Dissimilarity:
    """# [n, D]"""
    return lambda left, right: np.linalg.norm(embedding[left] - embedding[right], axis=1)
