"""The questions put to an encoder and to the plain method: unseen classes alone, among look-alikes, at home, abroad."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from detector.core.encoder import Encoder
from tests.quality.episodes import LOOK_ALIKES, NORMAL, Classes, Sample, exemplars, sample
from tests.quality.figures import one_shot, summary
from trainer.simulator import OPERATOR_A, OPERATOR_B

SEEN = 2.0
"""Effect from which a person would see the episode at all."""

Rows = tuple[NDArray[np.float32], NDArray[np.float32]]
Figure = tuple[float, float, float]


def examine(encoder: Encoder, unseen: Classes, seeds: Sequence[int]) -> dict[str, dict[str, list[Figure]]]:
    """By method and line of the table: macro-F1 with its 95 % interval, one for each seed."""
    figures: dict[str, dict[str, list[Figure]]] = {"encoder": {}, "summary": {}}
    for seed in seeds:
        samples = {"A": sample(OPERATOR_A, seed, unseen), "B": sample(OPERATOR_B, seed, unseen)}
        for method, rows in (("encoder", embedded(encoder)), ("summary", summarised)):
            told = {name: rows(one) for name, one in samples.items()}
            for name, figure in measure(samples, told, list(unseen), np.random.default_rng(seed)).items():
                figures[method].setdefault(name, []).append(figure)
    return figures


def embedded(encoder: Encoder) -> Callable[[Sample], Rows]:
    return lambda one: (encoder(one.query).direction.astype(np.float32), exemplars(encoder, one.support))


def summarised(one: Sample) -> Rows:
    rows = summary(one.support.reshape(-1, *one.support.shape[2:])).reshape(*one.support.shape[:2], -1).mean(axis=1)
    return summary(one.query), rows / np.linalg.norm(rows, axis=1, keepdims=True)


def measure(
    samples: dict[str, Sample], told: dict[str, Rows], unseen: Sequence[str], rng: np.random.Generator
) -> dict[str, Figure]:
    """Macro-F1 and interval of every line of the table, for one seed."""
    a, b = samples["A"], samples["B"]
    (query_a, shown_a), (query_b, shown_b) = told["A"], told["B"]
    everything = [*unseen, *LOOK_ALIKES, NORMAL]
    few, all_of_them, seen = f"{len(unseen)}-way", f"{len(everything)}-way", a.effect >= SEEN
    return {
        f"{few}, operator A": one_shot(a.name, query_a, a.name, shown_a, unseen, rng),
        f"{few}, operator B": one_shot(b.name, query_b, b.name, shown_b, unseen, rng),
        f"{all_of_them}, operator A": one_shot(a.name, query_a, a.name, shown_a, everything, rng),
        f"{all_of_them}, operator B": one_shot(b.name, query_b, b.name, shown_b, everything, rng),
        f"taught at A, asked at B, {few}": one_shot(b.name, query_b, a.name, shown_a, unseen, rng, same=False),
        f"{few}, effect of 2 and more, operator A": one_shot(a.name, query_a, a.name, shown_a, unseen, rng, seen),
    }
