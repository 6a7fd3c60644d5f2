"""Triplet losses: margin, soft margin and lossless."""

from typing import Any

from trainer.losses.loss import LossError, LossParameters, Option, euclidean_distance, squared_distance


def triplet(anchor: Any, positive: Any, negative: Any, margin: Any) -> Any:
    """Return the triplet loss with a margin: max(0, |a - p|² - |a - n|² + margin).

    Source: Schroff et al. 2015 (FaceNet), section 3.1. Guard: squared distances come from differences, so that
    float32 keeps small ones.

    # f32 [n, D] thrice -> [n]
    """
    import tensorflow as tf

    return tf.nn.relu(squared_distance(anchor, positive) - squared_distance(anchor, negative) + margin)


def soft_margin(anchor: Any, positive: Any, negative: Any) -> Any:
    """Return the soft-margin triplet loss: ln(1 + exp(|a - p| - |a - n|)), on distances that are not squared.

    Source: Hermans et al. 2017, section 2. Guard: softplus does not overflow, and each root has a floor.

    # f32 [n, D] thrice -> [n]
    """
    import tensorflow as tf

    return tf.nn.softplus(euclidean_distance(anchor, positive) - euclidean_distance(anchor, negative))


def lossless_triplet(anchor: Any, positive: Any, negative: Any, beta: float | None, epsilon: float) -> Any:
    """Return the lossless triplet loss: -ln(1 - |a - p|²/β + ε) - ln(1 - (N - |a - n|²)/β + ε).

    Source: Arsenault 2018. N is the dimension; β is N unless it is given. Embeddings lie in (0, 1)^N, so no squared
    distance reaches N. With β = N the loss is the binary cross-entropy of |·|²/N, taken as the probability that two
    windows differ. Guard: β < N is refused with LossError, because a logarithm may then be undefined.

    Only the training has a sigmoid behind the output layer. The detector serves the unit direction of that layer, as
    for every other loss.

    # f32 [n, N] thrice -> [n]
    """
    import tensorflow as tf

    dimension = int(anchor.shape[1])
    check_beta(dimension, beta)
    beta = dimension if beta is None else beta
    near = (beta - squared_distance(anchor, positive)) / beta
    # 1 - (N - d²)/β, written so that small terms do not cancel
    far = (beta - dimension + squared_distance(anchor, negative)) / beta
    return -tf.math.log(tf.nn.relu(near) + epsilon) - tf.math.log(tf.nn.relu(far) + epsilon)


def check_beta(dimension: int, beta: float | None, **options: Option) -> LossParameters:
    """Return no parameters, for the lossless triplet loss learns none. Raises LossError for β below the dimension."""
    if beta is not None and beta < dimension:
        raise LossError(
            f"the lossless triplet loss has beta {beta:g}, below the embedding's {dimension} dimensions: its logarithms"
            f" may be undefined. Give a beta of {dimension} or more."
        )
    return {}
