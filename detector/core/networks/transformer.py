"""Transformer network: two blocks over the twelve five-minute means, whose average is the hour.

Vaswani et al. 2017, normalised before each part as in Xiong et al. 2020.
"""

from collections.abc import Mapping
from typing import Any

from detector.core.networks.head import dense, join, joined_shapes
from detector.core.networks.inputs import TIMES, View
from detector.core.networks.normalization import normalise_rows, row_shapes
from detector.core.networks.spec import Drop, NetworkDefinition, Output, Spec

LAYERS, HEADS, HEAD = 2, 4, 12
"""Number of blocks, heads of each block, and width of a head."""


def shapes(spec: Spec) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the weights.

    `first` is the width of a step, `second` that of the layer between a block's two products.
    """
    arrays: dict[str, tuple[int, ...]] = {
        "step": (spec.features, spec.first),
        "step_bias": (spec.first,),
        "place": (TIMES, spec.first),
    }
    for name in _blocks():
        arrays |= {
            **row_shapes(f"{name}_before", spec.first),
            f"{name}_ask": (spec.first, 3 * HEADS * HEAD),
            f"{name}_answer": (HEADS * HEAD, spec.first),
            **row_shapes(f"{name}_between", spec.first),
            f"{name}_wide": (spec.first, spec.second),
            f"{name}_wide_bias": (spec.second,),
            f"{name}_narrow": (spec.second, spec.first),
            f"{name}_narrow_bias": (spec.first,),
        }
    return {**arrays, **row_shapes("last", spec.first), **joined_shapes(spec, spec.first)}


def forward(inputs: View, weights: Mapping[str, Any], drop: Drop | None = None) -> Output:
    """Compute the raw direction. # View of n -> Output of n"""
    from keras import ops

    width = weights["step"].shape[1]
    steps = ops.matmul(ops.reshape(inputs.steps, (-1, inputs.steps.shape[2])), weights["step"]) + weights["step_bias"]
    steps = ops.reshape(ops.reshape(steps, (-1, TIMES, width)) + weights["place"], (-1, width))
    for name in _blocks():
        projections = ops.matmul(normalise_rows(steps, weights, f"{name}_before"), weights[f"{name}_ask"])
        steps = steps + ops.matmul(_attend(projections), weights[f"{name}_answer"])
        wide_layer = dense(normalise_rows(steps, weights, f"{name}_between"), weights, f"{name}_wide")
        steps = steps + ops.matmul(wide_layer, weights[f"{name}_narrow"]) + weights[f"{name}_narrow_bias"]
    hour = ops.mean(ops.reshape(normalise_rows(steps, weights, "last"), (-1, TIMES, width)), axis=1)
    return join(hour, inputs, weights, drop)


def _blocks() -> list[str]:
    return [f"block_{number}" for number in range(LAYERS)]


def _attend(projections: Any) -> Any:
    """Apply attention (equation 1) of every step to all steps of its hour.

    # [n · 12, 3 · heads · head] -> [n · 12, heads · head]
    """
    from keras import ops

    parts = ops.transpose(ops.reshape(projections, (-1, TIMES, 3, HEADS, HEAD)), (2, 0, 3, 1, 4))
    query, key, value = parts[0], parts[1], parts[2]
    similarity = ops.matmul(query, ops.transpose(key, (0, 1, 3, 2))) * HEAD**-0.5
    outputs = ops.matmul(ops.softmax(similarity, axis=-1), value)
    return ops.reshape(ops.transpose(outputs, (0, 2, 1, 3)), (-1, HEADS * HEAD))


TRANSFORMER = NetworkDefinition(shapes=shapes, forward=forward, widths=(48, 96))
