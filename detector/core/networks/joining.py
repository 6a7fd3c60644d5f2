"""What kinds have in common behind their first view: it is joined with the statistics, and becomes the output."""

from collections.abc import Mapping
from typing import Any

from detector.core.networks.spec import Lesson, Output, Spec
from detector.core.networks.views import STATISTICS


def joined_shapes(spec: Spec, width: int) -> dict[str, tuple[int, ...]]:
    """The weights of `join`, for a shape of this width."""
    return {
        "hidden": (width + STATISTICS * spec.features, spec.hidden),
        "hidden_bias": (spec.hidden,),
        "out": (spec.hidden, spec.dimension),
        "out_bias": (spec.dimension,),
        "centre": (spec.features,),
        "whiten": (spec.features, spec.features),
    }


def join(
    shape: Any,
    numbers: Any,
    weights: Mapping[str, Any],
    lesson: Lesson | None = None,
    moved: dict[str, Any] | None = None,
) -> Output:
    """# shape f32 [n, width], numbers f32 [n, 6, F] -> Output of n"""
    import keras
    from keras import ops

    flat = ops.reshape(numbers, (-1, STATISTICS * numbers.shape[2]))
    hidden = dense(ops.concatenate([shape, flat], axis=1), weights, "hidden")
    if lesson:
        hidden = keras.random.dropout(hidden, lesson.dropout, seed=lesson.seed)
    out = ops.matmul(hidden, weights["out"]) + weights["out_bias"]
    direction = out * ops.rsqrt(ops.maximum(ops.sum(ops.square(out), axis=1, keepdims=True), 1e-12))
    whitened = ops.matmul(numbers[:, 0] - weights["centre"], weights["whiten"])
    return Output(direction, ops.sqrt(ops.sum(ops.square(whitened), axis=1)), hidden, moved or {})


def dense(values: Any, weights: Mapping[str, Any], name: str) -> Any:
    """# [n, in] -> [n, out]"""
    from keras import ops

    return ops.relu(ops.matmul(values, weights[name]) + weights[f"{name}_bias"])
