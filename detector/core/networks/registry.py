"""The kinds by name, and the one place where a spec becomes a network."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detector.core.networks.conv import CONV
from detector.core.networks.inputs import Blocks, departure, toward, view, whitened
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
    """The weights of a spec, by name: what a bundle must hold, no more and no less."""
    return NETWORKS[spec.kind].shapes(spec)


def spec_of(kind: str, features: int) -> Spec:
    """The kind at its usual size."""
    network = NETWORKS[kind]
    return Spec(features, kind, *network.widths, dimension=network.dimension(features))


class Served(NamedTuple):
    """What is served of n windows."""

    direction: Any
    """Which fault, unit length. # f32 [n, D]"""
    size: Any
    """How far from normal; 1 is an ordinary window. # f32 [n]"""
    shift: Any
    """Where to, whitened. # f32 [n, S]"""


def serving(spec: Spec, weights: Mapping[str, NDArray[np.float32]]) -> Callable[[Blocks], Served]:
    """The network with these weights: Blocks of n -> Served of n."""
    from keras import ops

    kind = NETWORKS[spec.kind]
    told = {**(kind.folded or dict)(weights), **toward(weights)}
    constants = {name: ops.convert_to_tensor(value) for name, value in told.items()}

    def network(window: Blocks) -> Served:
        raw = view(window)
        seen = raw if kind.folded or kind.whitens else whitened(raw, constants["centre"], constants["whiten"])
        direction = unit(kind.forward(seen, constants).raw)
        return Served(direction, *departure(raw, constants))

    return network


def unit(raw: Any) -> Any:
    """# [n, D] -> [n, D], of unit length"""
    from keras import ops

    return raw * ops.rsqrt(ops.maximum(ops.sum(ops.square(raw), axis=1, keepdims=True), 1e-12))
