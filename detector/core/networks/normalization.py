"""Normalisation over the batch, with moving averages, and over a row, without state."""

from collections.abc import Mapping
from typing import Any

MOMENTUM = 0.95
"""Momentum of the moving averages: some twenty batches of 160 windows give a good mean, while the weights change."""

LEAST_VARIANCE = 1e-3
"""Added to every variance; Keras' default."""


def batch_shapes(name: str, width: int) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the arrays of a batch normalisation."""
    return {f"{name}_{part}": (width,) for part in ("scale", "offset", "mean", "variance")}


def average_names(name: str) -> frozenset[str]:
    """Return the names of the arrays of a batch normalisation that no gradient updates."""
    return frozenset({f"{name}_mean", f"{name}_variance"})


def normalise_batch(
    values: Any, weights: Mapping[str, Any], name: str, is_training: bool
) -> tuple[Any, dict[str, Any]]:
    """Normalise by the batch's own mean and variance in training, else by their moving averages.

    So no window has an effect on another outside training. Also returns the moving averages' new values, by name. Ioffe
    & Szegedy 2015, algorithms 1 and 2. # [n, width] -> [n, width]
    """
    from keras import ops

    mean, variance = weights[f"{name}_mean"], weights[f"{name}_variance"]
    moving_averages = {}
    if is_training:
        batch = {f"{name}_mean": ops.mean(values, axis=0), f"{name}_variance": ops.var(values, axis=0)}
        moving_averages = {part: weights[part] * MOMENTUM + value * (1 - MOMENTUM) for part, value in batch.items()}
        mean, variance = batch.values()
    scale = weights[f"{name}_scale"] * ops.rsqrt(variance + LEAST_VARIANCE)
    return (values - mean) * scale + weights[f"{name}_offset"], moving_averages


def row_shapes(name: str, width: int) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the arrays of a row normalisation."""
    return {f"{name}_{part}": (width,) for part in ("scale", "offset")}


def normalise_rows(values: Any, weights: Mapping[str, Any], name: str) -> Any:
    """Normalise each row: layer normalisation, Ba et al. 2016, equation 3. # [n, width] -> [n, width]"""
    from keras import ops

    deviation = values - ops.mean(values, axis=1, keepdims=True)
    variance = ops.mean(ops.square(deviation), axis=1, keepdims=True)
    return deviation * ops.rsqrt(variance + LEAST_VARIANCE) * weights[f"{name}_scale"] + weights[f"{name}_offset"]
