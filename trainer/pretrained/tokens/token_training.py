"""Training of the tokens: procedural faults in networks of random operators, each with different features.

Features have no names here. Each batch is from one random operator, so the tokens learn only what all operators have in
common. One-shot macro-F1 on base classes at operators outside the training: .72; with tokens learned from injected
families in the same networks .68; with no learned tokens, only shrinking and whitening, .67.
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
from trainer.simulator import Network, delivered_columns, random_operator

OPERATORS = range(201, 209)
"""Random operators that no bundle is trained on and no test uses."""

FEATURES, CELLS, CLASSES, EACH = 60, 80, 400, 6
"""Features and cells of each operator, its procedural classes, and windows of each."""

CLASSES_PER_BATCH, PER_CLASS = 32, 4
"""Classes of a batch, and windows of each."""

STEPS, RATE = 1500, 5e-3

VISIBLE_EFFECT = 5.0
"""As for other encoders: windows are drawn with probability effect / 5, between 0.05 and 1."""


@dataclass(frozen=True)
class TokenTrainingSet:
    """Procedural faults of one operator, and the whitening of its normal windows."""

    examples: Examples
    """`EACH` windows of each class, one class after the other."""
    centre: NDArray[np.float32]
    whiten: NDArray[np.float32]


def draw_examples(number: int, workers: int) -> Examples:
    """Return windows of a random operator's network, with a random subset of its features, sorted by class."""
    operator = without_smoothing(random_operator(number))
    span = (START_MINUTE, START_MINUTE + 7 * 1440)
    history = SimulatedHistory(Network(CELLS, 700 + number, operator), span, whole=True)
    first = 5000 + CLASSES * (number - OPERATORS.start)
    classes = range(first, first + CLASSES)
    examples = simulate_examples(history, fit_baseline(history), classes, each=EACH, seed=number, workers=workers)
    features = np.random.default_rng([number, 5]).choice(
        delivered_columns(operator.measurement), FEATURES, replace=False
    )
    features = np.sort(features)
    order = np.argsort(examples.label, kind="stable")
    return Examples(
        windows=examples.windows[order][:, :, features],
        twins=examples.twins[order][:, :, features],
        label=examples.label[order],
        effect=examples.effect[order],
        network=examples.network,
    )


def learn_tokens(
    training_sets: Sequence[TokenTrainingSet],
    steps: int,
    seed: int,
    progress: Callable[[int, float], None] = lambda step, loss: None,
) -> dict[str, NDArray[np.float32]]:
    """Return the learned arrays of `token_shapes`; `progress` is called with each step and its loss."""
    import keras
    import tensorflow as tf

    rng = np.random.default_rng(seed)
    spec = spec_of("shared", FEATURES)
    forward = NETWORKS["shared"].forward
    objective = choose_loss("supervised_contrastive", {})
    tokens = {
        name: keras.Variable(value, name=name) for name, value in _initial_tokens(token_shapes(spec), rng).items()
    }
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
            network_arrays = {"view_centre": centre, "view_whiten": whiten}
            direction = unit(forward(view(blocks(windows)), {**weights, **network_arrays}).raw)
            parameters = {name: variable.value for name, variable in loss_variables.items()}
            loss = tf.reduce_mean(objective(direction, label, CLASSES_PER_BATCH * PER_CLASS, parameters))
        optimizer.apply(tape.gradient(loss, [variable.value for variable in learned]), learned)
        return loss

    for step in range(steps):
        training_set = training_sets[int(rng.integers(len(training_sets)))]
        examples = training_set.examples
        rows = _draw_rows(examples, rng)
        loss = update(examples.windows[rows], examples.label[rows], training_set.centre, training_set.whiten)
        progress(step + 1, float(loss))
    return {name: np.array(variable.numpy(), np.float32) for name, variable in tokens.items()}


def build_training_set(examples: Examples) -> TokenTrainingSet:
    """Return the training set of one operator's examples; their twins are its normal windows."""
    return TokenTrainingSet(examples, *view_whitening(examples.twins))


def _draw_rows(examples: Examples, rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw the rows of a batch. # -> [CLASSES_PER_BATCH · PER_CLASS]"""
    weight = np.clip(examples.effect / VISIBLE_EFFECT, 0.05, 1).reshape(-1, EACH)
    classes = rng.choice(len(weight), CLASSES_PER_BATCH, replace=False)
    odds = weight[classes] / weight[classes].sum(axis=1, keepdims=True)
    members = [rng.choice(EACH, PER_CLASS, replace=False, p=p) for p in odds]
    return (classes[:, None] * EACH + np.stack(members)).ravel()


def _initial_tokens(shapes: dict[str, tuple[int, ...]], rng: np.random.Generator) -> dict[str, NDArray[np.float32]]:
    """Return initial tokens: the first is the recent mean, shrunk; the weights behind the views are small."""
    values = {name: (0.3 * rng.standard_normal(shape)).astype(np.float32) for name, shape in shapes.items()}
    values["mix"] = (0.05 * rng.standard_normal(shapes["mix"])).astype(np.float32)
    values["mix"][0, 0] = 1
    values["token_out"] *= np.float32(0.2)
    values["token_bias"][:] = 0
    values["shrink"] = np.full(VIEWS, 0.7, np.float32)
    return values
