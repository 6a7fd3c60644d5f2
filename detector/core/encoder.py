"""One network shared by every cell: windows in, a direction (which fault) and a size (how far from normal) out.

The trainer calls `forward` with variables, the detector with constants: there is one network, written once. Two views
of a window are joined. *Shape*: five-minute means, then two strided steps written as reshape and product (60 = 5·3·4),
so that nothing is computed that the last minute does not need. *Statistics*: six numbers per feature.

The same window must give the same bits whatever batch it rides in, or a crash, by cutting batches elsewhere, could
move a verdict across its threshold. Plain kernels break this (Eigen reduces by position in the batch); XLA's loops do
not, on the processors tried. `unsteady_windows` proves it at every start with the bundle's own windows.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from detector.core.features import ABSENT, STEPS

BATCHES = (64, 512, 1024)
"""Every batch is padded to one of these: one compiled program each. Small for live traffic, large for catching up."""

SQUASH = 0.35
"""Deviations are scaled so that the clip of 8 spreads becomes 2.8: inputs of order one, as products like them."""


@dataclass(frozen=True)
class Spec:
    """What the weights are of. It lies in the bundle beside them."""

    features: int
    kind: str = "tree"
    first: int = 64
    second: int = 64
    hidden: int = 192
    dimension: int = 64


@dataclass(frozen=True)
class Embeddings:
    """Rounded to half precision where they are made, so that everything after works on the same short numbers."""

    direction: NDArray[np.float16]
    """Unit length. # [n, D]"""
    size: NDArray[np.float16]
    """Distance from this network's normal, whitened; 1 is an ordinary window. # [n]"""

    def __len__(self) -> int:
        return len(self.size)

    def __getitem__(self, rows: Any) -> "Embeddings":
        return Embeddings(self.direction[rows], self.size[rows])


class Encode(Protocol):
    """What the pipeline needs of an encoder. # int8 [n, 60, F] -> Embeddings of n"""

    def __call__(self, windows: NDArray[np.int8], /) -> Embeddings: ...


def shapes(spec: Spec) -> dict[str, tuple[int, ...]]:
    """The weights of a spec, by name: what a bundle must hold, no more and no less."""
    joined = spec.second + 6 * spec.features
    return {
        "first": (3 * spec.features, spec.first),
        "first_bias": (spec.first,),
        "second": (4 * spec.first, spec.second),
        "second_bias": (spec.second,),
        "hidden": (joined, spec.hidden),
        "hidden_bias": (spec.hidden,),
        "out": (spec.hidden, spec.dimension),
        "out_bias": (spec.dimension,),
        "centre": (spec.features,),
        "whiten": (spec.features, spec.features),
    }


class Blocks(NamedTuple):
    """A window in twelve steps of five minutes: all that the network asks of its sixty, read in one pass."""

    total: Any
    """Sum of the codes reported. # i16 [n, 12, F]"""
    power: Any
    """Sum of their squares. # f32 [n, 12, F]"""
    reported: Any
    """How many they are. # i8 [n, 12, F]"""


def blocks(windows: Any) -> Blocks:
    """# int8 [n, 60, F] -> Blocks of n"""
    import tensorflow as tf

    fives = tf.reshape(windows, (tf.shape(windows)[0], 12, 5, windows.shape[2]))
    present = tf.not_equal(fives, ABSENT)
    code = tf.where(present, tf.cast(fives, tf.float32), 0.0)
    return Blocks(
        tf.cast(tf.reduce_sum(code, axis=2), tf.int16),
        tf.reduce_sum(tf.square(code), axis=2),
        tf.reduce_sum(tf.cast(present, tf.int8), axis=2),
    )


def statistics(window: Blocks) -> tuple[Any, Any]:
    """Five-minute means, and mean, rms, slope, extreme, last quarter hour and presence per feature.

    # Blocks of n -> f32 [n, 12, F], f32 [n, 6, F]
    """
    import tensorflow as tf

    unit = SQUASH / STEPS
    means = tf.cast(window.total, tf.float32) * (unit / 5)
    centred = tf.constant((np.arange(12) - 5.5) / 3.45 / 12, tf.float32)[None, :, None]
    rows = [
        tf.reduce_mean(means, axis=1),
        tf.sqrt(tf.reduce_sum(window.power, axis=1) * (unit * unit / 60) + 1e-3),
        tf.reduce_sum(means * centred, axis=1),
        tf.reduce_max(tf.abs(means), axis=1),
        tf.reduce_mean(means[:, 9:], axis=1),
        tf.cast(tf.reduce_sum(window.reported, axis=1), tf.float32) / 60 - 1.0,
    ]
    return means, tf.stack(rows, axis=1)


def forward(window: Blocks, weights: Mapping[str, Any], hidden_dropout: float = 0.0) -> tuple[Any, Any, Any]:
    """The network: TensorFlow in, TensorFlow out; also gives the hidden layer, for the trainer's auxiliary head.

    # Blocks of n -> direction f32 [n, D], size f32 [n], hidden f32 [n, hidden]
    """
    import tensorflow as tf

    means, numbers = statistics(window)
    count = tf.shape(means)[0]
    shape = tf.reshape(means, (-1, weights["first"].shape[0]))
    shape = tf.nn.relu(shape @ weights["first"] + weights["first_bias"])
    shape = tf.nn.relu(tf.reshape(shape, (count, -1)) @ weights["second"] + weights["second_bias"])
    joined = tf.concat([shape, tf.reshape(numbers, (count, -1))], axis=1)
    hidden = tf.nn.relu(joined @ weights["hidden"] + weights["hidden_bias"])
    if hidden_dropout:
        hidden = tf.nn.dropout(hidden, hidden_dropout)
    direction = tf.math.l2_normalize(hidden @ weights["out"] + weights["out_bias"], axis=1)
    whitened = (numbers[:, 0] - weights["centre"]) @ weights["whiten"]
    return direction, tf.norm(whitened, axis=1), hidden


def device() -> str:
    """Where TensorFlow computes here: `gpu` when it sees one, else `cpu`."""
    import tensorflow as tf

    return "gpu" if tf.config.list_physical_devices("GPU") else "cpu"


class Encoder:
    """The served network: fixed batch sizes, compiled and warmed up before it is handed out."""

    def __init__(self, weights: Mapping[str, NDArray[np.float32]], threads: int = 0) -> None:
        import tensorflow as tf

        self.device = device()
        if threads and self.device == "cpu":
            tf.config.threading.set_intra_op_parallelism_threads(threads)
        self._features, self._dimension = len(weights["centre"]), len(weights["out_bias"])
        constants = {name: tf.constant(value) for name, value in weights.items()}

        def network(window: Blocks) -> tuple[Any, Any]:
            direction, size, _ = forward(window, constants)
            return direction, size

        # Two programs, not one: XLA would fuse both into loops that read the sixty minutes again for every statistic,
        # which costs 1.6 times as much. Without autograph: nothing to rewrite, and it would leave files in /tmp.
        self._blocks = tf.function(blocks, jit_compile=True, autograph=False)
        self._network = tf.function(network, jit_compile=True, autograph=False)

    def __call__(self, windows: NDArray[np.int8], /) -> Embeddings:
        parts = [Embeddings(np.empty((0, self._dimension), np.float16), np.empty(0, np.float16))]
        start = 0
        while start < len(windows):
            rest = len(windows) - start
            batch = next((size for size in BATCHES if rest <= size), BATCHES[-1])
            parts.append(self._run(windows[start : start + batch], batch))
            start += batch
        direction = np.concatenate([part.direction for part in parts])
        return Embeddings(direction, np.concatenate([part.size for part in parts]))

    def _run(self, windows: NDArray[np.int8], batch: int) -> Embeddings:
        import tensorflow as tf

        count = len(windows)
        if count < batch:
            padded = np.zeros((batch, 60, self._features), np.int8)
            padded[:count] = windows
            windows = padded
        direction, size = self._network(self._blocks(tf.constant(windows)))  # as an argument numpy costs thrice
        return Embeddings(
            direction.numpy()[:count].astype(np.float16),
            np.minimum(size.numpy()[:count], np.finfo(np.float16).max).astype(np.float16),
        )

    def unsteady_windows(self, windows: NDArray[np.int8]) -> int:
        """Warms every program up, and counts the windows whose bits depend on their batch: 0, or do not serve.

        Each window is run in every program, at the front and at the back.
        """
        reference = self._run(windows[: BATCHES[0]], BATCHES[0])
        unsteady = np.zeros(len(reference), bool)
        for batch in BATCHES:
            for at in (0, batch - len(reference)):
                crowd = np.resize(windows, (batch, *windows.shape[1:]))
                crowd[at : at + len(reference)] = windows[: len(reference)]
                there = self._run(crowd, batch)[slice(at, at + len(reference))]
                unsteady |= (there.direction != reference.direction).any(axis=1) | (there.size != reference.size)
        return int(np.count_nonzero(unsteady))
