"""A lesson of three classes in three dimensions: normal life and two faults, where a person can look on.

Not what an encoder is trained for, where normal life is no class, but what the papers of these losses draw: how each
pulls together and pushes apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from detector.core.networks.registry import spec_of
from trainer.calibration.whitening import Normality
from trainer.data.examples import Examples
from trainer.data.sampler import ANCHORS
from trainer.loss_comparison.dataset import THREE, ComparisonDataset
from trainer.loss_comparison.training_run import schedule_of
from trainer.loss_comparison.variants import Variant
from trainer.losses.loss import LossError
from trainer.losses.registry import choose_loss
from trainer.metrics.one_shot import VISIBLE_EFFECT
from trainer.training.learner import Learner
from trainer.training.loop import LEAST_SPREAD

NAMES = ("normal life", *THREE)

STEPS, FRAMES = 300, 40
"""Of the lesson, and how often it is looked at: often at first, when most happens."""

SHOWN = 150
"""Windows of each class that are drawn; none of them was learned from."""


@dataclass(frozen=True)
class ToyRun:
    """How one loss took it."""

    contestant: Variant
    state: str
    reason: str = ""
    embedding: str = "unit"
    """`unit`, `linear` or `sigmoid`: what the loss asks the out layer for."""
    seen: dict[int, NDArray[np.float32]] = field(default_factory=dict)
    """By step, the windows that are drawn, as the loss sees them. # [n, 3]"""
    label: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    """# [n]"""
    right: float | None = None
    """Share of them at the end that lie nearest to the middle of their own class."""


@dataclass(frozen=True)
class ToyTraining:
    """The same windows for every loss."""

    learned: NDArray[np.int8]
    learned_label: NDArray[np.int64]
    shown: NDArray[np.int8]
    shown_label: NDArray[np.int64]

    @classmethod
    def of(cls, three: Examples, rng: np.random.Generator) -> "ToyTraining":
        """Faults that can be seen, and normal windows of the others' cells and minutes; half to learn, half to show."""
        pools = [three.twins[rng.permutation(len(three.twins))]]
        for number in range(len(THREE)):
            rows = np.flatnonzero((three.label == number) & (three.effect >= VISIBLE_EFFECT))
            pools.append(three.windows[rng.permutation(rows)])
        half = min(min(map(len, pools)) // 2, SHOWN)
        label = np.repeat(np.arange(len(pools)), half)
        return cls(
            np.concatenate([pool[:half] for pool in pools]), label,
            np.concatenate([pool[half : 2 * half] for pool in pools]), label,
        )  # fmt: skip


def teach(contestant: Variant, material: ComparisonDataset, classroom: ToyTraining, steps: int, seed: int) -> ToyRun:
    spec = replace(spec_of(contestant.encoder, len(material.catalogue)), dimension=3)
    try:
        learner = Learner(spec, schedule_of(contestant, seed, steps), Normality.of(material.learned, spec))
    except LossError as error:
        return ToyRun(contestant, "refused", str(error))
    rng = np.random.default_rng([seed, 13])
    home = np.zeros(ANCHORS, np.int64)
    frames, seen = frames_of(steps), {0: learner.embed(classroom.shown)}
    for step in range(steps):
        rows = _batch(classroom.learned_label, rng)
        learner.learn(step, classroom.learned[rows], classroom.learned_label[rows], home)
        if step + 1 in frames:
            seen[step + 1] = learner.embed(classroom.shown)
    embedding = choose_loss(contestant.loss, dict(contestant.options)).embedding
    last, label = seen[steps], classroom.shown_label
    right = _nearest_middle(learner.embed(classroom.learned), classroom.learned_label, last, label)
    spread = float(learner.encode(classroom.shown).direction.astype(np.float32).std(axis=0).mean())
    if not spread >= LEAST_SPREAD:  # NaN is no spread either
        reason = f"all windows came to lie together (spread {spread:.3g} per dimension)"
        return ToyRun(contestant, "collapsed", reason, embedding, seen, label, right)
    return ToyRun(contestant, "trained", "", embedding, seen, label, right)


def frames_of(steps: int) -> Sequence[int]:
    """Steps that are looked at, the last among them."""
    return np.unique(np.rint(np.geomspace(1, steps, min(FRAMES, steps))).astype(int)).tolist()


def _batch(label: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """ANCHORS windows, of each class as many as of another. # [n] -> rows [ANCHORS]"""
    pools = [np.flatnonzero(label == number) for number in np.unique(label)]
    each = -(-ANCHORS // len(pools))
    return np.concatenate([rng.choice(pool, each) for pool in pools])[rng.permutation(each * len(pools))[:ANCHORS]]


def _nearest_middle(
    learned: NDArray[np.float32], learned_of: NDArray[np.int64], shown: NDArray[np.float32], of: NDArray[np.int64]
) -> float:
    middles = np.stack([learned[learned_of == number].mean(axis=0) for number in np.unique(learned_of)])
    nearest = np.linalg.norm(shown[:, None] - middles[None], axis=2).argmin(axis=1)
    return float((nearest == of).mean())
