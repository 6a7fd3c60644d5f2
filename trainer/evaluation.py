"""One example per class, then the next windows of the same classes: how many are named right."""

import numpy as np

from detector.core.encoder import Encoder
from trainer.windows import Examples

WAYS, QUERIES, ROUNDS = 6, 5, 400
SEEN = 2.0
"""Effect from which an episode can be seen at all; figures are given with and without the others."""


def one_shot_accuracy(encoder: Encoder, examples: Examples, rng: np.random.Generator, least_effect: float = 0) -> float:
    """Share of queries whose nearest of six single examples (cosine) is of their own class; chance is 1/6."""
    direction = encoder(examples.windows).direction.astype(np.float32)
    seen = np.flatnonzero(examples.effect >= least_effect)
    pools = [seen[examples.label[seen] == number] for number in np.unique(examples.label[seen])]
    pools = [pool for pool in pools if len(pool) > QUERIES]
    right = total = 0
    for _ in range(ROUNDS):
        chosen = rng.choice(len(pools), WAYS, replace=False)
        drawn = np.stack([rng.choice(pools[number], QUERIES + 1, replace=False) for number in chosen])
        cosine = direction[drawn[:, 1:].ravel()] @ direction[drawn[:, 0]].T
        right += int((cosine.argmax(axis=1) == np.repeat(np.arange(WAYS), QUERIES)).sum())
        total += WAYS * QUERIES
    return right / total
