"""The questions put to an encoder and to the plain method: unseen classes alone, among look-alikes, at home, abroad."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality.detection import detection
from benchmarks.quality.episodes import LOOK_ALIKES, NORMAL, Classes, Sample, exemplars, sample
from benchmarks.quality.figures import one_shot, unit
from detector.bundle.format import Bundle
from detector.core.encoder import Encoder
from trainer.calibration.bundle_builder import WHITENED
from trainer.calibration.normal_profile import measure_weights
from trainer.evaluation.baseline_methods import summary
from trainer.simulator import OPERATOR_A, OPERATOR_B

SEEN = 2.0
"""Effect from which a person would see the episode at all."""

Rows = tuple[NDArray[np.float32], NDArray[np.float32]]
Figure = tuple[float, float, float]


def examine(bundle: Bundle, unseen: Classes, seeds: Sequence[int]) -> dict[str, dict[str, list[Figure]]]:
    """By method and line of the table: macro-F1 with its 95 % interval, one for each seed."""
    figures: dict[str, dict[str, list[Figure]]] = {"encoder": {}, "summary": {}}
    for seed in seeds:
        samples = {"A": sample(OPERATOR_A, seed, unseen), "B": sample(OPERATOR_B, seed, unseen)}
        encoders = {name: at_home(bundle, one) for name, one in samples.items()}
        told = {name: embedded(encoders[name], one) for name, one in samples.items()}
        foreign = unit(exemplars(encoders["B"], samples["A"].support).direction)
        lines = measure(samples, told, foreign, list(unseen), np.random.default_rng(seed))
        for name, one in samples.items():
            lines |= detection(encoders[name], one, list(unseen), f"operator {name}")
        for line, figure in lines.items():
            figures["encoder"].setdefault(line, []).append(figure)
        told = {name: summarised(one) for name, one in samples.items()}
        plain = measure(samples, told, told["A"][1], list(unseen), np.random.default_rng(seed))
        for line, figure in plain.items():
            figures["summary"].setdefault(line, []).append(figure)
    return figures


def at_home(bundle: Bundle, one: Sample) -> Encoder:
    """Whitened by the network's own life, as `adapt` does without a label."""
    spec = bundle.manifest.spec
    return Encoder(spec, {**bundle.weights, **measure_weights(spec, one.life[:WHITENED])})


def embedded(encoder: Encoder, one: Sample) -> Rows:
    """Normal needs no example: its exemplar is the mean of the bank that a bundle carries."""
    shown = unit(exemplars(encoder, one.support).direction)
    shown[one.name == NORMAL] = unit(encoder(one.life[:WHITENED]).direction.astype(np.float32).mean(axis=0)[None])
    return unit(encoder(one.query).direction), shown


def summarised(one: Sample) -> Rows:
    rows = summary(one.support.reshape(-1, *one.support.shape[2:])).reshape(*one.support.shape[:2], -1).mean(axis=1)
    shown = unit(rows)
    shown[one.name == NORMAL] = unit(summary(one.life[:WHITENED]).mean(axis=0)[None])
    return summary(one.query), shown


def measure(
    samples: dict[str, Sample],
    told: dict[str, Rows],
    foreign: NDArray[np.float32],
    unseen: Sequence[str],
    rng: np.random.Generator,
) -> dict[str, Figure]:
    """Macro-F1 and interval of every line of the table, for one seed. `foreign` are A's examples as B sees them."""
    a, b = samples["A"], samples["B"]
    (query_a, shown_a), (query_b, shown_b) = told["A"], told["B"]
    everything = [*unseen, *LOOK_ALIKES, NORMAL]
    few, all_of_them, seen = f"{len(unseen)}-way", f"{len(everything)}-way", a.effect >= SEEN
    return {
        f"{few}, operator A": one_shot(a.name, query_a, a.name, shown_a, unseen, rng),
        f"{few}, operator B": one_shot(b.name, query_b, b.name, shown_b, unseen, rng),
        f"{all_of_them}, operator A": one_shot(a.name, query_a, a.name, shown_a, everything, rng),
        f"{all_of_them}, operator B": one_shot(b.name, query_b, b.name, shown_b, everything, rng),
        f"taught at A, asked at B, {few}": one_shot(b.name, query_b, a.name, foreign, unseen, rng, same=False),
        f"{few}, effect of 2 and more, operator A": one_shot(a.name, query_a, a.name, shown_a, unseen, rng, seen),
    }
