"""Normalisation over the batch, which needs a memory, and over a row, which needs none."""

from collections.abc import Mapping
from typing import Any

MOMENTUM = 0.95
"""Of the moving averages: some twenty batches of 160 windows know a mean well, and the weights move on meanwhile."""

LEAST_VARIANCE = 1e-3
"""Added to every variance; Keras' own."""


def batch_shapes(name: str, width: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}_{part}": (width,) for part in ("scale", "offset", "mean", "variance")}


def averages(name: str) -> frozenset[str]:
    """The arrays of a batch normalisation that no gradient moves."""
    return frozenset({f"{name}_mean", f"{name}_variance"})


def batch_normalised(values: Any, weights: Mapping[str, Any], name: str, learns: bool) -> tuple[Any, dict[str, Any]]:
    """By the batch's own mean and variance where it learns, else by their moving averages: no window then sees another.

    Also the moving averages' new values, by name. Ioffe & Szegedy 2015, algorithms 1 and 2. # [n, width] -> [n, width]
    """
    from keras import ops

    mean, variance = weights[f"{name}_mean"], weights[f"{name}_variance"]
    moved = {}
    if learns:
        here = {f"{name}_mean": ops.mean(values, axis=0), f"{name}_variance": ops.var(values, axis=0)}
        moved = {part: weights[part] * MOMENTUM + now * (1 - MOMENTUM) for part, now in here.items()}
        mean, variance = here.values()
    scale = weights[f"{name}_scale"] * ops.rsqrt(variance + LEAST_VARIANCE)
    return (values - mean) * scale + weights[f"{name}_offset"], moved


def row_shapes(name: str, width: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}_{part}": (width,) for part in ("scale", "offset")}


def row_normalised(values: Any, weights: Mapping[str, Any], name: str) -> Any:
    """Layer normalisation, Ba et al. 2016, equation 3 per row. # [n, width] -> [n, width]"""
    from keras import ops

    centred = values - ops.mean(values, axis=1, keepdims=True)
    variance = ops.mean(ops.square(centred), axis=1, keepdims=True)
    return centred * ops.rsqrt(variance + LEAST_VARIANCE) * weights[f"{name}_scale"] + weights[f"{name}_offset"]
