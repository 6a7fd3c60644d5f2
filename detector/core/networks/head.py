"""Head of the networks: it joins the output of a kind's own layers with the window's statistics.

The lines also go straight to the output. Whitened, they separate faults before any training, and the direct path keeps
that for windows unlike those of the training (taught at one operator, asked at another: .68 to .69).
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from detector.core.networks.inputs import LINES, STATISTICS, WHITENED_SCALE, View
from detector.core.networks.spec import Arrays, Drop, Output, Spec


def joined_shapes(spec: Spec, width: int) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the weights of `join` for an input of this width, and of the whitening of every kind."""
    return {
        "hidden": (width + (LINES + STATISTICS) * spec.features, spec.hidden),
        "hidden_bias": (spec.hidden,),
        "out": (spec.hidden, spec.dimension),
        "out_bias": (spec.dimension,),
        "straight": (LINES * spec.features, spec.dimension),
        "centre": (spec.features,),
        "whiten": (spec.features, spec.features),
        "project": (spec.features, spec.shift),
    }


def join(
    values: Any,
    inputs: View,
    weights: Mapping[str, Any],
    drop: Drop | None = None,
    moving_averages: dict[str, Any] | None = None,
) -> Output:
    """Join the values of a kind's own layers with lines and statistics. # f32 [n, width], View of n -> Output of n"""
    from keras import ops

    features = inputs.steps.shape[2]
    straight = ops.reshape(inputs.lines, (-1, LINES * features))
    statistics = ops.reshape(inputs.statistics, (-1, STATISTICS * features))
    hidden = dense(ops.concatenate([values, straight, statistics], axis=1), weights, "hidden")
    hidden = drop(hidden) if drop else hidden
    raw = ops.matmul(hidden, weights["out"]) + ops.matmul(straight, weights["straight"]) + weights["out_bias"]
    return Output(raw, moving_averages or {})


def fold_joined(weights: Arrays, width: int) -> dict[str, Any]:
    """Return the weights of `join` for unwhitened lines. # width: of the input"""
    centre, whiten = weights["centre"], weights["whiten"] * WHITENED_SCALE
    features = len(centre)
    rows = slice(width, width + LINES * features)
    hidden, hidden_shift = _fold_rows(weights["hidden"][rows], centre, whiten)
    straight, out_shift = _fold_rows(weights["straight"], centre, whiten)
    folded_hidden = weights["hidden"].copy()
    folded_hidden[rows] = hidden
    return {
        "hidden": folded_hidden,
        "hidden_bias": weights["hidden_bias"] - hidden_shift,
        "straight": straight,
        "out_bias": weights["out_bias"] - out_shift,
    }


def _fold_rows(rows: Any, centre: Any, whiten: Any) -> tuple[Any, Any]:
    """Return rows for unwhitened lines, and the centre's contribution through the mean and the last quarter hour.

    # [3 F, k] -> [3 F, k], [k]
    """
    mean, slope, last = (whiten @ part for part in rows.reshape(LINES, len(centre), -1))
    return np.concatenate([mean, slope, last]), centre @ (mean + last)


def dense(values: Any, weights: Mapping[str, Any], name: str) -> Any:
    """Apply a dense layer with ReLU. # [n, in] -> [n, out]"""
    from keras import ops

    return ops.relu(ops.matmul(values, weights[name]) + weights[f"{name}_bias"])
