"""What kinds have in common behind their first view: it is joined with the statistics, and becomes the output.

The lines also go straight to the output: whitened they tell faults apart before anything is learned, and a straight way
keeps that where the network meets what it was not trained on (taught at one operator, asked at another: .68 to .69).
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from detector.core.networks.inputs import LINES, MILD, NUMBERS, View
from detector.core.networks.spec import Arrays, Drop, Output, Spec


def joined_shapes(spec: Spec, width: int) -> dict[str, tuple[int, ...]]:
    """The weights of `join`, for a shape of this width, and what every kind is whitened by."""
    return {
        "hidden": (width + (LINES + NUMBERS) * spec.features, spec.hidden),
        "hidden_bias": (spec.hidden,),
        "out": (spec.hidden, spec.dimension),
        "out_bias": (spec.dimension,),
        "straight": (LINES * spec.features, spec.dimension),
        "centre": (spec.features,),
        "whiten": (spec.features, spec.features),
        "project": (spec.features, spec.shift),
    }


def join(
    shape: Any, seen: View, weights: Mapping[str, Any], drop: Drop | None = None, moved: dict[str, Any] | None = None
) -> Output:
    """# shape f32 [n, width], View of n -> Output of n"""
    from keras import ops

    features = seen.steps.shape[2]
    straight = ops.reshape(seen.lines, (-1, LINES * features))
    numbers = ops.reshape(seen.numbers, (-1, NUMBERS * features))
    hidden = dense(ops.concatenate([shape, straight, numbers], axis=1), weights, "hidden")
    hidden = drop(hidden) if drop else hidden
    raw = ops.matmul(hidden, weights["out"]) + ops.matmul(straight, weights["straight"]) + weights["out_bias"]
    return Output(raw, moved or {})


def fold_joined(weights: Arrays, width: int) -> dict[str, Any]:
    """The weights of `join` for unwhitened lines. # width: of the shape"""
    centre, turned = weights["centre"], weights["whiten"] * MILD
    features = len(centre)
    rows = slice(width, width + LINES * features)
    hidden, hidden_shift = _unwhitened(weights["hidden"][rows], centre, turned)
    straight, out_shift = _unwhitened(weights["straight"], centre, turned)
    whole = weights["hidden"].copy()
    whole[rows] = hidden
    return {
        "hidden": whole,
        "hidden_bias": weights["hidden_bias"] - hidden_shift,
        "straight": straight,
        "out_bias": weights["out_bias"] - out_shift,
    }


def _unwhitened(rows: Any, centre: Any, turned: Any) -> tuple[Any, Any]:
    """Rows for the lines as they are, and what the centre adds by the mean and the last quarter hour.

    # [3 F, k] -> [3 F, k], [k]
    """
    mean, slope, last = (turned @ part for part in rows.reshape(LINES, len(centre), -1))
    return np.concatenate([mean, slope, last]), centre @ (mean + last)


def dense(values: Any, weights: Mapping[str, Any], name: str) -> Any:
    """# [n, in] -> [n, out]"""
    from keras import ops

    return ops.relu(ops.matmul(values, weights[name]) + weights[f"{name}_bias"])
