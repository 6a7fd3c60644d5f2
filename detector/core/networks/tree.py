"""The default: two strided steps written as reshape and product (60 = 5·3·4), so that nothing is computed that the last
minute does not need.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from detector.core.networks.head import dense, fold_joined, join, joined_shapes
from detector.core.networks.inputs import MILD, View
from detector.core.networks.spec import Arrays, Drop, NetworkDefinition, Output, Spec

STEPS_AT_ONCE = 3
"""Of the first stride: a quarter of an hour."""


def shapes(spec: Spec) -> dict[str, tuple[int, ...]]:
    """`first`: width of a quarter of an hour; `second`: of the hour."""
    return {
        "first": (STEPS_AT_ONCE * spec.features, spec.first),
        "first_bias": (spec.first,),
        "second": (4 * spec.first, spec.second),
        "second_bias": (spec.second,),
        **joined_shapes(spec, spec.second),
    }


def forward(seen: View, weights: Mapping[str, Any], drop: Drop | None = None) -> Output:
    """# View of n -> Output of n"""
    from keras import ops

    quarters = dense(ops.reshape(seen.steps, (-1, weights["first"].shape[0])), weights, "first")
    hour = dense(ops.reshape(quarters, (-1, weights["second"].shape[0])), weights, "second")
    return join(hour, seen, weights, drop)


def folded(weights: Arrays) -> Arrays:
    """The whitening multiplied into the first products: whitened steps then cost nothing."""
    first = weights["first"].reshape(STEPS_AT_ONCE, len(weights["centre"]), -1)
    turned = [weights["whiten"] @ part * MILD for part in first]
    return {
        **weights,
        "first": np.concatenate(turned),
        "first_bias": weights["first_bias"] - sum(weights["centre"] @ part for part in turned),
        **fold_joined(weights, len(weights["second_bias"])),
    }


TREE = NetworkDefinition(shapes, forward, widths=(64, 64), folded=folded)
