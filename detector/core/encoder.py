"""One network shared by every cell: windows in; a direction (which fault), and how far and where from normal, out.

The networks are in `networks`, one file a kind; the trainer gives them variables, the detector constants. Here they are
served: compiled by TensorFlow, for batches of fixed sizes.

The same window must give the same bits whatever batch it rides in, or a crash, by cutting batches elsewhere, could
move a verdict across its threshold. Plain kernels break this (Eigen reduces by position in the batch); XLA's loops do
not, on the processors tried, but for one size of one network (`shared` with five features). `unsteady_windows` tries it
at every start with the bundle's own windows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from detector.core.networks.inputs import blocks
from detector.core.networks.registry import serving
from detector.core.networks.spec import Spec

BATCHES = (64, 512, 1024)
"""Every batch is padded to one of these: one compiled program each. Small for live traffic, large for catching up."""


@dataclass(frozen=True)
class Embeddings:
    """Rounded to half precision where they are made, so that everything after works on the same short numbers."""

    direction: NDArray[np.float16]
    """Unit length. # [n, D]"""
    size: NDArray[np.float16]
    """Distance from this network's normal, whitened; 1 is an ordinary window. # [n]"""
    shift: NDArray[np.float16]
    """The same as coordinates, along the directions in which faults go. # [n, S]"""

    def __len__(self) -> int:
        return len(self.size)

    def __getitem__(self, rows: Any) -> "Embeddings":
        return Embeddings(self.direction[rows], self.size[rows], self.shift[rows])

    def reshaped(self, *shape: int) -> "Embeddings":
        """Other axes before the last. # of n -> of shape"""
        return Embeddings(
            self.direction.reshape(*shape, self.direction.shape[-1]),
            self.size.reshape(shape),
            self.shift.reshape(*shape, self.shift.shape[-1]),
        )


def embeddings_of(direction: NDArray[Any], size: NDArray[Any], shift: NDArray[Any]) -> Embeddings:
    """Rounded, and what is too large for half precision held at its largest."""
    return Embeddings(direction.astype(np.float16), _half(size), _half(shift))


def _half(values: NDArray[Any]) -> NDArray[np.float16]:
    most = np.finfo(np.float16).max
    return np.clip(values, -most, most).astype(np.float16)


def end_to_end(parts: Sequence[Embeddings]) -> Embeddings:
    """One after the other; at least one."""
    return Embeddings(
        np.concatenate([part.direction for part in parts]),
        np.concatenate([part.size for part in parts]),
        np.concatenate([part.shift for part in parts]),
    )


class Encode(Protocol):
    """What the pipeline needs of an encoder. # int8 [n, 60, F] -> Embeddings of n"""

    def __call__(self, windows: NDArray[np.int8], /) -> Embeddings: ...


def backend() -> str:
    """What Keras computes with here; what serves and trains is `tensorflow`."""
    import keras

    return str(keras.backend.backend())


def device() -> str:
    """Where TensorFlow computes here: `gpu` when it sees one, else `cpu`."""
    import tensorflow as tf

    return "gpu" if tf.config.list_physical_devices("GPU") else "cpu"


class Encoder:
    """The served network: fixed batch sizes, compiled and warmed up before it is handed out."""

    def __init__(self, spec: Spec, weights: Mapping[str, NDArray[np.float32]], threads: int = 0) -> None:
        import tensorflow as tf

        self.device = device()
        self._sizes: tuple[int, ...] = BATCHES
        if threads and self.device == "cpu":
            tf.config.threading.set_intra_op_parallelism_threads(threads)
        if self.device == "gpu":  # else products carry ten bits of each number, and golden windows embed elsewhere
            tf.config.experimental.enable_tensor_float_32_execution(False)
        tf.get_logger().setLevel("ERROR")  # every bundle is traced anew, and by the fifth it warns of that
        self._spec = spec

        # Two programs, not one: XLA would fuse both into loops that read the sixty minutes again for every statistic,
        # which costs 1.6 times as much. Without autograph: nothing to rewrite, and it would leave files in /tmp.
        self._blocks = tf.function(blocks, jit_compile=True, autograph=False)
        self._network = tf.function(serving(spec, weights), jit_compile=True, autograph=False)

    def __call__(self, windows: NDArray[np.int8], /) -> Embeddings:
        parts = [self._nothing()]
        start = 0
        while start < len(windows):
            rest = len(windows) - start
            batch = next((size for size in self._sizes if rest <= size), self._sizes[-1])
            parts.append(self._run(windows[start : start + batch], batch))
            start += batch
        return end_to_end(parts)

    def _run(self, windows: NDArray[np.int8], batch: int) -> Embeddings:
        count = len(windows)
        if count < batch:
            padded = np.zeros((batch, 60, self._spec.features), np.int8)
            padded[:count] = windows
            windows = padded
        return embeddings_of(*(part[:count] for part in self._served(windows)))

    def _served(self, windows: NDArray[np.int8]) -> list[NDArray[np.float32]]:
        """Unrounded. # int8 [n, 60, F] -> f32 [n, D], [n], [n, S]"""
        import tensorflow as tf

        served = self._network(self._blocks(tf.constant(windows)))  # as an argument numpy costs thrice
        return [part.numpy() for part in served]

    def _nothing(self) -> Embeddings:
        return embeddings_of(np.empty((0, self._spec.dimension)), np.empty(0), np.empty((0, self._spec.shift)))

    def unsteady_windows(self, windows: NDArray[np.int8]) -> int:
        """Warms every program up, and counts the windows whose bits depend on their batch: 0, or do not serve.

        Where they depend on its size alone, all windows go through the largest program from then on: small polls cost
        more there, and nothing else changes.
        """
        unsteady = self._unsteady(windows)
        if unsteady and len(self._sizes) > 1:
            self._sizes = self._sizes[-1:]
            unsteady = self._unsteady(windows)
        return unsteady

    def _unsteady(self, windows: NDArray[np.int8]) -> int:
        """Each window is run in every program, at the front and at the back, and compared before it is rounded: of the
        few tried, rounding would hide what it does not hide of many.
        """
        windows = windows[: self._sizes[0]]
        crowds = [np.resize(windows, (size, *windows.shape[1:])) for size in self._sizes]
        references = [part[: len(windows)] for part in self._served(crowds[0])]
        unsteady = np.zeros(len(windows), bool)
        for crowd in crowds:
            for at in (0, len(crowd) - len(windows)):
                moved = np.roll(crowd, at, axis=0)
                for reference, part in zip(references, self._served(moved), strict=True):
                    there = part[at : at + len(windows)].reshape(len(windows), -1)
                    unsteady |= (there != reference.reshape(len(windows), -1)).any(axis=1)
        return int(np.count_nonzero(unsteady))
