"""A network run by whatever backend Keras was started with: numpy, Keras and that backend are all it needs."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector.core.networks.inputs import blocks
from detector.core.networks.registry import RawEmbeddings, build_network
from detector.core.networks.spec import Spec

Embed = Callable[[NDArray[np.int8]], RawEmbeddings]
"""int8 [n, 60, F] -> RawEmbeddings of n, all in the host's memory"""


def prepared(spec: Spec, weights: Mapping[str, NDArray[np.float32]]) -> Embed:
    """The network with its weights where the backend computes, as two programs: what the detector serves."""
    import keras
    from keras import ops

    compiled = COMPILERS[keras.backend.backend()]
    first, second = compiled(blocks), compiled(build_network(spec, weights))

    def embed(windows: NDArray[np.int8]) -> RawEmbeddings:
        return RawEmbeddings(*(ops.convert_to_numpy(part) for part in second(first(ops.convert_to_tensor(windows)))))

    return embed


def _by_tensorflow(program: Callable[..., Any]) -> Callable[..., Any]:
    import tensorflow as tf

    return tf.function(program, jit_compile=True, autograph=False)


def _by_jax(program: Callable[..., Any]) -> Callable[..., Any]:
    import jax

    return jax.jit(program)


def _by_torch(program: Callable[..., Any]) -> Callable[..., Any]:
    """Step by step; its compiler needs a C compiler on the machine."""
    import torch

    return torch.no_grad()(program)


COMPILERS: dict[str, Callable[[Callable[..., Any]], Callable[..., Any]]] = {
    "tensorflow": _by_tensorflow,
    "torch": _by_torch,
    "jax": _by_jax,
    "numpy": lambda program: program,
}
