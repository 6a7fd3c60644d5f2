"""One example per class, then the next windows of the same classes: how many are named right."""

from dataclasses import dataclass

import numpy as np

from detector.core.encoder import Encode
from trainer.data.examples import Examples
from trainer.errors import TrainingError

WAYS, QUERIES, ROUNDS = 6, 5, 400
VISIBLE_EFFECT = 2.0
"""Effect from which an episode can be seen at all; figures are given with and without the others."""

Z95 = 1.96


@dataclass(frozen=True)
class OneShotAccuracy:
    """A share of queries named right, and half the width of its 95 % interval over classes such as these."""

    share: float
    half: float


def one_shot_accuracy(encoder: Encode, examples: Examples, rng: np.random.Generator, least_effect: float = 0) -> float:
    """Share of queries whose nearest of six single examples (cosine) is of their own class; chance is 1/6."""
    return evaluate_one_shot(encoder, examples, rng, least_effect).share


def evaluate_one_shot(
    encoder: Encode, examples: Examples, rng: np.random.Generator, least_effect: float = 0
) -> OneShotAccuracy:
    """`one_shot_accuracy` with its interval. Raises TrainingError where fewer than six classes can be asked for.

    Windows of a class share its difficulty, so the interval is that of a mean over classes, not over queries.
    """
    direction = encoder(examples.windows).direction.astype(np.float32)
    seen = np.flatnonzero(examples.effect >= least_effect)
    pools = [seen[examples.label[seen] == number] for number in np.unique(examples.label[seen])]
    pools = [pool for pool in pools if len(pool) > QUERIES]
    if len(pools) < WAYS:
        raise TrainingError(
            f"an examination needs {WAYS} classes of {QUERIES + 1} windows or more, and this one has {len(pools)}."
        )
    right, asked = np.zeros(len(pools)), np.zeros(len(pools))
    for _ in range(ROUNDS):
        chosen = rng.choice(len(pools), WAYS, replace=False)
        drawn = np.stack([rng.choice(pools[number], QUERIES + 1, replace=False) for number in chosen])
        cosine = direction[drawn[:, 1:].ravel()] @ direction[drawn[:, 0]].T
        right[chosen] += (cosine.argmax(axis=1) == np.repeat(np.arange(WAYS), QUERIES)).reshape(WAYS, -1).sum(axis=1)
        asked[chosen] += QUERIES
    by_class = right[asked > 0] / asked[asked > 0]
    return OneShotAccuracy(float(right.sum() / asked.sum()), float(Z95 * by_class.std(ddof=1) / np.sqrt(len(by_class))))
