"""Encoder: one network shared by every cell. Windows in, embeddings out.

An embedding is a direction (which fault), and size and shift (how far and where from normal). The networks are in
`networks`, one file per kind; the trainer gives them variables, the detector constants. TensorFlow compiles them here,
for batches of fixed sizes.

The same window must give the same bits in any batch. Otherwise a crash, by cutting batches elsewhere, could move a
decision across its threshold. Plain kernels break this (Eigen reduces by position in the batch). XLA's loops do not, on
the processors tried, except for one size of one network (`shared` with five features). `count_unsteady_windows` checks
it at every start with the bundle's own windows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from detector.core.networks.inputs import blocks
from detector.core.networks.registry import build_network
from detector.core.networks.spec import Spec

BATCHES = (64, 512, 1024)
"""Every batch is padded to one of these sizes: one compiled program each. Small for live traffic, large for replays."""


@dataclass(frozen=True)
class Embeddings:
    """Embeddings of n windows, in half precision from the start, so that all later steps use the same numbers."""

    direction: NDArray[np.float16]
    """Unit length. # [n, D]"""
    size: NDArray[np.float16]
    """Whitened distance from this network's normal; 1 for an ordinary window. # [n]"""
    shift: NDArray[np.float16]
    """Coordinates of that distance along the faults' directions. # [n, S]"""

    def __len__(self) -> int:
        return len(self.size)

    def __getitem__(self, rows: Any) -> "Embeddings":
        return Embeddings(self.direction[rows], self.size[rows], self.shift[rows])

    def reshaped(self, *shape: int) -> "Embeddings":
        """Return the same embeddings with other axes before the last. # of n -> of shape"""
        return Embeddings(
            self.direction.reshape(*shape, self.direction.shape[-1]),
            self.size.reshape(shape),
            self.shift.reshape(*shape, self.shift.shape[-1]),
        )


def embeddings_of(direction: NDArray[Any], size: NDArray[Any], shift: NDArray[Any]) -> Embeddings:
    """Round to half precision, and clip what is too large for it."""
    return Embeddings(direction.astype(np.float16), _half(size), _half(shift))


def _half(values: NDArray[Any]) -> NDArray[np.float16]:
    limit = np.finfo(np.float16).max
    return np.clip(values, -limit, limit).astype(np.float16)


def concatenate(parts: Sequence[Embeddings]) -> Embeddings:
    """Concatenate one or more embeddings along the first axis."""
    return Embeddings(
        np.concatenate([part.direction for part in parts]),
        np.concatenate([part.size for part in parts]),
        np.concatenate([part.shift for part in parts]),
    )


class Encode(Protocol):
    """Interface of an encoder for the pipeline. # int8 [n, 60, F] -> Embeddings of n"""

    def __call__(self, windows: NDArray[np.int8], /) -> Embeddings: ...


def backend() -> str:
    """Return the name of Keras' backend in this process; serving and training use `tensorflow`."""
    import keras

    return str(keras.backend.backend())


def device() -> str:
    """Return TensorFlow's device in this process: `gpu` when it sees one, else `cpu`."""
    import tensorflow as tf

    return "gpu" if tf.config.list_physical_devices("GPU") else "cpu"


class Encoder:
    """Encoder: the compiled network with fixed batch sizes. `count_unsteady_windows` warms it up."""

    def __init__(self, spec: Spec, weights: Mapping[str, NDArray[np.float32]], threads: int = 0) -> None:
        import tensorflow as tf

        self.device = device()
        self._sizes: tuple[int, ...] = BATCHES
        if threads and self.device == "cpu":
            tf.config.threading.set_intra_op_parallelism_threads(threads)
        if self.device == "gpu":  # else products use ten bits of each number, and golden windows embed differently
            tf.config.experimental.enable_tensor_float_32_execution(False)
        tf.get_logger().setLevel("ERROR")  # every bundle is traced again, and TensorFlow warns at the fifth
        self._spec = spec

        # Two programs, not one: XLA would fuse both into loops that read the sixty minutes again for every statistic,
        # which costs 1.6 times as much. Autograph is off: it has nothing to rewrite, and would leave files in /tmp.
        self._blocks = tf.function(blocks, jit_compile=True, autograph=False)
        self._network = tf.function(build_network(spec, weights), jit_compile=True, autograph=False)

    def __call__(self, windows: NDArray[np.int8], /) -> Embeddings:
        parts = [self._no_embeddings()]
        start = 0
        while start < len(windows):
            remaining = len(windows) - start
            batch = next((size for size in self._sizes if remaining <= size), self._sizes[-1])
            parts.append(self._encode_batch(windows[start : start + batch], batch))
            start += batch
        return concatenate(parts)

    def _encode_batch(self, windows: NDArray[np.int8], batch: int) -> Embeddings:
        count = len(windows)
        if count < batch:
            padded_windows = np.zeros((batch, 60, self._spec.features), np.int8)
            padded_windows[:count] = windows
            windows = padded_windows
        return embeddings_of(*(part[:count] for part in self._run_network(windows)))

    def _run_network(self, windows: NDArray[np.int8]) -> list[NDArray[np.float32]]:
        """Return direction, size and shift before rounding. # int8 [n, 60, F] -> f32 [n, D], [n], [n, S]"""
        import tensorflow as tf

        parts = self._network(self._blocks(tf.constant(windows)))  # an array as the argument costs three times as much
        return [part.numpy() for part in parts]

    def _no_embeddings(self) -> Embeddings:
        return embeddings_of(np.empty((0, self._spec.dimension)), np.empty(0), np.empty((0, self._spec.shift)))

    def count_unsteady_windows(self, windows: NDArray[np.int8]) -> int:
        """Warm up every program, and count the windows whose bits depend on their batch.

        With a count above 0 the encoder must not serve. Where the bits depend on the batch's size alone, all windows go
        through the largest program from then on: small polls cost more there, and nothing else changes.
        """
        count = self._count_unsteady(windows)
        if count and len(self._sizes) > 1:
            self._sizes = self._sizes[-1:]
            count = self._count_unsteady(windows)
        return count

    def _count_unsteady(self, windows: NDArray[np.int8]) -> int:
        """Run each window in every program, at the front and at the back, and compare the numbers before rounding.

        Rounding would hide differences in these few windows that it does not hide in many.
        """
        windows = windows[: self._sizes[0]]
        batches = [np.resize(windows, (size, *windows.shape[1:])) for size in self._sizes]
        references = [part[: len(windows)] for part in self._run_network(batches[0])]
        is_unsteady = np.zeros(len(windows), bool)
        for batch in batches:
            for position in (0, len(batch) - len(windows)):
                rolled_batch = np.roll(batch, position, axis=0)
                for reference, part in zip(references, self._run_network(rolled_batch), strict=True):
                    values = part[position : position + len(windows)].reshape(len(windows), -1)
                    is_unsteady |= (values != reference.reshape(len(windows), -1)).any(axis=1)
        return int(np.count_nonzero(is_unsteady))
