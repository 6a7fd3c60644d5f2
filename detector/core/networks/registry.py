"""Registry of the network kinds by name, and the construction of a network from its spec."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detector.core.networks.conv import CONV
from detector.core.networks.inputs import Blocks, departure, shift_projection, view, whiten_view
from detector.core.networks.recurrent import GRU, LSTM
from detector.core.networks.shared import SHARED
from detector.core.networks.spec import NetworkDefinition, Spec
from detector.core.networks.transformer import TRANSFORMER
from detector.core.networks.tree import TREE

NETWORKS: dict[str, NetworkDefinition] = {
    "tree": TREE,
    "lstm": LSTM,
    "gru": GRU,
    "conv": CONV,
    "transformer": TRANSFORMER,
    "shared": SHARED,
}


def shapes(spec: Spec) -> dict[str, tuple[int, ...]]:
    """Return the shapes of a spec's weights by name: a bundle must hold these arrays, no more and no less."""
    return NETWORKS[spec.kind].shapes(spec)


def spec_of(kind: str, features: int) -> Spec:
    """Return the spec of a kind at its usual size."""
    network = NETWORKS[kind]
    return Spec(features, kind, *network.widths, dimension=network.dimension(features))


class RawEmbeddings(NamedTuple):
    """Embeddings of n windows, before rounding."""

    direction: Any
    """Direction of the fault, unit length. # f32 [n, D]"""
    size: Any
    """Distance from normal; 1 for an ordinary window. # f32 [n]"""
    shift: Any
    """Whitened shift from normal. # f32 [n, S]"""


def build_network(spec: Spec, weights: Mapping[str, NDArray[np.float32]]) -> Callable[[Blocks], RawEmbeddings]:
    """Build the network with these weights: Blocks of n -> RawEmbeddings of n."""
    from keras import ops

    kind = NETWORKS[spec.kind]
    arrays = {**(kind.fold_whitening or dict)(weights), **shift_projection(weights)}
    constants = {name: ops.convert_to_tensor(value) for name, value in arrays.items()}

    def network(window: Blocks) -> RawEmbeddings:
        inputs = raw_view = view(window)
        if not (kind.fold_whitening or kind.whitens_input):
            inputs = whiten_view(raw_view, constants["centre"], constants["whiten"])
        direction = unit(kind.forward(inputs, constants).raw)
        return RawEmbeddings(direction, *departure(raw_view, constants))

    return network


def unit(raw: Any) -> Any:
    """Scale rows to unit length. # [n, D] -> [n, D]"""
    from keras import ops

    return raw * ops.rsqrt(ops.maximum(ops.sum(ops.square(raw), axis=1, keepdims=True), 1e-12))
