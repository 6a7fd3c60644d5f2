"""One-shot figures: one example of each class, queries from other episodes, macro-F1 with its interval."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

QUERIES = 5
ROUNDS = 600
BOOTSTRAPS = 400


def one_shot(
    name: NDArray[np.str_],
    query: NDArray[np.float32],
    support_name: NDArray[np.str_],
    support: NDArray[np.float32],
    classes: Sequence[str],
    rng: np.random.Generator,
    usable: NDArray[np.bool_] | None = None,
    same: bool = True,
) -> tuple[float, float, float]:
    """Macro-F1 over `ROUNDS` draws and its 95 % interval over draws. Rows of both sides are episodes, unit length.

    `usable` picks the queries and examples that count; `same` says that equal rows are the same episode.
    """
    allowed = np.ones(len(name), bool) if usable is None else usable
    queries = [np.flatnonzero((name == label) & allowed) for label in classes]
    examples = [np.flatnonzero((support_name == label) & (allowed if same else True)) for label in classes]
    tables = np.zeros((ROUNDS, len(classes), len(classes)))
    for draw in range(ROUNDS):
        shown = np.array([rng.choice(pool) for pool in examples])
        for truth, pool in enumerate(queries):
            others = pool[pool != shown[truth]] if same else pool
            asked = rng.choice(others, QUERIES, replace=len(others) < QUERIES)
            said = (query[asked] @ support[shown].T).argmax(axis=1)
            np.add.at(tables[draw, truth], said, 1)
    spread = [_macro_f1(tables[rng.integers(ROUNDS, size=ROUNDS)].sum(axis=0)) for _ in range(BOOTSTRAPS)]
    low, high = np.quantile(spread, [0.025, 0.975])
    return _macro_f1(tables.sum(axis=0)), float(low), float(high)


def _macro_f1(table: NDArray[np.float64]) -> float:
    right = np.diag(table)
    return float(np.mean(2 * right / np.maximum(table.sum(axis=0) + table.sum(axis=1), 1)))


def unit(rows: NDArray[np.floating]) -> NDArray[np.float32]:
    single = rows.astype(np.float32)
    return np.asarray(single / np.linalg.norm(single, axis=-1, keepdims=True))
