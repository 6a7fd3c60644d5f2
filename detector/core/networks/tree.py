"""The default: two strided steps written as reshape and product (60 = 5·3·4), so that nothing is computed that the last
minute does not need.
"""

from collections.abc import Mapping
from typing import Any

from detector.core.networks.joining import dense, join, joined_shapes
from detector.core.networks.spec import Lesson, Network, Output, Spec
from detector.core.networks.views import Blocks, statistics


def shapes(spec: Spec) -> dict[str, tuple[int, ...]]:
    """`first`: width of a quarter of an hour; `second`: of the hour."""
    return {
        "first": (3 * spec.features, spec.first),
        "first_bias": (spec.first,),
        "second": (4 * spec.first, spec.second),
        "second_bias": (spec.second,),
        **joined_shapes(spec, spec.second),
    }


def forward(window: Blocks, weights: Mapping[str, Any], lesson: Lesson | None = None) -> Output:
    """# Blocks of n -> Output of n"""
    from keras import ops

    means, numbers = statistics(window)
    quarters = dense(ops.reshape(means, (-1, weights["first"].shape[0])), weights, "first")
    hour = dense(ops.reshape(quarters, (-1, weights["second"].shape[0])), weights, "second")
    return join(hour, numbers, weights, lesson)


TREE = Network(shapes, forward, widths=(64, 64))
