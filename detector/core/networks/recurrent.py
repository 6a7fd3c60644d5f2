"""Recurrent networks, `lstm` and `gru`: two recurrent layers, then batch normalisation.

The twelve steps are written out one after the other. A loop of the backend would run its body as a separate program,
twelve times, and could not be compiled into one.
"""

from collections.abc import Callable, Mapping
from typing import Any

from detector.core.networks.head import join, joined_shapes
from detector.core.networks.inputs import TIMES, View
from detector.core.networks.normalization import average_names, batch_shapes, normalise_batch
from detector.core.networks.spec import Drop, NetworkDefinition, Output, Spec

Layer = Callable[[list[Any], Mapping[str, Any], str], list[Any]]
"""Gate inputs of each step, weights, name of the layer -> the state after each step, [n, units]"""


def recurrent_network(gates: int, layer: Layer, widths: tuple[int, int]) -> NetworkDefinition:
    """Define a network of two such layers; `first` and `second` of the spec are their units."""

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

    def forward(inputs: View, weights: Mapping[str, Any], drop: Drop | None = None) -> Output:
        gate_inputs = [_gate_inputs(inputs.steps[:, step], weights, "first") for step in range(TIMES)]
        states = layer(gate_inputs, weights, "first")
        states = layer([_gate_inputs(state, weights, "second") for state in states], weights, "second")
        last, moving_averages = normalise_batch(states[-1], weights, "norm", drop is not None)
        return join(last, inputs, weights, drop, moving_averages)

    return NetworkDefinition(
        shapes=shapes,
        forward=forward,
        widths=widths,
        untrained_arrays=NetworkDefinition.untrained_arrays | average_names("norm"),
    )


def _gate_inputs(values: Any, weights: Mapping[str, Any], name: str) -> Any:
    """Return a step's input to the gates. # [n, in] -> [n, gates · units]"""
    from keras import ops

    return ops.matmul(values, weights[name]) + weights[f"{name}_bias"]


def gru_layer(gate_inputs: list[Any], weights: Mapping[str, Any], name: str) -> list[Any]:
    """Apply a gated recurrent unit (Cho et al. 2014), reset gate behind the product as in cuDNN.

    # twelve of [n, 3 · units] -> twelve states [n, units]
    """
    from keras import ops

    states: list[Any] = []
    for gate_input in gate_inputs:
        keep, reset, candidate = ops.split(gate_input, 3, axis=1)
        if not states:  # the state before the first step is zero
            states.append((1 - ops.sigmoid(keep)) * ops.tanh(candidate))
            continue
        state_keep, state_reset, state_candidate = ops.split(
            ops.matmul(states[-1], weights[f"{name}_state"]), 3, axis=1
        )
        update_gate = ops.sigmoid(keep + state_keep)
        new_state = ops.tanh(candidate + ops.sigmoid(reset + state_reset) * state_candidate)
        states.append(update_gate * states[-1] + (1 - update_gate) * new_state)
    return states


GRU = recurrent_network(3, gru_layer, widths=(48, 48))


FORGET_GATE_BIAS = 1.0
"""Added to the forget gate: before training, a layer keeps its memory. Jozefowicz et al. 2015."""


def lstm_layer(gate_inputs: list[Any], weights: Mapping[str, Any], name: str) -> list[Any]:
    """Apply a long short-term memory (Hochreiter & Schmidhuber 1997; forget gate: Gers et al. 2000).

    # twelve of [n, 4 · units] -> twelve states [n, units]
    """
    from keras import ops

    states: list[Any] = []
    memory = None
    for gate_input in gate_inputs:
        gates = gate_input + ops.matmul(states[-1], weights[f"{name}_state"]) if states else gate_input
        input_gate, forget_gate, output_gate, candidate = ops.split(gates, 4, axis=1)
        addition = ops.sigmoid(input_gate) * ops.tanh(candidate)
        memory = addition if memory is None else ops.sigmoid(forget_gate + FORGET_GATE_BIAS) * memory + addition
        states.append(ops.sigmoid(output_gate) * ops.tanh(memory))
    return states


LSTM = recurrent_network(4, lstm_layer, widths=(40, 40))
