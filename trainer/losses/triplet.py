"""Triplet losses: margin, soft margin and lossless."""

from typing import Any

from trainer.losses.loss import Learned, LossError, Option, _distance, _square


def triplet(anchor: Any, positive: Any, negative: Any, margin: Any) -> Any:
    """Schroff et al. 2015 (FaceNet), section 3.1: max(0, |a - p|² - |a - n|² + margin). # [n, D] thrice -> [n]"""
    import tensorflow as tf

    return tf.nn.relu(_square(anchor, positive) - _square(anchor, negative) + margin)


def soft_margin(anchor: Any, positive: Any, negative: Any) -> Any:
    """Hermans et al. 2017, section 2: ln(1 + exp(|a - p| - |a - n|)), no squares. # [n, D] thrice -> [n]"""
    import tensorflow as tf

    return tf.nn.softplus(_distance(anchor, positive) - _distance(anchor, negative))


def lossless_triplet(anchor: Any, positive: Any, negative: Any, beta: float | None, epsilon: float) -> Any:
    """Arsenault 2018: -ln(1 - |a - p|²/β + ε) - ln(1 - (N - |a - n|²)/β + ε), with β = N, the dimension, if not given.

    Embeddings lie in (0, 1)^N, so that no squared distance reaches N: with β = N it is the binary cross-entropy of
    |·|²/N taken for the probability that two windows differ. Guard: β < N is refused, as its logarithms may not exist.
    Only the training puts a sigmoid after the out layer; served is the unit direction of that layer, as ever.

    # f32 [n, N] thrice -> [n]
    """
    import tensorflow as tf

    dimension = int(anchor.shape[1])
    _refuse_narrow(dimension, beta)
    beta = dimension if beta is None else beta
    near = (beta - _square(anchor, positive)) / beta
    far = (beta - dimension + _square(anchor, negative)) / beta  # 1 - (N - d²)/β, without cancelling what is small
    return -tf.math.log(tf.nn.relu(near) + epsilon) - tf.math.log(tf.nn.relu(far) + epsilon)


def _refuse_narrow(dimension: int, beta: float | None, **options: Option) -> Learned:
    if beta is not None and beta < dimension:
        raise LossError(
            f"beta {beta:g} of the lossless triplet loss is below the embedding's {dimension} dimensions, and its"
            f" logarithms may not exist; give it {dimension} or more."
        )
    return {}
