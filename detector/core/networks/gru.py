"""Gated recurrent units (Cho et al. 2014): two layers, the reset gate behind the product, as cuDNN has it."""

from collections.abc import Mapping
from typing import Any

from detector.core.networks.recurrent import recurrent


def layer(said: list[Any], weights: Mapping[str, Any], name: str) -> list[Any]:
    """# twelve of [n, 3 · units] -> twelve states [n, units]"""
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


GRU = recurrent(3, layer, widths=(48, 48))
