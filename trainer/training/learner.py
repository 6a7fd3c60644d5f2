"""What a training changes: the shared network's weights, what the loss learns itself, and the optimiser's memory.

All that is drawn at random inside a step follows from the seed and the step's number, so these arrays are all there is
to a training's state.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector.core.encoder import Embeddings, embeddings_of
from detector.core.networks.inputs import View, blocks, lines, view, whitened
from detector.core.networks.registry import NETWORKS, unit
from detector.core.networks.spec import Spec
from trainer.calibration.whitening import Normality
from trainer.data.sampler import ANCHORS
from trainer.losses.loss import Option
from trainer.losses.registry import choose_loss
from trainer.training import distributed

DROPOUT = 0.1

ENCODED = 512
"""Windows at once in an examination: a few hundredths of a second on one core."""

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Hyperparameters:
    steps: int = 3000
    rate: float = 2e-3
    warm_up: int = 100
    decay: float = 1e-3
    clip: float = 2.0
    seed: int = 0
    loss: str = "supervised_contrastive"
    """By its name in `trainer.losses`."""
    loss_options: Mapping[str, Option] = field(default_factory=dict)
    devices: int = 1
    examinations: int = 20
    """In equal distances, the last one after the last step; none where there is no exam."""
    patience: int = 10
    """Examinations without a better figure after which the training ends."""


class Learner:
    """Raises LossError for a loss that cannot be had, and TrainingError for devices that are not there."""

    def __init__(self, spec: Spec, schedule: Hyperparameters, normality: Normality) -> None:
        import keras
        import tensorflow as tf

        keras.utils.set_random_seed(schedule.seed)
        self._objective = choose_loss(schedule.loss, schedule.loss_options)
        self._clip, self._seed = schedule.clip, schedule.seed
        rng = np.random.default_rng(schedule.seed)
        self._kind, self._spec = NETWORKS[spec.kind], spec
        self._normality = tuple(tf.constant(part) for part in (normality.centre, normality.whiten))
        measured = {"centre": normality.centre[0], "whiten": normality.whiten[0], "project": normality.project}
        start = {name: _initial(name, shape, rng) for name, shape in self._kind.shapes(spec).items()} | measured
        own = self._objective.initial_parameters(spec.dimension)
        self._strategy = distributed.strategy(schedule.devices)
        with self._strategy.scope():
            self._weights = {
                name: keras.Variable(value, trainable=name not in self._kind.unlearned, name=name)
                for name, value in start.items()
            }
            self._own = {name: keras.Variable(value, name=name) for name, value in own.items()}
            network = [variable for variable in self._weights.values() if variable.trainable]
            self._learned = [*network, *self._own.values()]
            self._optimizer = keras.optimizers.AdamW(_rate(schedule), weight_decay=schedule.decay)
            self._optimizer.build(self._learned)
        windows = tf.TensorSpec((None, 60, spec.features), tf.int8)
        self._step = tf.function(self._on_all_devices, autograph=False)
        self._direction = tf.function(self._served, input_signature=[windows], autograph=False)
        self._asked_for = tf.function(self._in_the_loss, input_signature=[windows], autograph=False)

    def learn(
        self, step: int, windows: NDArray[np.int8], label: NDArray[np.int64], network: NDArray[np.int64]
    ) -> tuple[float, float, float]:
        """One step: its loss, the spread of the directions, and the rate. # int8 [ROWS, 60, F], [ROWS], [ROWS]"""
        import tensorflow as tf

        shares = distributed.split_rows(windows, self._strategy)
        homes = distributed.split_rows(network, self._strategy)
        told = self._step(shares, homes, tf.constant(label), tf.constant([self._seed, step], tf.int64))
        loss, spread, rate = self._strategy.experimental_local_results(told)[0].numpy().tolist()
        return loss, spread, rate

    def encode(self, windows: NDArray[np.int8], /) -> Embeddings:
        """Directions as the served encoder's in the first network; the rest is not learned, and left out."""
        parts = [self._direction(windows[at : at + ENCODED]).numpy() for at in range(0, len(windows), ENCODED)]
        rest = (np.ones(len(windows)), np.zeros((len(windows), self._spec.shift)))
        return embeddings_of(np.concatenate(parts), *rest)

    def embed(self, windows: NDArray[np.int8], /) -> NDArray[np.float32]:
        """As the loss sees them, but without dropout: directions, the out layer itself, or its sigmoid. # -> [n, D]"""
        parts = [self._asked_for(windows[at : at + ENCODED]).numpy() for at in range(0, len(windows), ENCODED)]
        return np.concatenate(parts)

    def weights(self) -> dict[str, NDArray[np.float32]]:
        return {name: np.array(variable.numpy(), np.float32) for name, variable in self._weights.items()}

    def arrays(self) -> Arrays:
        """All that a training needs to go on."""
        return {name: np.array(variable.numpy()) for name, variable in self._variables().items()}

    def restore(self, arrays: Arrays) -> None:
        for name, variable in self._variables().items():
            variable.assign(arrays[name])

    def copies(self) -> list[Arrays]:
        """Every device's own copy of what is learned."""
        of = [self._strategy.experimental_local_results(v.value) for v in self._learned]
        return [
            {variable.name: np.array(copy.numpy()) for variable, copy in zip(self._learned, one, strict=True)}
            for one in zip(*of, strict=True)
        ]

    def _variables(self) -> dict[str, Any]:
        optimizer = {f"optimizer/{place}": variable for place, variable in enumerate(self._optimizer.variables)}
        weights = {f"weights/{name}": variable for name, variable in self._weights.items()}
        return {**weights, **{f"loss/{name}": variable for name, variable in self._own.items()}, **optimizer}

    def _on_all_devices(self, shares: Any, homes: Any, label: Any, seed: Any) -> Any:
        return self._strategy.run(self._update, (shares, homes, label, seed))

    def _update(self, windows: Any, network: Any, label: Any, seed: Any) -> Any:
        import tensorflow as tf

        with tf.GradientTape() as tape:
            output = self._kind.forward(self._view(windows, network), self._values(), self._drop(label.shape[0], seed))
            raw = distributed.gather_replicas(output.raw)
            direction = tf.math.l2_normalize(raw, axis=1)
            embedding = self._embedding(raw)
            own = {name: variable.value for name, variable in self._own.items()}
            loss = tf.reduce_mean(self._objective(embedding, label, ANCHORS, own, seed))
        gradient = distributed.mean_over_replicas(tape.gradient(loss, [variable.value for variable in self._learned]))
        clipped, _ = tf.clip_by_global_norm(gradient, self._clip)
        rate = tf.cast(self._optimizer.learning_rate, tf.float32)
        sharers = self._strategy.num_replicas_in_sync  # over whom the optimiser sums
        self._optimizer.apply([part / sharers for part in clipped] if sharers > 1 else clipped, self._learned)
        for name, average in output.moved.items():
            self._weights[name].assign(distributed.mean_over_replicas([average])[0])
        return tf.stack([loss, tf.reduce_mean(tf.math.reduce_std(direction, axis=0)), rate])

    def _values(self) -> dict[str, Any]:
        return {name: variable.value for name, variable in self._weights.items()}

    def _view(self, windows: Any, network: Any) -> View:
        """Each window whitened by its own network's normal life. What was never reported says nothing: a network that
        lacks a feature has no correlation with it. # int8 [n, 60, F], [n] -> View of n
        """
        import tensorflow as tf

        window = blocks(windows)
        centre, whiten = (tf.gather(part, network) for part in self._normality)
        seen = whitened(view(window), centre, whiten)
        reported = tf.cast(tf.reduce_any(window.reported > 0, axis=1, keepdims=True), tf.float32)
        steps = seen.steps * reported
        return View(steps, lines(steps), seen.numbers)

    def _drop(self, rows: int, seed: Any) -> Callable[[Any], Any]:
        """The hidden layer's dropout, drawn for the whole batch by its seed: alike on any number of devices, and after
        a resume.
        """
        import tensorflow as tf

        def drop(hidden: Any) -> Any:
            kept = tf.random.stateless_uniform((rows, hidden.shape[1]), seed) >= DROPOUT
            return tf.where(distributed.replica_rows(kept), hidden / (1 - DROPOUT), 0.0)

        return drop

    def _embedding(self, raw: Any) -> Any:
        """What becomes of the out layer, as the loss asks. # f32 [n, D] -> [n, D]"""
        import tensorflow as tf

        if self._objective.embedding == "unit":
            return tf.math.l2_normalize(raw, axis=1)
        return tf.sigmoid(raw) if self._objective.embedding == "sigmoid" else raw

    def _served(self, windows: Any) -> Any:
        return unit(self._at_home(windows))

    def _in_the_loss(self, windows: Any) -> Any:
        return self._embedding(self._at_home(windows))

    def _at_home(self, windows: Any) -> Any:
        """The out layer of windows of the first network. # int8 [n, 60, F] -> f32 [n, D]"""
        import tensorflow as tf

        home = tf.zeros(tf.shape(windows)[:1], tf.int64)
        return self._kind.forward(self._view(windows, home), self._values()).raw


def _rate(schedule: Hyperparameters) -> Any:
    import keras

    warm_up = min(schedule.warm_up, schedule.steps // 10)
    return keras.optimizers.schedules.CosineDecay(
        1e-5, schedule.steps - warm_up, 0.01, warmup_target=schedule.rate, warmup_steps=warm_up
    )


def _initial(name: str, shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float32]:
    if name == "straight":  # keeps angles between the whitened lines
        return (rng.standard_normal(shape) * np.sqrt(1 / shape[1])).astype(np.float32)
    if name.endswith(("_scale", "_variance")):
        return np.ones(shape, np.float32)
    if len(shape) == 1:
        return np.zeros(shape, np.float32)
    return (rng.standard_normal(shape) * np.sqrt(1.6 / shape[0])).astype(np.float32)
