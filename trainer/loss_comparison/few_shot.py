"""Few-shot comparison of nearest exemplar, nearest mean and a classifier, by number of examples and under imbalance.

All three use the same embeddings. An exemplar works from the first example on, without training. A classifier
(multinomial logistic regression) weights the dimensions of the embedding by its examples.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainer.metrics.embedding import half_interval

COUNTS = (1, 2, 5, 10, 20, 50)
"""Numbers of examples of each class."""
MANY, FEW = 50, 2
"""Examples of the two halves of the classes in the imbalanced rounds."""

QUERIES, ROUNDS = 15, 30
"""Queries of each class, and number of random rounds."""

METHODS = ("nearest exemplar", "nearest mean", "classifier")
BALANCED = "classifier, balanced"
"""Classifier that gives every class the same weight, independent of its number of examples."""

STRENGTH = 10.0
"""C of the regression: among 1, 3, 10, 30, 100 and 300 it is within .005 of the best for every count, on sixteen
procedural classes that take no part here."""


@dataclass(frozen=True)
class FewShotShares:
    """Share of windows named right by one method, with half of its 95 % interval."""

    method: str
    share: float
    half: float


@dataclass(frozen=True)
class ExampleCount:
    """Shares of all methods with one number of examples of each class."""

    examples: int
    methods: list[FewShotShares]
    ahead: float
    """Lead of the classifier over the better of the other two."""
    ahead_half: float


@dataclass(frozen=True)
class Imbalance:
    """Shares of one method where half of the classes have MANY examples and half have FEW."""

    method: str
    common: float
    common_half: float
    rare: float
    rare_half: float


@dataclass(frozen=True)
class FewShotComparison:
    """Shares of all methods, by number of examples and under imbalance."""

    classes: int
    counts: list[ExampleCount]
    imbalance: list[Imbalance]


def compare_counts(
    direction: NDArray[np.float32], label: NDArray[np.int64], rng: np.random.Generator
) -> FewShotComparison:
    """Compare the methods on unit vectors, with MANY + QUERIES or more of each class. # [n, D], [n]"""
    pools = [np.flatnonzero(label == number) for number in np.unique(label)]
    counts = []
    for count in COUNTS:
        rounds = [_named_right(direction, pools, np.full(len(pools), count), rng) for _ in range(ROUNDS)]
        counts.append(_example_count(count, rounds))
    sizes = [np.where(rng.permutation(len(pools)) < len(pools) // 2, FEW, MANY) for _ in range(ROUNDS)]
    unequal_rounds = [_named_right(direction, pools, size, rng) for size in sizes]
    return FewShotComparison(
        len(pools), counts, [_imbalance(method, unequal_rounds, sizes) for method in (*METHODS, BALANCED)]
    )


def _named_right(
    direction: NDArray[np.float32],
    pools: Sequence[NDArray[np.int64]],
    sizes: NDArray[np.int64],
    rng: np.random.Generator,
) -> dict[str, NDArray[np.float64]]:
    """Return each method's share of named queries of each class, with `sizes` examples. # -> [classes] each

    The regression uses one thread: with more, its threads wait twenty times as long as the fit takes.
    """
    from threadpoolctl import threadpool_limits

    drawn_rows = [rng.choice(pool, QUERIES + size, replace=False) for pool, size in zip(pools, sizes, strict=True)]
    queries = direction[np.concatenate([rows[:QUERIES] for rows in drawn_rows])]
    examples = direction[np.concatenate([rows[QUERIES:] for rows in drawn_rows])]
    example_label = np.repeat(np.arange(len(pools)), sizes)
    means = np.stack([examples[example_label == number].mean(axis=0) for number in range(len(pools))])
    means /= np.maximum(np.linalg.norm(means, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    answers = {
        "nearest exemplar": example_label[(queries @ examples.T).argmax(axis=1)],
        "nearest mean": (queries @ means.T).argmax(axis=1),
    }
    with threadpool_limits(1):
        answers["classifier"] = _classify(examples, example_label, queries, None)
        answers[BALANCED] = (
            _classify(examples, example_label, queries, "balanced") if np.ptp(sizes) else answers["classifier"]
        )
    truth = np.repeat(np.arange(len(pools)), QUERIES)
    return {method: (names == truth).reshape(-1, QUERIES).mean(axis=1) for method, names in answers.items()}


def _classify(
    examples: NDArray[np.float32], example_label: NDArray[np.int64], queries: NDArray[np.float32], weight: str | None
) -> NDArray[np.int64]:
    from sklearn.linear_model import LogisticRegression

    regression = LogisticRegression(C=STRENGTH, class_weight=weight, tol=1e-3, max_iter=1000)
    return np.asarray(regression.fit(examples, example_label).predict(queries))


def _example_count(examples: int, rounds: Sequence[dict[str, NDArray[np.float64]]]) -> ExampleCount:
    right = {method: np.array([round_shares[method].mean() for round_shares in rounds]) for method in METHODS}
    better_exemplar = max(METHODS[:2], key=lambda method: float(right[method].mean()))
    ahead = right["classifier"] - right[better_exemplar]
    method_shares = [
        FewShotShares(method, float(shares.mean()), half_interval(shares)) for method, shares in right.items()
    ]
    return ExampleCount(examples, method_shares, float(ahead.mean()), half_interval(ahead))


def _imbalance(
    method: str, rounds: Sequence[dict[str, NDArray[np.float64]]], sizes: Sequence[NDArray[np.int64]]
) -> Imbalance:
    pairs = [
        (round_shares[method][size == MANY].mean(), round_shares[method][size == FEW].mean())
        for round_shares, size in zip(rounds, sizes, strict=True)
    ]
    common, rare = np.array(pairs).T
    return Imbalance(method, float(common.mean()), half_interval(common), float(rare.mean()), half_interval(rare))
