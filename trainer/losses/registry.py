"""Registry of the losses: every objective of the Siamese training by name, each with a slow twin in the tests.

A loss takes a batch of embeddings with class numbers, equal within a class, and returns the cost of each of the first
`anchors` rows. The rows after them belong to no class and serve as negatives only. The triplet losses are functions of
three embeddings, as a network with three inputs has them; a batch is mined for such triplets. An anchor adds nothing
for the kind of pair that it lacks. The training discards a loss's own parameters (a temperature or a head) at its end.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from trainer.losses.batchwise import (
    initial_temperature,
    multi_similarity,
    prototypical,
    supervised_contrastive_learned_temperature,
)
from trainer.losses.loss import Loss, LossError, Option
from trainer.losses.mining import average_over_triplets
from trainer.losses.pairs import contrastive, initial_head, similarity
from trainer.losses.triplet import check_beta, lossless_triplet, soft_margin, triplet


def choose_loss(name: str, options: Mapping[str, Option]) -> Loss:
    """Return the loss of that name, with these options in place of its defaults. Raises LossError."""
    if name not in LOSSES:
        raise LossError(f"there is no loss {name!r}. Choose one of {', '.join(LOSSES)}.")
    loss = LOSSES[name]
    choices = {**CHOICES, "embedding": loss.embeddings}
    allowed = ["embedding", *loss.options]
    for option, value in options.items():
        if option not in allowed:
            raise LossError(f"the loss {name} has no option {option!r}. Its options are {', '.join(allowed)}.")
        if option in choices and value not in choices[option]:
            raise LossError(
                f"the loss {name} has {option} {value!r}; allowed are {', '.join(choices[option])}. Give one of these."
            )
        if option not in choices and not (isinstance(value, int | float) and 0 < value < np.inf):
            raise LossError(f"the loss {name} has {option} {value!r}; allowed is a number above 0. Give such a number.")
    changed = {**loss.options, **options}
    return replace(loss, embeddings=(str(changed.pop("embedding", loss.embedding)),), options=changed)


def refuse_pairless(label: NDArray[np.int64]) -> None:
    """Refuse a batch without positive or without negative pairs. Raises LossError. # [n]"""
    classes, count = np.unique(label, return_counts=True)
    if len(classes) < 2 or count.max() < 2:
        raise LossError(
            f"a batch of {len(label)} windows in {len(classes)} classes has no positive or no negative pairs."
            " Give at least two classes, and at least two windows of one class."
        )


CHOICES = {"mining": ("random", "semi-hard", "batch-hard"), "join": ("concatenation", "difference", "distance")}
"""Allowed values of the options that are words."""

LOSSES = {
    "supervised_contrastive": Loss(supervised_contrastive_learned_temperature, ("unit",), start=initial_temperature),
    "triplet": Loss(
        partial(average_over_triplets, triplet), ("unit", "linear"), {"mining": "semi-hard", "margin": 0.2}
    ),
    "soft_margin": Loss(partial(average_over_triplets, soft_margin), ("unit", "linear"), {"mining": "semi-hard"}),
    "lossless_triplet": Loss(
        partial(average_over_triplets, lossless_triplet),
        ("sigmoid",),
        {"mining": "random", "beta": None, "epsilon": 1e-7},
        check_beta,
    ),
    "contrastive": Loss(contrastive, ("unit", "linear"), {"margin": 1.0}),
    "similarity": Loss(similarity, ("unit", "linear", "sigmoid"), {"join": "difference"}, initial_head),
    "prototypical": Loss(prototypical, ("linear", "unit")),
    "multi_similarity": Loss(multi_similarity, ("unit",), {"alpha": 2.0, "beta": 50.0, "base": 0.5, "epsilon": 0.1}),
}
"""Losses by name. Defaults are their papers' where these give any: 0.2 (FaceNet); 2, 50, 0.5 and 0.1 (Wang's code; the
paper has λ 1). An epsilon of 1e-7 is float32's step at 1. A contrastive margin of 1 is a guess, to be measured. Hermans
mines batch-hard and does not normalise: that collapsed in a small network, in 250 steps at rates of 5e-4 and 5e-3."""
