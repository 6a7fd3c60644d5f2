"""Learner: the trained variables, and the training step that updates them.

The variables are the shared network's weights, the loss's own parameters and the optimiser's moments. Everything random
inside a step follows from the seed and the step's number, so these arrays are the complete state of a training.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector.core.encoder import Embeddings, embeddings_of
from detector.core.networks.inputs import View, blocks, lines, view, whiten_view
from detector.core.networks.registry import NETWORKS, unit
from detector.core.networks.spec import Spec
from trainer.calibration.whitening import Normality
from trainer.data.sampler import ANCHORS
from trainer.losses.loss import Option
from trainer.losses.registry import choose_loss
from trainer.training import distributed

DROPOUT = 0.1
"""Dropout rate of the hidden layer."""

WINDOWS_PER_BATCH = 512
"""Windows embedded together in a validation run: a few hundredths of a second on one core."""

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Hyperparameters:
    """Hyperparameters of a training. Checkpoints compare them, so their order and names are part of that format."""

    steps: int = 3000
    rate: float = 2e-3
    """Largest learning rate, after the warm-up; the cosine schedule ends at a hundredth of it."""
    warm_up: int = 100
    """Steps of linear warm-up, at most a tenth of all steps."""
    decay: float = 1e-3
    """Weight decay of AdamW."""
    clip: float = 2.0
    """Largest global norm of a gradient."""
    seed: int = 0
    loss: str = "supervised_contrastive"
    """Name in `trainer.losses.registry`."""
    loss_options: Mapping[str, Option] = field(default_factory=dict)
    devices: int = 1
    examinations: int = 20
    """Validation runs, at equal distances, the last after the last step; none without validation examples."""
    patience: int = 10
    """Validation runs without a better accuracy after which the training ends."""


class Learner:
    """Variables of one training, on one device or mirrored on several, and its compiled step."""

    def __init__(self, spec: Spec, hyperparameters: Hyperparameters, normality: Normality) -> None:
        """Raises LossError for a loss that does not exist, and TrainingError for missing devices."""
        import keras
        import tensorflow as tf

        keras.utils.set_random_seed(hyperparameters.seed)
        self._objective = choose_loss(hyperparameters.loss, hyperparameters.loss_options)
        self._clip, self._seed = hyperparameters.clip, hyperparameters.seed
        rng = np.random.default_rng(hyperparameters.seed)
        self._kind, self._spec = NETWORKS[spec.kind], spec
        self._normality = tuple(tf.constant(part) for part in (normality.centre, normality.whiten))
        fixed_arrays = {"centre": normality.centre[0], "whiten": normality.whiten[0], "project": normality.project}
        start = {
            name: _initial_weights(name, shape, rng) for name, shape in self._kind.shapes(spec).items()
        } | fixed_arrays
        loss_parameters = self._objective.initial_parameters(spec.dimension)
        self._strategy = distributed.strategy(hyperparameters.devices)
        with self._strategy.scope():
            self._weights = {
                name: keras.Variable(value, trainable=name not in self._kind.untrained_arrays, name=name)
                for name, value in start.items()
            }
            self._loss_variables = {name: keras.Variable(value, name=name) for name, value in loss_parameters.items()}
            network = [variable for variable in self._weights.values() if variable.trainable]
            self._learned = [*network, *self._loss_variables.values()]
            self._optimizer = keras.optimizers.AdamW(
                _learning_rate(hyperparameters), weight_decay=hyperparameters.decay
            )
            self._optimizer.build(self._learned)
        windows = tf.TensorSpec((None, 60, spec.features), tf.int8)
        self._step = tf.function(self._update_all_devices, autograph=False)
        self._direction = tf.function(self._served_direction, input_signature=[windows], autograph=False)
        self._loss_embedding = tf.function(self._training_embedding, input_signature=[windows], autograph=False)

    def learn(
        self, step: int, windows: NDArray[np.int8], label: NDArray[np.int64], network: NDArray[np.int64]
    ) -> tuple[float, float, float]:
        """Do one step; return loss, spread of the directions and learning rate. # int8 [ROWS, 60, F], [ROWS] twice"""
        import tensorflow as tf

        shares = distributed.split_rows(windows, self._strategy)
        networks = distributed.split_rows(network, self._strategy)
        metrics = self._step(shares, networks, tf.constant(label), tf.constant([self._seed, step], tf.int64))
        loss, spread, rate = self._strategy.experimental_local_results(metrics)[0].numpy().tolist()
        return loss, spread, rate

    def encode(self, windows: NDArray[np.int8], /) -> Embeddings:
        """Return the served directions for windows of the first network; size and shift are constants here."""
        parts = [
            self._direction(windows[at : at + WINDOWS_PER_BATCH]).numpy()
            for at in range(0, len(windows), WINDOWS_PER_BATCH)
        ]
        size, shift = np.ones(len(windows)), np.zeros((len(windows), self._spec.shift))
        return embeddings_of(np.concatenate(parts), size, shift)

    def embed(self, windows: NDArray[np.int8], /) -> NDArray[np.float32]:
        """Return the embeddings that the loss is computed on, but without dropout. # int8 [n, 60, F] -> [n, D]"""
        parts = [
            self._loss_embedding(windows[at : at + WINDOWS_PER_BATCH]).numpy()
            for at in range(0, len(windows), WINDOWS_PER_BATCH)
        ]
        return np.concatenate(parts)

    def weights(self) -> dict[str, NDArray[np.float32]]:
        """Return the network's weights, without the loss's own parameters."""
        return {name: np.array(variable.numpy(), np.float32) for name, variable in self._weights.items()}

    def arrays(self) -> Arrays:
        """Return all variables: the complete state of the training."""
        return {name: np.array(variable.numpy()) for name, variable in self._variables().items()}

    def restore(self, arrays: Arrays) -> None:
        """Set all variables to what `arrays` returned."""
        for name, variable in self._variables().items():
            variable.assign(arrays[name])

    def copies(self) -> list[Arrays]:
        """Return each device's copy of the trained variables."""
        by_variable = [self._strategy.experimental_local_results(v.value) for v in self._learned]
        return [
            {variable.name: np.array(value.numpy()) for variable, value in zip(self._learned, values, strict=True)}
            for values in zip(*by_variable, strict=True)
        ]

    def _variables(self) -> dict[str, Any]:
        optimizer = {f"optimizer/{index}": variable for index, variable in enumerate(self._optimizer.variables)}
        weights = {f"weights/{name}": variable for name, variable in self._weights.items()}
        loss_variables = {f"loss/{name}": variable for name, variable in self._loss_variables.items()}
        return {**weights, **loss_variables, **optimizer}

    def _update_all_devices(self, shares: Any, networks: Any, label: Any, seed: Any) -> Any:
        return self._strategy.run(self._update, (shares, networks, label, seed))

    def _update(self, windows: Any, network: Any, label: Any, seed: Any) -> Any:
        import tensorflow as tf

        with tf.GradientTape() as tape:
            output = self._kind.forward(
                self._view(windows, network), self._values(), self._dropout(label.shape[0], seed)
            )
            raw = distributed.gather_replicas(output.raw)
            direction = tf.math.l2_normalize(raw, axis=1)
            embedding = self._embedding(raw)
            parameters = {name: variable.value for name, variable in self._loss_variables.items()}
            loss = tf.reduce_mean(self._objective(embedding, label, ANCHORS, parameters, seed))
        gradient = distributed.mean_over_replicas(tape.gradient(loss, [variable.value for variable in self._learned]))
        clipped, _ = tf.clip_by_global_norm(gradient, self._clip)
        rate = tf.cast(self._optimizer.learning_rate, tf.float32)
        replicas = self._strategy.num_replicas_in_sync  # the optimiser sums the gradients of all replicas
        self._optimizer.apply([part / replicas for part in clipped] if replicas > 1 else clipped, self._learned)
        for name, average in output.moving_averages.items():
            self._weights[name].assign(distributed.mean_over_replicas([average])[0])
        return tf.stack([loss, tf.reduce_mean(tf.math.reduce_std(direction, axis=0)), rate])

    def _values(self) -> dict[str, Any]:
        return {name: variable.value for name, variable in self._weights.items()}

    def _view(self, windows: Any, network: Any) -> View:
        """Return each window whitened by its network's normal windows.

        A feature that a window never reports becomes 0: a network that lacks the feature has no correlations for it.
        # int8 [n, 60, F], [n] -> View of n
        """
        import tensorflow as tf

        window = blocks(windows)
        centre, whiten = (tf.gather(part, network) for part in self._normality)
        result = whiten_view(view(window), centre, whiten)
        reported = tf.cast(tf.reduce_any(window.reported > 0, axis=1, keepdims=True), tf.float32)
        steps = result.steps * reported
        return View(steps, lines(steps), result.statistics)

    def _dropout(self, rows: int, seed: Any) -> Callable[[Any], Any]:
        """Return the dropout of the hidden layer, drawn for the whole batch from its seed.

        The mask is the same on any number of devices, and after a resume.
        """
        import tensorflow as tf

        def drop(hidden: Any) -> Any:
            mask = tf.random.stateless_uniform((rows, hidden.shape[1]), seed) >= DROPOUT
            return tf.where(distributed.replica_rows(mask), hidden / (1 - DROPOUT), 0.0)

        return drop

    def _embedding(self, raw: Any) -> Any:
        """Apply the loss's activation to the output layer. # f32 [n, D] -> [n, D]"""
        import tensorflow as tf

        if self._objective.embedding == "unit":
            return tf.math.l2_normalize(raw, axis=1)
        return tf.sigmoid(raw) if self._objective.embedding == "sigmoid" else raw

    def _served_direction(self, windows: Any) -> Any:
        return unit(self._first_network_output(windows))

    def _training_embedding(self, windows: Any) -> Any:
        return self._embedding(self._first_network_output(windows))

    def _first_network_output(self, windows: Any) -> Any:
        """Return the output layer for windows of the first network. # int8 [n, 60, F] -> f32 [n, D]"""
        import tensorflow as tf

        first_network = tf.zeros(tf.shape(windows)[:1], tf.int64)
        return self._kind.forward(self._view(windows, first_network), self._values()).raw


def _learning_rate(hyperparameters: Hyperparameters) -> Any:
    """Return the learning-rate schedule: a linear warm-up, then a cosine."""
    import keras

    warm_up = min(hyperparameters.warm_up, hyperparameters.steps // 10)
    return keras.optimizers.schedules.CosineDecay(
        1e-5, hyperparameters.steps - warm_up, 0.01, warmup_target=hyperparameters.rate, warmup_steps=warm_up
    )


def _initial_weights(name: str, shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float32]:
    if name == "straight":  # the linear path from the whitened lines to the output; a random projection keeps angles
        return (rng.standard_normal(shape) * np.sqrt(1 / shape[1])).astype(np.float32)
    if name.endswith(("_scale", "_variance")):
        return np.ones(shape, np.float32)
    if len(shape) == 1:
        return np.zeros(shape, np.float32)
    return (rng.standard_normal(shape) * np.sqrt(1.6 / shape[0])).astype(np.float32)
