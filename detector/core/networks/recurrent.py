"""Two recurrent layers, then batch normalisation: what `lstm` and `gru` share.

The twelve steps are written out one after the other: a loop of the backend's would run its body as a program of its
own, twelve times, and could not be compiled into one.
"""

from collections.abc import Callable, Mapping
from typing import Any

from detector.core.networks.joining import join, joined_shapes
from detector.core.networks.normalising import averages, batch_normalised, batch_shapes
from detector.core.networks.spec import Drop, Network, Output, Spec
from detector.core.networks.views import TIMES, View

Layer = Callable[[list[Any], Mapping[str, Any], str], list[Any]]
"""What each step says to the gates, weights, name of the layer -> the state after each step, [n, units]"""


def recurrent(gates: int, layer: Layer, widths: tuple[int, int]) -> Network:
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

    return Network(shapes, forward, widths, Network.unlearned | averages("norm"))


def _said(values: Any, weights: Mapping[str, Any], name: str) -> Any:
    """# [n, in] -> [n, gates · units]"""
    from keras import ops

    return ops.matmul(values, weights[name]) + weights[f"{name}_bias"]
