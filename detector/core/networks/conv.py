"""Convolutional network: two convolutions over the five-minute means, the second dilated, then the hour's maximum.

A pattern counts wherever in the hour it lies; only the statistics say how long ago. The convolutions are products of
shifted copies: the backends' own convolutions sum in an order that may depend on the batch.
"""

from collections.abc import Mapping
from typing import Any

from detector.core.networks.head import dense, join, joined_shapes
from detector.core.networks.inputs import TIMES, View
from detector.core.networks.spec import Drop, NetworkDefinition, Output, Spec

KERNEL = 3
DILATION = 2
"""Dilation of the second convolution: together both cover seven steps, 35 minutes."""


def shapes(spec: Spec) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the weights; `first` and `second` of the spec are channels."""
    return {
        "first": (KERNEL * spec.features, spec.first),
        "first_bias": (spec.first,),
        "second": (KERNEL * spec.first, spec.second),
        "second_bias": (spec.second,),
        **joined_shapes(spec, spec.second),
    }


def forward(inputs: View, weights: Mapping[str, Any], drop: Drop | None = None) -> Output:
    """Compute the raw direction. # View of n -> Output of n"""
    from keras import ops

    first = _convolve(inputs.steps, weights, "first", 1)
    second = _convolve(first, weights, "second", DILATION)
    return join(ops.max(second, axis=1), inputs, weights, drop)


def _convolve(steps: Any, weights: Mapping[str, Any], name: str, dilation: int) -> Any:
    """Convolve the steps, with zeros outside the hour. # [n, 12, in] -> [n, 12, out]"""
    from keras import ops

    padded_steps = ops.pad(steps, ((0, 0), (dilation, dilation), (0, 0)))
    shifted_steps = ops.concatenate(
        [padded_steps[:, k * dilation : k * dilation + TIMES] for k in range(KERNEL)], axis=2
    )
    outputs = dense(ops.reshape(shifted_steps, (-1, shifted_steps.shape[2])), weights, name)
    return ops.reshape(outputs, (-1, TIMES, outputs.shape[1]))


CONV = NetworkDefinition(shapes=shapes, forward=forward, widths=(64, 64))
