"""Shared network: the same small network for every feature of any catalogue. It is shipped with the distribution.

It is not trained at the operator that uses it. *Views*: four numbers per feature. Each of the four sets is whitened by
this network's own normal windows; the remainder is not explained by normal life, on one scale for all features.
*Tokens*: two numbers per feature from its four, by weights learned from other networks' faults. They shrink possible
noise, the more the calmer the whole window is. The tokens, one after the other, are the direction.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from detector.core.networks.inputs import SPREAD_SCALE, TIMES, View
from detector.core.networks.spec import Drop, NetworkDefinition, Output, Spec

VIEWS = 4
HALF_LIFE = 2.0
"""Half-life of the recent mean, in steps of five minutes. 1 to 3 are alike, 6 names fewer episodes right, the plain
mean still fewer."""

MAX_DIMENSION = 256
"""Largest dimension of a direction. More tokens are folded at random, which keeps cosines to some 1 / 16."""


def shapes(spec: Spec) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the weights; `first` is the width behind a feature's views, `second` its token count."""
    fold = {"fold": (spec.features * spec.second, spec.dimension)}
    return {
        "view_centre": (VIEWS, spec.features),
        "view_whiten": (VIEWS, spec.features, spec.features),
        **token_shapes(spec),
        **(fold if spec.dimension < spec.features * spec.second else {}),
        "centre": (spec.features,),
        "whiten": (spec.features, spec.features),
        "project": (spec.features, spec.shift),
    }


def token_shapes(spec: Spec) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the shipped weights, the same for any catalogue."""
    return {
        "shrink": (VIEWS,),
        "mix": (VIEWS, spec.second),
        "token": (VIEWS, spec.first),
        "crowd": (VIEWS, spec.first),
        "token_bias": (spec.first,),
        "token_out": (spec.first, spec.second),
    }


def dimension(features: int) -> int:
    """Return the dimension of a direction for this number of features."""
    return min(WIDTHS[1] * features, MAX_DIMENSION)


def views(inputs: View) -> Any:
    """Return recent mean, mean, rms, and the last quarter hour less the first.

    # View of n, unwhitened -> f32 [n, 4, F]
    """
    from keras import ops

    means = inputs.steps * SPREAD_SCALE  # the scale of the rms, and the one that the tokens were learned on
    weight = np.exp2((np.arange(TIMES) - TIMES + 1) / HALF_LIFE)
    recent = ops.convert_to_tensor((weight / weight.sum())[None, :, None], "float32")
    change = ops.mean(means[:, -3:], axis=1) - ops.mean(means[:, :3], axis=1)
    rows = [ops.sum(means * recent, axis=1), ops.mean(means, axis=1), inputs.statistics[:, 0], change]
    return ops.stack(rows, axis=1)


def forward(inputs: View, weights: Mapping[str, Any], drop: Drop | None = None) -> Output:
    """Compute the raw direction. `drop` is not used: there is no hidden layer.

    # View of n, unwhitened -> Output of n
    """
    from keras import ops

    centred_views = views(inputs) - weights["view_centre"]
    whitened_views = [ops.matmul(centred_views[:, view], weights["view_whiten"][view]) for view in range(VIEWS)]
    tokens = _tokens(ops.stack(whitened_views, axis=1), weights)
    return Output(ops.matmul(tokens, weights["fold"]) if "fold" in weights else tokens)


def _tokens(values: Any, weights: Mapping[str, Any]) -> Any:
    """Return each feature's tokens, from its views and the loudness of the window. # [n, 4, F] -> [n, tokens · F]

    The products over four views are written out: as matrices of four columns they would cost many times as much.
    """
    from keras import ops

    count = values.shape[2]
    mean = ops.full((count, 1), 1 / count)  # a plain sum of many features takes another order in another batch
    square = ops.reshape(ops.matmul(ops.reshape(ops.square(values), (-1, count)), mean), (-1, VIEWS))
    loudness = ops.log(ops.sqrt(square) + 0.1)
    hidden = (ops.matmul(loudness, weights["crowd"]) + weights["token_bias"])[:, :, None]  # [n, first, 1]
    for view in range(VIEWS):
        hidden = hidden + values[:, view : view + 1] * weights["token"][view][:, None]
    hidden = ops.relu(hidden)
    shrunk_values = ops.sign(values) * ops.relu(ops.abs(values) - weights["shrink"][:, None])
    tokens = []
    for token in range(weights["mix"].shape[1]):
        hidden_part = ops.sum(hidden * weights["token_out"][:, token][:, None], axis=1)
        tokens.append(hidden_part + ops.sum(shrunk_values * weights["mix"][:, token][:, None], axis=1))
    return ops.concatenate(tokens, axis=1)


WIDTHS = (16, 2)
"""Usual widths. Four tokens were no better than two; one was a little worse."""

SHARED = NetworkDefinition(
    shapes=shapes,
    forward=forward,
    widths=WIDTHS,
    untrained_arrays=NetworkDefinition.untrained_arrays
    | set(token_shapes(Spec(1)))
    | {"view_centre", "view_whiten", "fold"},
    whitens_input=True,
    dimension=dimension,
)
