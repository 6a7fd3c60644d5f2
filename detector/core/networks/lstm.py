"""Long short-term memory (Hochreiter & Schmidhuber 1997, with the forget gate of Gers et al. 2000): two layers."""

from collections.abc import Mapping
from typing import Any

from detector.core.networks.recurrent import recurrent

REMEMBER = 1.0
"""Added to the forget gate: a layer that has learned nothing keeps what it saw. Jozefowicz et al. 2015."""


def layer(said: list[Any], weights: Mapping[str, Any], name: str) -> list[Any]:
    """# twelve of [n, 4 · units] -> twelve states [n, units]"""
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


LSTM = recurrent(4, layer, widths=(40, 40))
