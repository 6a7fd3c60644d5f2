"""The same small network for every feature: it is shipped, and any catalogue's features pass through it.

Nothing in it is learned where it works. *Views*: four numbers per feature, of which each set is whitened by this
network's own normal windows, so that what remains is what normal life does not explain, on one scale for all features.
*Tokens*: two numbers per feature from its four, by weights that other networks' faults taught; they shrink what may be
noise, the more the calmer the whole window is. The tokens, one after the other, are the direction.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from detector.core.networks.inputs import SQUASH, TIMES, View
from detector.core.networks.spec import Drop, NetworkDefinition, Output, Spec

VIEWS = 4
HALF_LIFE = 2.0
"""Of the recent mean, in steps of five minutes: 1 to 3 are alike, 6 names fewer right, the plain mean still fewer."""

WIDEST = 256
"""Of a direction. More tokens than these are folded at random, which keeps cosines to some 1 / 16."""


def shapes(spec: Spec) -> dict[str, tuple[int, ...]]:
    """`first`: width behind a feature's views; `second`: its tokens."""
    folded = {"fold": (spec.features * spec.second, spec.dimension)}
    return {
        "view_centre": (VIEWS, spec.features),
        "view_whiten": (VIEWS, spec.features, spec.features),
        **token_shapes(spec),
        **(folded if spec.dimension < spec.features * spec.second else {}),
        "centre": (spec.features,),
        "whiten": (spec.features, spec.features),
        "project": (spec.features, spec.shift),
    }


def token_shapes(spec: Spec) -> dict[str, tuple[int, ...]]:
    """What is shipped: the same for any catalogue."""
    return {
        "shrink": (VIEWS,),
        "mix": (VIEWS, spec.second),
        "token": (VIEWS, spec.first),
        "crowd": (VIEWS, spec.first),
        "token_bias": (spec.first,),
        "token_out": (spec.first, spec.second),
    }


def dimension(features: int) -> int:
    return min(WIDTHS[1] * features, WIDEST)


def views(seen: View) -> Any:
    """Recent mean, mean, rms, and the last quarter hour less the first. # View of n, unwhitened -> f32 [n, 4, F]"""
    from keras import ops

    means = seen.steps * SQUASH  # the scale of the rms, and the one that the tokens were learned on
    weight = np.exp2((np.arange(TIMES) - TIMES + 1) / HALF_LIFE)
    recent = ops.convert_to_tensor((weight / weight.sum())[None, :, None], "float32")
    change = ops.mean(means[:, -3:], axis=1) - ops.mean(means[:, :3], axis=1)
    rows = [ops.sum(means * recent, axis=1), ops.mean(means, axis=1), seen.numbers[:, 0], change]
    return ops.stack(rows, axis=1)


def forward(seen: View, weights: Mapping[str, Any], drop: Drop | None = None) -> Output:
    """Nothing is dropped: there is no hidden layer. # View of n, unwhitened -> Output of n"""
    from keras import ops

    centred = views(seen) - weights["view_centre"]
    whitened = [ops.matmul(centred[:, view], weights["view_whiten"][view]) for view in range(VIEWS)]
    tokens = _tokens(ops.stack(whitened, axis=1), weights)
    return Output(ops.matmul(tokens, weights["fold"]) if "fold" in weights else tokens)


def _tokens(seen: Any, weights: Mapping[str, Any]) -> Any:
    """Each feature's own, by what it is and how loud the window is. # [n, 4, F] -> [n, tokens · F]

    The products over four views are written out: as matrices of four columns they would cost many times as much.
    """
    from keras import ops

    count = seen.shape[2]
    mean = ops.full((count, 1), 1 / count)  # a plain sum of many features takes another order in another batch
    square = ops.reshape(ops.matmul(ops.reshape(ops.square(seen), (-1, count)), mean), (-1, VIEWS))
    loud = ops.log(ops.sqrt(square) + 0.1)
    heard = (ops.matmul(loud, weights["crowd"]) + weights["token_bias"])[:, :, None]  # [n, first, 1]
    for view in range(VIEWS):
        heard = heard + seen[:, view : view + 1] * weights["token"][view][:, None]
    heard = ops.relu(heard)
    kept = ops.sign(seen) * ops.relu(ops.abs(seen) - weights["shrink"][:, None])
    tokens = []
    for token in range(weights["mix"].shape[1]):
        told = ops.sum(heard * weights["token_out"][:, token][:, None], axis=1)
        tokens.append(told + ops.sum(kept * weights["mix"][:, token][:, None], axis=1))
    return ops.concatenate(tokens, axis=1)


WIDTHS = (16, 2)
"""Of four tokens no more was seen than of two; of one, a little less."""

SHARED = NetworkDefinition(
    shapes,
    forward,
    WIDTHS,
    NetworkDefinition.unlearned | set(token_shapes(Spec(1))) | {"view_centre", "view_whiten", "fold"},
    whitens=True,
    dimension=dimension,
)
