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
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from detector.core.features import ABSENT, STEPS

BATCHES = (64, 512, 2048)
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


def statistics(windows: Any) -> tuple[Any, Any]:
    """Five-minute means, and mean, rms, slope, extreme, last quarter hour and presence per feature.

    # int8 [n, 60, F] -> f32 [n, 12, F], f32 [n, 6, F]
    """
    import tensorflow as tf

    count, features = tf.shape(windows)[0], windows.shape[2]
    present = tf.not_equal(windows, ABSENT)
    deviation = tf.where(present, tf.cast(windows, tf.float32) * (SQUASH / STEPS), 0.0)
    blocks = tf.reduce_mean(tf.reshape(deviation, (count, 12, 5, features)), axis=2)
    centred = tf.constant((np.arange(12) - 5.5) / 3.45 / 12, tf.float32)[None, :, None]
    rows = [
        tf.reduce_mean(blocks, axis=1),
        tf.sqrt(tf.reduce_mean(tf.square(deviation), axis=1) + 1e-3),
        tf.reduce_sum(blocks * centred, axis=1),
        tf.reduce_max(tf.abs(blocks), axis=1),
        tf.reduce_mean(blocks[:, 9:], axis=1),
        tf.reduce_mean(tf.cast(present, tf.float32), axis=1) - 1.0,
    ]
    return blocks, tf.stack(rows, axis=1)


def forward(windows: Any, weights: Mapping[str, Any], hidden_dropout: float = 0.0) -> tuple[Any, Any, Any]:
    """The network: TensorFlow in, TensorFlow out; also gives the hidden layer, for the trainer's auxiliary head.

    # int8 [n, 60, F] -> direction f32 [n, D], size f32 [n], hidden f32 [n, hidden]
    """
    import tensorflow as tf

    blocks, numbers = statistics(windows)
    count = tf.shape(windows)[0]
    shape = tf.reshape(blocks, (-1, weights["first"].shape[0]))
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
        self._features = len(weights["centre"])
        constants = {name: tf.constant(value) for name, value in weights.items()}

        def network(windows: Any) -> tuple[Any, Any]:
            direction, size, _ = forward(windows, constants)
            return direction, size

        self._programs = {
            batch: tf.function(
                network,
                input_signature=[tf.TensorSpec((batch, 60, self._features), tf.int8)],
                jit_compile=True,
                autograph=False,  # nothing to rewrite, and it would leave files in /tmp behind a kill
            )
            for batch in BATCHES
        }

    def __call__(self, windows: NDArray[np.int8], /) -> Embeddings:
        parts: list[Embeddings] = []
        start = 0
        while start < len(windows) or not parts:
            rest = len(windows) - start
            batch = next((size for size in BATCHES if rest <= size), BATCHES[-1])
            parts.append(self._run(windows[start : start + batch], batch))
            start += batch
        if len(parts) == 1:
            return parts[0]
        direction = np.concatenate([part.direction for part in parts])
        return Embeddings(direction, np.concatenate([part.size for part in parts]))

    def _run(self, windows: NDArray[np.int8], batch: int) -> Embeddings:
        count = len(windows)
        if count < batch:
            padded = np.zeros((batch, 60, self._features), np.int8)
            padded[:count] = windows
            windows = padded
        direction, size = self._programs[batch](windows)
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
