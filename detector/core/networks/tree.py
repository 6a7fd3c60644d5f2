"""Tree network, the default: two strided steps written as reshape and product (60 = 5·3·4).

So only values are computed that the last minute needs.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from detector.core.networks.head import dense, fold_joined, join, joined_shapes
from detector.core.networks.inputs import WHITENED_SCALE, View
from detector.core.networks.spec import Arrays, Drop, NetworkDefinition, Output, Spec

STEPS_AT_ONCE = 3
"""Five-minute steps of the first stride: a quarter of an hour."""


def shapes(spec: Spec) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the weights; `first` is the width of a quarter of an hour, `second` that of the hour."""
    return {
        "first": (STEPS_AT_ONCE * spec.features, spec.first),
        "first_bias": (spec.first,),
        "second": (4 * spec.first, spec.second),
        "second_bias": (spec.second,),
        **joined_shapes(spec, spec.second),
    }


def forward(inputs: View, weights: Mapping[str, Any], drop: Drop | None = None) -> Output:
    """Compute the raw direction. # View of n -> Output of n"""
    from keras import ops

    quarters = dense(ops.reshape(inputs.steps, (-1, weights["first"].shape[0])), weights, "first")
    hour = dense(ops.reshape(quarters, (-1, weights["second"].shape[0])), weights, "second")
    return join(hour, inputs, weights, drop)


def fold_whitening(weights: Arrays) -> Arrays:
    """Multiply the whitening into the first products: whitened steps then cost nothing."""
    first = weights["first"].reshape(STEPS_AT_ONCE, len(weights["centre"]), -1)
    folded_parts = [weights["whiten"] @ part * WHITENED_SCALE for part in first]
    return {
        **weights,
        "first": np.concatenate(folded_parts),
        "first_bias": weights["first_bias"] - sum(weights["centre"] @ part for part in folded_parts),
        **fold_joined(weights, len(weights["second_bias"])),
    }


TREE = NetworkDefinition(shapes=shapes, forward=forward, widths=(64, 64), fold_whitening=fold_whitening)
