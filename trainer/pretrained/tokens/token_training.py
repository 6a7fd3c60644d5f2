"""Learns the tokens: procedural faults in networks of random operators, each with features of its own.

Features have no names here: a batch is of one operator, the next of another, and only what serves them all is learned.
On base classes at operators that had no part in it, one-shot macro-F1 .72; learned from synthetic families in the same
networks .68; not at all, but for shrinking and whitening, .67.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector.core.networks.inputs import blocks, view
from detector.core.networks.registry import NETWORKS, spec_of, unit
from detector.core.networks.shared import VIEWS, token_shapes
from trainer.calibration.whitening import view_whitening
from trainer.data.baselines import fit_baseline
from trainer.data.examples import Examples, simulate_examples, without_smoothing
from trainer.data.history import START_MINUTE, SimulatedHistory
from trainer.losses.registry import choose_loss
from trainer.simulator import Network, delivered, random_operator

OPERATORS = range(201, 209)
"""Random operators that no bundle learns from and no test asks."""

FEATURES, CELLS, CLASSES, EACH = 60, 80, 400, 6
AT_ONCE, PER_CLASS = 32, 4
"""Classes of a batch, and windows of each."""

STEPS, RATE = 1500, 5e-3
VISIBLE_EFFECT = 5.0
"""As for other encoders: windows are drawn by what can be seen of them."""


@dataclass(frozen=True)
class TokenTrainingSet:
    """One operator's procedural faults, and what its normal windows look like."""

    examples: Examples
    """`EACH` windows of each class, one class after the other."""
    centre: NDArray[np.float32]
    whiten: NDArray[np.float32]


def draw_examples(number: int, workers: int) -> Examples:
    """Windows of a random operator's network, of a random part of what it delivers."""
    operator = without_smoothing(random_operator(number))
    span = (START_MINUTE, START_MINUTE + 7 * 1440)
    history = SimulatedHistory(Network(CELLS, 700 + number, operator), span, whole=True)
    first = 5000 + CLASSES * (number - OPERATORS.start)
    classes = range(first, first + CLASSES)
    told = simulate_examples(history, fit_baseline(history), classes, EACH, number, workers)
    some = np.random.default_rng([number, 5]).choice(delivered(operator.measurement), FEATURES, replace=False)
    some = np.sort(some)
    order = np.argsort(told.label, kind="stable")
    windows, twins = told.windows[order][:, :, some], told.twins[order][:, :, some]
    return Examples(windows, twins, told.label[order], told.effect[order], told.network)


def learn_tokens(
    lessons: Sequence[TokenTrainingSet],
    steps: int,
    seed: int,
    progress: Callable[[int, float], None] = lambda step, loss: None,
) -> dict[str, NDArray[np.float32]]:
    """The arrays of `token_shapes`."""
    import keras
    import tensorflow as tf

    rng = np.random.default_rng(seed)
    spec = spec_of("shared", FEATURES)
    forward = NETWORKS["shared"].forward
    objective = choose_loss("supervised_contrastive", {})
    tokens = {name: keras.Variable(value, name=name) for name, value in _initial(token_shapes(spec), rng).items()}
    loss_variables = {name: keras.Variable(value, name=name) for name, value in objective.initial_parameters(1).items()}
    learned = [*tokens.values(), *loss_variables.values()]
    warm_up = min(100, steps // 10)
    rate = keras.optimizers.schedules.CosineDecay(1e-5, steps - warm_up, 0.01, warmup_target=RATE, warmup_steps=warm_up)
    optimizer = keras.optimizers.AdamW(rate, weight_decay=1e-4, global_clipnorm=2.0)
    optimizer.build(learned)

    @tf.function(autograph=False)
    def update(windows: Any, label: Any, centre: Any, whiten: Any) -> Any:
        with tf.GradientTape() as tape:
            weights = {name: variable.value for name, variable in tokens.items()}
            measured = {"view_centre": centre, "view_whiten": whiten}
            direction = unit(forward(view(blocks(windows)), {**weights, **measured}).raw)
            cost = objective(
                direction, label, AT_ONCE * PER_CLASS, {name: v.value for name, v in loss_variables.items()}
            )
            loss = tf.reduce_mean(cost)
        optimizer.apply(tape.gradient(loss, [variable.value for variable in learned]), learned)
        return loss

    for step in range(steps):
        lesson = lessons[int(rng.integers(len(lessons)))]
        rows = _draw(lesson.examples, rng)
        examples = lesson.examples
        loss = update(examples.windows[rows], examples.label[rows], lesson.centre, lesson.whiten)
        progress(step + 1, float(loss))
    return {name: np.array(variable.numpy(), np.float32) for name, variable in tokens.items()}


def build_training_set(examples: Examples) -> TokenTrainingSet:
    """The twins are the operator's normal windows."""
    return TokenTrainingSet(examples, *view_whitening(examples.twins))


def _draw(examples: Examples, rng: np.random.Generator) -> NDArray[np.int64]:
    """# -> rows [AT_ONCE · PER_CLASS]"""
    weight = np.clip(examples.effect / VISIBLE_EFFECT, 0.05, 1).reshape(-1, EACH)
    classes = rng.choice(len(weight), AT_ONCE, replace=False)
    odds = weight[classes] / weight[classes].sum(axis=1, keepdims=True)
    drawn = [rng.choice(EACH, PER_CLASS, replace=False, p=p) for p in odds]
    return (classes[:, None] * EACH + np.stack(drawn)).ravel()


def _initial(shapes: dict[str, tuple[int, ...]], rng: np.random.Generator) -> dict[str, NDArray[np.float32]]:
    """The first token begins as the recent mean, shrunk; what is behind the views begins small."""
    values = {name: (0.3 * rng.standard_normal(shape)).astype(np.float32) for name, shape in shapes.items()}
    values["mix"] = (0.05 * rng.standard_normal(shapes["mix"])).astype(np.float32)
    values["mix"][0, 0] = 1
    values["token_out"] *= np.float32(0.2)
    values["token_bias"][:] = 0
    values["shrink"] = np.full(VIEWS, 0.7, np.float32)
    return values
