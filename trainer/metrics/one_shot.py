"""Six-way one-shot accuracy of an encoder: the measure of a training's validation and of a bundle's figures.

Each round draws six classes, one window of each as the exemplar, and five more as queries. It differs from
`trainer.metrics.embedding`, whose rounds are drawn beforehand for several losses, and from
`trainer.metrics.nearest_exemplar`, which asks about all classes of a history.
"""

from dataclasses import dataclass

import numpy as np

from detector.core.encoder import Encode
from trainer.data.examples import Examples
from trainer.errors import TrainingError

WAYS, QUERIES, ROUNDS = 6, 5, 400
"""Classes of a round, queries of each class, and rounds."""

VISIBLE_EFFECT = 2.0
"""Effect from which an episode is visible. Figures are given with and without the others."""

Z95 = 1.96
"""Standard deviations on either side of a 95 % interval."""


@dataclass(frozen=True)
class OneShotAccuracy:
    """Share of the queries named right, with its 95 % interval over classes such as these."""

    share: float
    half_width: float
    """Half of the interval's width."""


def one_shot_accuracy(encoder: Encode, examples: Examples, rng: np.random.Generator, least_effect: float = 0) -> float:
    """Return the share of queries whose nearest of six exemplars (by cosine) is of their own class; chance is 1/6."""
    return evaluate_one_shot(encoder, examples, rng, least_effect).share


def evaluate_one_shot(
    encoder: Encode, examples: Examples, rng: np.random.Generator, least_effect: float = 0
) -> OneShotAccuracy:
    """Return `one_shot_accuracy` with its interval, over windows of at least this effect.

    Windows of a class share its difficulty, so the interval is that of a mean over classes, not over queries. Raises
    TrainingError if fewer than six classes have six such windows.
    """
    direction = encoder(examples.windows).direction.astype(np.float32)
    visible = np.flatnonzero(examples.effect >= least_effect)
    pools = [visible[examples.label[visible] == number] for number in np.unique(examples.label[visible])]
    pools = [pool for pool in pools if len(pool) > QUERIES]
    if len(pools) < WAYS:
        raise TrainingError(
            f"one-shot accuracy needs {WAYS} classes with {QUERIES + 1} windows or more; these examples have"
            f" {len(pools)}. Give more classes or more windows of each."
        )
    right, queries = np.zeros(len(pools)), np.zeros(len(pools))
    for _ in range(ROUNDS):
        classes = rng.choice(len(pools), WAYS, replace=False)
        rows = np.stack([rng.choice(pools[number], QUERIES + 1, replace=False) for number in classes])
        cosine = direction[rows[:, 1:].ravel()] @ direction[rows[:, 0]].T
        right[classes] += (cosine.argmax(axis=1) == np.repeat(np.arange(WAYS), QUERIES)).reshape(WAYS, -1).sum(axis=1)
        queries[classes] += QUERIES
    by_class = right[queries > 0] / queries[queries > 0]
    half_width = float(Z95 * by_class.std(ddof=1) / np.sqrt(len(by_class)))
    return OneShotAccuracy(float(right.sum() / queries.sum()), half_width)
