"""Two convolutions over the five-minute means, the second dilated, and the largest answer of the hour.

A pattern counts wherever in the hour it lies; how long ago, only the statistics say. Written as products of shifted
copies: the backends' own convolutions sum in an order that may depend on the batch.
"""

from collections.abc import Mapping
from typing import Any

from detector.core.networks.head import dense, join, joined_shapes
from detector.core.networks.inputs import TIMES, View
from detector.core.networks.spec import Drop, NetworkDefinition, Output, Spec

KERNEL = 3
DILATION = 2
"""Of the second: together they see seven steps, 35 minutes."""


def shapes(spec: Spec) -> dict[str, tuple[int, ...]]:
    """`first` and `second`: channels."""
    return {
        "first": (KERNEL * spec.features, spec.first),
        "first_bias": (spec.first,),
        "second": (KERNEL * spec.first, spec.second),
        "second_bias": (spec.second,),
        **joined_shapes(spec, spec.second),
    }


def forward(seen: View, weights: Mapping[str, Any], drop: Drop | None = None) -> Output:
    """# View of n -> Output of n"""
    from keras import ops

    answers = _convolved(_convolved(seen.steps, weights, "first", 1), weights, "second", DILATION)
    return join(ops.max(answers, axis=1), seen, weights, drop)


def _convolved(steps: Any, weights: Mapping[str, Any], name: str, apart: int) -> Any:
    """Nothing but zeros lies outside the hour. # [n, 12, in] -> [n, 12, out]"""
    from keras import ops

    padded = ops.pad(steps, ((0, 0), (apart, apart), (0, 0)))
    near = ops.concatenate([padded[:, k * apart : k * apart + TIMES] for k in range(KERNEL)], axis=2)
    answers = dense(ops.reshape(near, (-1, near.shape[2])), weights, name)
    return ops.reshape(answers, (-1, TIMES, answers.shape[1]))


CONV = NetworkDefinition(shapes, forward, widths=(64, 64))
