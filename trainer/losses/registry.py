"""Objectives of the Siamese training, by name, each with its paper's equation and a slow twin in the tests.

A loss takes a batch of embeddings with class numbers, equal within a class, and says what each of the first `anchors`
rows costs; the rows after them belong to no class and only push. The triplet losses are functions of three embeddings,
as a network with three inputs has them, and a batch is mined for such triplets. An anchor adds nothing for the kind of
pair it lacks. What a loss learns itself, a temperature or a head, is thrown away after the training.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from trainer.losses.batchwise import _cool, _tempered, multi_similarity, prototypical
from trainer.losses.loss import Loss, LossError, Option
from trainer.losses.mining import over_triplets
from trainer.losses.pairs import _head, contrastive, similarity
from trainer.losses.triplet import _refuse_narrow, lossless_triplet, soft_margin, triplet


def choose(name: str, options: Mapping[str, Option]) -> Loss:
    """The loss of that name, with these options in place of its defaults. Raises LossError."""
    if name not in LOSSES:
        raise LossError(f"there is no loss {name!r}; choose one of {', '.join(LOSSES)}.")
    loss = LOSSES[name]
    choices = {**CHOICES, "embedding": loss.embeddings}
    known = ["embedding", *loss.options]
    for option, value in options.items():
        if option not in known:
            raise LossError(f"the loss {name} has no option {option!r}; it has {', '.join(known)}.")
        if option in choices and value not in choices[option]:
            raise LossError(f"the loss {name} takes no {option} {value!r}; give it {' or '.join(choices[option])}.")
        if option not in choices and not (isinstance(value, int | float) and 0 < value < np.inf):
            raise LossError(f"{option} of the loss {name} is {value!r}; give a number above 0.")
    changed = {**loss.options, **options}
    return replace(loss, embeddings=(str(changed.pop("embedding", loss.embedding)),), options=changed)


def refuse_pairless(label: NDArray[np.int64]) -> None:
    """Raises LossError for a batch of one class only, or of none twice: nothing is to be learned from it. # [n]"""
    classes, count = np.unique(label, return_counts=True)
    if len(classes) < 2 or count.max() < 2:
        raise LossError(
            f"a batch of {len(label)} windows of {len(classes)} classes lacks positive or negative pairs;"
            " give it two classes or more, and two windows of one."
        )


CHOICES = {"mining": ("random", "semi-hard", "batch-hard"), "join": ("concatenation", "difference", "distance")}

LOSSES = {
    "supervised_contrastive": Loss(_tempered, ("unit",), start=_cool),
    "triplet": Loss(partial(over_triplets, triplet), ("unit", "linear"), {"mining": "semi-hard", "margin": 0.2}),
    "soft_margin": Loss(partial(over_triplets, soft_margin), ("unit", "linear"), {"mining": "semi-hard"}),
    "lossless_triplet": Loss(
        partial(over_triplets, lossless_triplet),
        ("sigmoid",),
        {"mining": "random", "beta": None, "epsilon": 1e-7},
        _refuse_narrow,
    ),
    "contrastive": Loss(contrastive, ("unit", "linear"), {"margin": 1.0}),
    "similarity": Loss(similarity, ("unit", "linear", "sigmoid"), {"join": "difference"}, _head),
    "prototypical": Loss(prototypical, ("linear", "unit")),
    "multi_similarity": Loss(multi_similarity, ("unit",), {"alpha": 2.0, "beta": 50.0, "base": 0.5, "epsilon": 0.1}),
}
"""Numbers are their papers', where these say any: 0.2 (FaceNet); 2, 50, 0.5 and 0.1 (Wang's code; the paper has λ 1).
An epsilon of 1e-7 is float32's step at 1. A contrastive margin of 1 is a guess, to be measured. Hermans mines
batch-hard and does not normalise: that collapsed in a small town, in 250 steps at rates of 5e-4 and 5e-3."""
