"""One example of each class, everything else to be recognised by it: how well a way of comparing windows does that."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, roc_auc_score

from benchmarks.ladder.methods import Vectors

Compare = Callable[[Vectors, Vectors], Vectors]
Labels = NDArray[np.int64]

QUERIES = 5
"""Per class and round."""

SUPPORTS = 40
"""Examples per class whose detections are averaged."""


def recognise(
    vectors: Vectors, label: Labels, classes: Sequence[int], compare: Compare, rounds: int, rng: np.random.Generator
) -> float:
    """Macro-F1 of naming a window by the one support, per class, that is nearest to it."""
    pools = [np.flatnonzero(label == name) for name in classes]
    named = []
    for _ in range(rounds):
        drawn = np.stack([rng.choice(pool, 1 + QUERIES, replace=False) for pool in pools])
        named.append(compare(vectors[drawn[:, 1:].ravel()], vectors[drawn[:, 0]]).argmax(axis=1))
    return _macro_f1(np.concatenate(named), len(classes), rounds)


def transfer(
    supports: tuple[Vectors, Labels],
    queries: tuple[Vectors, Labels],
    classes: Sequence[int],
    compare: Compare,
    rounds: int,
    rng: np.random.Generator,
) -> float:
    """The same with the supports from one network and the queries from another."""
    sources, targets = ([np.flatnonzero(label == name) for name in classes] for _, label in (supports, queries))
    named = []
    for _ in range(rounds):
        support = [rng.choice(pool) for pool in sources]
        query = np.concatenate([rng.choice(pool, QUERIES) for pool in targets])
        named.append(compare(queries[0][query], supports[0][support]).argmax(axis=1))
    return _macro_f1(np.concatenate(named), len(classes), rounds)


def _macro_f1(named: NDArray[np.int64], classes: int, rounds: int) -> float:
    truth = np.tile(np.repeat(np.arange(classes), QUERIES), rounds)
    return float(f1_score(truth, named, average="macro"))


def detect(
    vectors: Vectors, label: Labels, classes: Sequence[int], compare: Compare, rng: np.random.Generator
) -> float:
    """Mean area under the ROC curve of finding a support's class among the windows of all 30."""
    areas = []
    for name in classes:
        for support in rng.choice(np.flatnonzero(label == name), SUPPORTS, replace=False):
            others = np.arange(len(label)) != support
            similarity = compare(vectors[others], vectors[support : support + 1])[:, 0]
            areas.append(roc_auc_score(label[others] == name, similarity))
    return float(np.mean(areas))


def supervise(
    train: tuple[Vectors, Labels], tests: Sequence[tuple[Vectors, Labels]], classes: Sequence[int]
) -> list[float]:
    """Macro-F1 of a logistic regression that saw hundreds of windows of each class: what the data allow."""
    model = LogisticRegression(C=0.02, max_iter=1000)
    known = np.isin(train[1], classes)
    model.fit(_tame(train[0][known]), train[1][known])
    scores = []
    for vectors, label in tests:
        asked = np.isin(label, classes)
        scores.append(float(f1_score(label[asked], model.predict(_tame(vectors[asked])), average="macro")))
    return scores


def _tame(vectors: Vectors) -> Vectors:
    return np.clip(vectors, -6, 6)
