"""The training loop, to be read in one sitting: batches of classes, one shared network, one loss, AdamW.

Every window is moved to another cell's normal life half of the time (its change from its twin is added to a stranger's
window), loses whole groups of features, and is scaled: what remains to recognise is the fault.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector.core.features import ABSENT, Catalogue
from detector.core.networks.kinds import NETWORKS
from detector.core.networks.spec import Lesson, Spec
from detector.core.networks.views import blocks
from detector.errors import OperatorError
from trainer.losses import Option, choose, refuse_pairless
from trainer.windows import Examples

CLASSES, PER_CLASS, NORMALS = 32, 4, 32
"""Per batch: 32 classes of four windows each, and 32 normal windows that belong to none."""

BASE_SHARE = 0.25
"""Of the classes of a batch, named ones; the rest are procedural. More named ones learn these and forget the others."""

SEEN_EFFECT = 5.0
"""Windows are drawn with probability effect / 5, between 0.05 and 1: what cannot be seen cannot be learned."""

TRANSPLANT = 0.5
FEATURE_LOSS = 0.3
GAIN = 0.15
DROPOUT = 0.1
LEAST_SPREAD = 0.02
"""Of each embedding dimension over a batch, on average; a collapsed encoder has none."""


class TrainingError(OperatorError):
    """Training that led nowhere."""


@dataclass(frozen=True)
class Schedule:
    steps: int = 3000
    rate: float = 2e-3
    warm_up: int = 100
    decay: float = 1e-3
    clip: float = 2.0
    seed: int = 0
    loss: str = "supervised_contrastive"
    """By its name in `trainer.losses`."""
    loss_options: Mapping[str, Option] = field(default_factory=dict)


def train_encoder(
    spec: Spec,
    examples: Examples,
    base_classes: int,
    catalogue: Catalogue,
    schedule: Schedule,
    progress: Callable[[int, float], None] = lambda step, loss: None,
) -> dict[str, NDArray[np.float32]]:
    """Weights for a spec; class numbers below `base_classes` are the named ones.

    Whatever the loss is trained on, served is the unit direction of the out layer, and its collapse is refused. What
    the loss learns itself is thrown away. Raises TrainingError, and LossError for a loss that cannot be had.
    """
    import keras
    import tensorflow as tf

    objective = choose(schedule.loss, schedule.loss_options)
    keras.utils.set_random_seed(schedule.seed)
    rng = np.random.default_rng(schedule.seed)
    kind = NETWORKS[spec.kind]
    lesson = Lesson(DROPOUT, keras.random.SeedGenerator(schedule.seed))
    variables = {
        name: keras.Variable(_initial(name, shape, rng), trainable=name not in kind.unlearned, name=name)
        for name, shape in kind.shapes(spec).items()
    }
    loss_variables = {
        name: keras.Variable(value, name=name) for name, value in objective.learned(spec.dimension).items()
    }
    network = (variable for variable in variables.values() if variable.trainable)
    learned = [*network, *loss_variables.values()]
    warm_up = min(schedule.warm_up, schedule.steps // 10)
    rate = keras.optimizers.schedules.CosineDecay(
        1e-5, schedule.steps - warm_up, 0.01, warmup_target=schedule.rate, warmup_steps=warm_up
    )
    optimizer = keras.optimizers.AdamW(rate, weight_decay=schedule.decay, global_clipnorm=schedule.clip)
    optimizer.build(learned)
    anchors = CLASSES * PER_CLASS

    @tf.function
    def update(windows: "tf.Tensor", label: "tf.Tensor") -> "tuple[tf.Tensor, tf.Tensor]":
        with tf.GradientTape() as tape:
            weights = {n: v.value for n, v in variables.items()}
            direction, _, hidden, moved = kind.forward(blocks(windows), weights, lesson)
            embedding = direction if objective.embedding == "unit" else _raw(objective.embedding, hidden, weights)
            cost = objective(embedding, label, anchors, {n: v.value for n, v in loss_variables.items()})
            loss = tf.reduce_mean(cost)
        optimizer.apply(tape.gradient(loss, [variable.value for variable in learned]), learned)
        for name, average in moved.items():
            variables[name].assign(average)
        return loss, direction

    batches = _Batches(examples, base_classes, catalogue, rng)
    loss, direction = 0.0, None
    with ThreadPoolExecutor(1) as drawer:  # the next batch is drawn while this one is learned from
        drawn = drawer.submit(batches.draw)
        for step in range(schedule.steps):
            windows, label = drawn.result()
            drawn = drawer.submit(batches.draw)
            refuse_pairless(label)
            value, direction = update(windows, label)
            loss = 0.98 * loss + 0.02 * float(value) if step else float(value)
            progress(step + 1, loss)
    _refuse_collapse(np.asarray(direction))
    return {name: np.array(variable.numpy(), np.float32) for name, variable in variables.items()}


def _raw(embedding: str, hidden: Any, weights: Mapping[str, Any]) -> Any:
    """The out layer before it is normalised, as it is or through a sigmoid. # [n, hidden] -> [n, D]"""
    import tensorflow as tf

    out = hidden @ weights["out"] + weights["out_bias"]
    return tf.sigmoid(out) if embedding == "sigmoid" else out


def _initial(name: str, shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float32]:
    if name == "whiten":
        return np.eye(*shape, dtype=np.float32)
    if name.endswith(("_scale", "_variance")):
        return np.ones(shape, np.float32)
    if len(shape) == 1:
        return np.zeros(shape, np.float32)
    return (rng.standard_normal(shape) * np.sqrt(1.6 / shape[0])).astype(np.float32)


def _refuse_collapse(direction: NDArray[np.float32]) -> None:
    spread = float(direction.std(axis=0).mean())
    if not spread >= LEAST_SPREAD:
        raise TrainingError(
            f"the encoder collapsed (spread {spread:.3g} per dimension); lower the rate or add classes."
        )


class _Batches:
    """Draws classes, then windows of them, and varies what must not matter."""

    def __init__(self, examples: Examples, base_classes: int, catalogue: Catalogue, rng: np.random.Generator) -> None:
        self._examples, self._rng = examples, rng
        order = np.argsort(examples.label, kind="stable")
        numbers, starts = np.unique(examples.label[order], return_index=True)
        members = np.split(order, starts[1:])
        pools = dict(zip(numbers.tolist(), members, strict=True))
        weight = np.clip(examples.effect / SEEN_EFFECT, 0.05, 1)
        self._pools = {number: (pool, weight[pool] / weight[pool].sum()) for number, pool in pools.items()}
        self._base = [number for number in self._pools if number < base_classes]
        self._procedural = [number for number in self._pools if number >= base_classes]
        groups = [feature.group for feature in catalogue.features]
        self._groups = np.unique(groups, return_inverse=True)[1]
        self._named = min(round(BASE_SHARE * CLASSES), len(self._base)) if self._procedural else CLASSES
        if len(self._base) < self._named or len(self._procedural) < CLASSES - self._named:
            raise TrainingError(
                f"{len(self._base)} named and {len(self._procedural)} procedural classes do not fill a batch of"
                f" {CLASSES}; simulate at least {CLASSES} procedural ones."
            )

    def draw(self) -> tuple[NDArray[np.int8], NDArray[np.int64]]:
        """# -> int8 [CLASSES · PER_CLASS + NORMALS, 60, F], class numbers; those of normals are negative and differ"""
        rng, examples = self._rng, self._examples
        chosen = [*rng.choice(self._base, self._named, replace=False)] if self._named else []
        chosen += [*rng.choice(self._procedural, CLASSES - len(chosen), replace=False)]
        rows = np.concatenate([self._members(number) for number in chosen])
        windows = self._transplanted(rows)
        normal = examples.twins[rng.integers(len(examples.twins), size=NORMALS)]
        label = np.concatenate([np.repeat(chosen, PER_CLASS), -1 - np.arange(NORMALS)])
        return self._weathered(np.concatenate([windows, normal])), label.astype(np.int64)

    def _members(self, number: int) -> NDArray[np.int64]:
        pool, weight = self._pools[number]
        return self._rng.choice(pool, PER_CLASS, replace=len(pool) < PER_CLASS, p=weight)

    def _transplanted(self, rows: NDArray[np.int64]) -> NDArray[np.int8]:
        """Half of the windows: their change from the twin, on another cell's normal life."""
        examples = self._examples
        windows = examples.windows[rows]
        moved = np.flatnonzero(self._rng.random(len(rows)) < TRANSPLANT)
        here, there = (
            examples.twins[rows[moved]],
            examples.twins[self._rng.integers(len(examples.twins), size=len(moved))],
        )
        sum_ = windows[moved].astype(np.int16) - here + there
        absent = (windows[moved] == ABSENT) | (here == ABSENT) | (there == ABSENT)
        windows[moved] = np.where(absent, ABSENT, np.clip(sum_, -127, 127)).astype(np.int8)
        return windows

    def _weathered(self, windows: NDArray[np.int8]) -> NDArray[np.int8]:
        """One gain per window; for the whole batch, some groups of features and some single ones are never reported."""
        rng = self._rng
        gain = np.exp(GAIN * rng.standard_normal((len(windows), 1, 1))).astype(np.float32)
        scaled = np.clip(np.rint(windows * gain), -127, 127).astype(np.int8)
        rate = rng.random() * FEATURE_LOSS if rng.random() < 0.7 else 0.0
        lost = rng.random(self._groups.max() + 1)[self._groups] < rate
        lost |= rng.random(windows.shape[2]) < rate / 2
        return np.where((windows == ABSENT) | lost, ABSENT, scaled).astype(np.int8)
