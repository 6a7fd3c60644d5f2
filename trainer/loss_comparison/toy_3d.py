"""Toy training of three classes in three dimensions: normal and two faults, as a demonstration of each loss.

Encoders are not trained like this, since normal is not a class of their losses. The papers of these losses draw such
embeddings: they show how a loss contracts classes and separates them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from detector.core.networks.registry import spec_of
from trainer.calibration.whitening import Normality
from trainer.data.examples import Examples
from trainer.data.sampler import ANCHORS
from trainer.loss_comparison.dataset import TOY_FAULTS, ComparisonDataset
from trainer.loss_comparison.training_run import hyperparameters_of
from trainer.loss_comparison.variants import Variant
from trainer.losses.loss import LossError
from trainer.losses.registry import choose_loss
from trainer.metrics.one_shot import VISIBLE_EFFECT
from trainer.training.learner import Learner
from trainer.training.loop import LEAST_SPREAD

TOY_CLASSES = ("normal", *TOY_FAULTS)

STEPS, FRAMES = 300, 40
"""Steps of the training, and number of recorded frames; their steps are spaced geometrically."""

SHOWN_WINDOWS = 150
"""Largest number of drawn windows per class; none of them is a training window."""


@dataclass(frozen=True)
class ToyRun:
    """Toy training with one loss: its result, and the embeddings at each recorded step."""

    variant: Variant
    state: str
    """`trained`, `collapsed` or `refused`."""
    reason: str = ""
    embedding: str = "unit"
    """Output of the last layer that the loss needs: `unit`, `linear` or `sigmoid`."""
    frames: dict[int, NDArray[np.float32]] = field(default_factory=dict)
    """Embeddings of the drawn windows, by step. # [n, 3]"""
    label: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    """# [n]"""
    right: float | None = None
    """Share of the drawn windows at the end whose nearest class mean is that of their class."""


@dataclass(frozen=True)
class ToyTraining:
    """Training windows and drawn windows, the same for every loss. # [n, 60, F] and [n]"""

    train: NDArray[np.int8]
    train_label: NDArray[np.int64]
    shown: NDArray[np.int8]
    shown_label: NDArray[np.int64]

    @classmethod
    def of(cls, toy: Examples, rng: np.random.Generator) -> "ToyTraining":
        """Return visible faults and the normal twins of all windows, half for training and half to draw."""
        pools = [toy.twins[rng.permutation(len(toy.twins))]]
        for number in range(len(TOY_FAULTS)):
            rows = np.flatnonzero((toy.label == number) & (toy.effect >= VISIBLE_EFFECT))
            pools.append(toy.windows[rng.permutation(rows)])
        half = min(min(map(len, pools)) // 2, SHOWN_WINDOWS)
        label = np.repeat(np.arange(len(pools)), half)
        return cls(
            train=np.concatenate([pool[:half] for pool in pools]),
            train_label=label,
            shown=np.concatenate([pool[half : 2 * half] for pool in pools]),
            shown_label=label,
        )


def train_toy(variant: Variant, dataset: ComparisonDataset, toy: ToyTraining, steps: int, seed: int) -> ToyRun:
    """Train with one loss in three dimensions; a refused or collapsed loss is a result with its reason."""
    spec = replace(spec_of(variant.encoder, len(dataset.catalogue)), dimension=3)
    try:
        learner = Learner(spec, hyperparameters_of(variant, seed, steps), Normality.of(dataset.train, spec))
    except LossError as error:
        return ToyRun(variant, "refused", str(error))
    frames = _train(learner, toy, steps, np.random.default_rng([seed, 13]))
    state, reason = "trained", ""
    spread = float(learner.encode(toy.shown).direction.astype(np.float32).std(axis=0).mean())
    if not spread >= LEAST_SPREAD:  # a spread of NaN is a collapse as well
        state, reason = "collapsed", f"all windows have almost the same embedding (spread {spread:.3g} per dimension)"
    return ToyRun(
        variant=variant,
        state=state,
        reason=reason,
        embedding=choose_loss(variant.loss, dict(variant.options)).embedding,
        frames=frames,
        label=toy.shown_label,
        right=_share_nearest_own_mean(learner, toy, frames[steps]),
    )


def _train(learner: Learner, toy: ToyTraining, steps: int, rng: np.random.Generator) -> dict[int, NDArray[np.float32]]:
    """Train the learner and return the embeddings of the drawn windows at each recorded step. # [n, 3]"""
    network = np.zeros(ANCHORS, np.int64)
    recorded_steps, frames = frame_steps(steps), {0: learner.embed(toy.shown)}
    for step in range(steps):
        rows = _batch(toy.train_label, rng)
        learner.learn(step, toy.train[rows], toy.train_label[rows], network)
        if step + 1 in recorded_steps:
            frames[step + 1] = learner.embed(toy.shown)
    return frames


def frame_steps(steps: int) -> Sequence[int]:
    """Return the steps to record, the last one among them."""
    return np.unique(np.rint(np.geomspace(1, steps, min(FRAMES, steps))).astype(int)).tolist()


def _batch(label: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Return the rows of ANCHORS windows, the same number of each class. # [n] -> [ANCHORS]"""
    pools = [np.flatnonzero(label == number) for number in np.unique(label)]
    each = -(-ANCHORS // len(pools))
    return np.concatenate([rng.choice(pool, each) for pool in pools])[rng.permutation(each * len(pools))[:ANCHORS]]


def _share_nearest_own_mean(learner: Learner, toy: ToyTraining, shown: NDArray[np.float32]) -> float:
    train = learner.embed(toy.train)
    means = np.stack([train[toy.train_label == number].mean(axis=0) for number in np.unique(toy.train_label)])
    nearest = np.linalg.norm(shown[:, None] - means[None], axis=2).argmin(axis=1)
    return float((nearest == toy.shown_label).mean())
