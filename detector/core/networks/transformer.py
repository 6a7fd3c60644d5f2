"""A small transformer (Vaswani et al. 2017, normalised before each part as in Xiong et al. 2020): two blocks over the
twelve five-minute means, whose average is the hour.
"""

from collections.abc import Mapping
from typing import Any

from detector.core.networks.head import dense, join, joined_shapes
from detector.core.networks.inputs import TIMES, View
from detector.core.networks.normalization import row_normalised, row_shapes
from detector.core.networks.spec import Drop, NetworkDefinition, Output, Spec

LAYERS, HEADS, HEAD = 2, 4, 12
"""Blocks, heads of each, and a head's width."""


def shapes(spec: Spec) -> dict[str, tuple[int, ...]]:
    """`first`: width of a step; `second`: of the layer between a block's two products."""
    own: dict[str, tuple[int, ...]] = {
        "step": (spec.features, spec.first),
        "step_bias": (spec.first,),
        "place": (TIMES, spec.first),
    }
    for name in _blocks():
        own |= {
            **row_shapes(f"{name}_before", spec.first),
            f"{name}_ask": (spec.first, 3 * HEADS * HEAD),
            f"{name}_answer": (HEADS * HEAD, spec.first),
            **row_shapes(f"{name}_between", spec.first),
            f"{name}_wide": (spec.first, spec.second),
            f"{name}_wide_bias": (spec.second,),
            f"{name}_narrow": (spec.second, spec.first),
            f"{name}_narrow_bias": (spec.first,),
        }
    return {**own, **row_shapes("last", spec.first), **joined_shapes(spec, spec.first)}


def forward(seen: View, weights: Mapping[str, Any], drop: Drop | None = None) -> Output:
    """# View of n -> Output of n"""
    from keras import ops

    width = weights["step"].shape[1]
    steps = ops.matmul(ops.reshape(seen.steps, (-1, seen.steps.shape[2])), weights["step"]) + weights["step_bias"]
    steps = ops.reshape(ops.reshape(steps, (-1, TIMES, width)) + weights["place"], (-1, width))
    for name in _blocks():
        asked = ops.matmul(row_normalised(steps, weights, f"{name}_before"), weights[f"{name}_ask"])
        steps = steps + ops.matmul(_attended(asked), weights[f"{name}_answer"])
        wide = dense(row_normalised(steps, weights, f"{name}_between"), weights, f"{name}_wide")
        steps = steps + ops.matmul(wide, weights[f"{name}_narrow"]) + weights[f"{name}_narrow_bias"]
    hour = ops.mean(ops.reshape(row_normalised(steps, weights, "last"), (-1, TIMES, width)), axis=1)
    return join(hour, seen, weights, drop)


def _blocks() -> list[str]:
    return [f"block_{number}" for number in range(LAYERS)]


def _attended(asked: Any) -> Any:
    """Equation 1, every step looking at all of its hour. # [n · 12, 3 · heads · head] -> [n · 12, heads · head]"""
    from keras import ops

    parts = ops.transpose(ops.reshape(asked, (-1, TIMES, 3, HEADS, HEAD)), (2, 0, 3, 1, 4))
    query, key, value = parts[0], parts[1], parts[2]
    alike = ops.matmul(query, ops.transpose(key, (0, 1, 3, 2))) * HEAD**-0.5
    told = ops.matmul(ops.softmax(alike, axis=-1), value)
    return ops.reshape(ops.transpose(told, (0, 2, 1, 3)), (-1, HEADS * HEAD))


TRANSFORMER = NetworkDefinition(shapes, forward, widths=(48, 96))
