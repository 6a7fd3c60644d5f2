"""Two recurrent layers, then batch normalisation: what `lstm` and `gru` share.

The twelve steps are written out one after the other: a loop of the backend's would run its body as a program of its
own, twelve times, and could not be compiled into one.
"""

from collections.abc import Callable, Mapping
from typing import Any

from detector.core.networks.head import join, joined_shapes
from detector.core.networks.inputs import TIMES, View
from detector.core.networks.normalization import averages, batch_normalised, batch_shapes
from detector.core.networks.spec import Drop, NetworkDefinition, Output, Spec

Layer = Callable[[list[Any], Mapping[str, Any], str], list[Any]]
"""What each step says to the gates, weights, name of the layer -> the state after each step, [n, units]"""


def recurrent_network(gates: int, layer: Layer, widths: tuple[int, int]) -> NetworkDefinition:
    """A network of two such layers; `first` and `second` are their units."""

    def shapes(spec: Spec) -> dict[str, tuple[int, ...]]:
        return {
            "first": (spec.features, gates * spec.first),
            "first_state": (spec.first, gates * spec.first),
            "first_bias": (gates * spec.first,),
            "second": (spec.first, gates * spec.second),
            "second_state": (spec.second, gates * spec.second),
            "second_bias": (gates * spec.second,),
            **batch_shapes("norm", spec.second),
            **joined_shapes(spec, spec.second),
        }

    def forward(seen: View, weights: Mapping[str, Any], drop: Drop | None = None) -> Output:
        states = layer([_said(seen.steps[:, at], weights, "first") for at in range(TIMES)], weights, "first")
        states = layer([_said(state, weights, "second") for state in states], weights, "second")
        last, moved = batch_normalised(states[-1], weights, "norm", drop is not None)
        return join(last, seen, weights, drop, moved)

    return NetworkDefinition(shapes, forward, widths, NetworkDefinition.unlearned | averages("norm"))


def _said(values: Any, weights: Mapping[str, Any], name: str) -> Any:
    """# [n, in] -> [n, gates · units]"""
    from keras import ops

    return ops.matmul(values, weights[name]) + weights[f"{name}_bias"]


def gru_layer(said: list[Any], weights: Mapping[str, Any], name: str) -> list[Any]:
    """Gated recurrent unit (Cho et al. 2014), reset gate behind the product as in cuDNN.

    # twelve of [n, 3 · units] -> twelve states [n, units]"""
    from keras import ops

    states: list[Any] = []
    for step in said:
        keep, reset, candidate = ops.split(step, 3, axis=1)
        if not states:  # the state before the first step is zero
            states.append((1 - ops.sigmoid(keep)) * ops.tanh(candidate))
            continue
        more_keep, more_reset, remembered = ops.split(ops.matmul(states[-1], weights[f"{name}_state"]), 3, axis=1)
        kept = ops.sigmoid(keep + more_keep)
        new = ops.tanh(candidate + ops.sigmoid(reset + more_reset) * remembered)
        states.append(kept * states[-1] + (1 - kept) * new)
    return states


GRU = recurrent_network(3, gru_layer, widths=(48, 48))


REMEMBER = 1.0
"""Added to the forget gate: a layer that has learned nothing keeps what it saw. Jozefowicz et al. 2015."""


def lstm_layer(said: list[Any], weights: Mapping[str, Any], name: str) -> list[Any]:
    """Long short-term memory (Hochreiter & Schmidhuber 1997; forget gate: Gers et al. 2000).

    # twelve of [n, 4 · units] -> twelve states [n, units]"""
    from keras import ops

    states: list[Any] = []
    memory = None
    for step in said:
        gates = step + ops.matmul(states[-1], weights[f"{name}_state"]) if states else step
        take, forget, give, candidate = ops.split(gates, 4, axis=1)
        taken = ops.sigmoid(take) * ops.tanh(candidate)
        memory = taken if memory is None else ops.sigmoid(forget + REMEMBER) * memory + taken
        states.append(ops.sigmoid(give) * ops.tanh(memory))
    return states


LSTM = recurrent_network(4, lstm_layer, widths=(40, 40))
