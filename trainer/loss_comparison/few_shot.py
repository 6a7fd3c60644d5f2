"""From how many examples of a class on a plain classifier beats the nearest exemplar, and who bears imbalance.

All three look at the same embeddings. An exemplar works from the first example on and asks for no training; a
classifier (multinomial logistic regression) weighs the embedding's dimensions by what its examples show.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainer.metrics.embedding import half_interval

COUNTS = (1, 2, 5, 10, 20, 50)
MANY, FEW = 50, 2
"""Examples of either half of the classes, where they are unlike."""

QUERIES, ROUNDS = 15, 30
"""Windows of every class to be named, and draws of all of it."""

METHODS = ("nearest exemplar", "nearest mean", "classifier")
BALANCED = "classifier, balanced"
"""The classifier with every class weighing the same, however few its examples."""

STRENGTH = 10.0
"""The regression's C: of 1, 3, 10, 30, 100 and 300, within .005 of the best for every count, on sixteen procedural
classes that take no part here."""


@dataclass(frozen=True)
class FewShotShares:
    """Share of windows named right by one method."""

    method: str
    share: float
    half: float


@dataclass(frozen=True)
class ExampleCount:
    """So many examples of every class."""

    examples: int
    methods: list[FewShotShares]
    ahead: float
    """Of the classifier, over the better of the other two."""
    ahead_half: float


@dataclass(frozen=True)
class Imbalance:
    """One method where half of the classes have MANY examples and half have FEW."""

    method: str
    common: float
    common_half: float
    rare: float
    rare_half: float


@dataclass(frozen=True)
class Crowd:
    classes: int
    counts: list[ExampleCount]
    imbalance: list[Imbalance]


def compare_counts(direction: NDArray[np.float32], label: NDArray[np.int64], rng: np.random.Generator) -> Crowd:
    """Of unit vectors, with MANY + QUERIES or more of each class. # [n, D], [n]"""
    pools = [np.flatnonzero(label == number) for number in np.unique(label)]
    counts = []
    for count in COUNTS:
        rounds = [_named_right(direction, pools, np.full(len(pools), count), rng) for _ in range(ROUNDS)]
        counts.append(_count(count, rounds))
    sizes = [np.where(rng.permutation(len(pools)) < len(pools) // 2, FEW, MANY) for _ in range(ROUNDS)]
    unlike = [_named_right(direction, pools, size, rng) for size in sizes]
    return Crowd(len(pools), counts, [_imbalance(method, unlike, sizes) for method in (*METHODS, BALANCED)])


def _named_right(
    direction: NDArray[np.float32],
    pools: Sequence[NDArray[np.int64]],
    sizes: NDArray[np.int64],
    rng: np.random.Generator,
) -> dict[str, NDArray[np.float64]]:
    """Share of each class's QUERIES that every method names, shown so many examples of each. # -> [classes]

    With one thread: a regression's threads wait for each other twenty times as long as it takes to fit it.
    """
    from threadpoolctl import threadpool_limits

    drawn = [rng.choice(pool, QUERIES + size, replace=False) for pool, size in zip(pools, sizes, strict=True)]
    query = direction[np.concatenate([rows[:QUERIES] for rows in drawn])]
    shown = direction[np.concatenate([rows[QUERIES:] for rows in drawn])]
    of = np.repeat(np.arange(len(pools)), sizes)
    means = np.stack([shown[of == number].mean(axis=0) for number in range(len(pools))])
    means /= np.maximum(np.linalg.norm(means, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    said = {
        "nearest exemplar": of[(query @ shown.T).argmax(axis=1)],
        "nearest mean": (query @ means.T).argmax(axis=1),
    }
    with threadpool_limits(1):
        said["classifier"] = _classify(shown, of, query, None)
        said[BALANCED] = _classify(shown, of, query, "balanced") if np.ptp(sizes) else said["classifier"]
    truth = np.repeat(np.arange(len(pools)), QUERIES)
    return {method: (names == truth).reshape(-1, QUERIES).mean(axis=1) for method, names in said.items()}


def _classify(
    shown: NDArray[np.float32], of: NDArray[np.int64], query: NDArray[np.float32], weight: str | None
) -> NDArray[np.int64]:
    from sklearn.linear_model import LogisticRegression

    regression = LogisticRegression(C=STRENGTH, class_weight=weight, tol=1e-3, max_iter=1000)
    return np.asarray(regression.fit(shown, of).predict(query))


def _count(examples: int, rounds: Sequence[dict[str, NDArray[np.float64]]]) -> ExampleCount:
    right = {method: np.array([one[method].mean() for one in rounds]) for method in METHODS}
    better = max(METHODS[:2], key=lambda method: float(right[method].mean()))
    ahead = right["classifier"] - right[better]
    named = [FewShotShares(method, float(shares.mean()), half_interval(shares)) for method, shares in right.items()]
    return ExampleCount(examples, named, float(ahead.mean()), half_interval(ahead))


def _imbalance(
    method: str, rounds: Sequence[dict[str, NDArray[np.float64]]], sizes: Sequence[NDArray[np.int64]]
) -> Imbalance:
    both = [
        (one[method][size == MANY].mean(), one[method][size == FEW].mean())
        for one, size in zip(rounds, sizes, strict=True)
    ]
    common, rare = np.array(both).T
    return Imbalance(method, float(common.mean()), half_interval(common), float(rare.mean()), half_interval(rare))
