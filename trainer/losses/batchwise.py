"""Losses over a whole batch: prototypical, multi-similarity, supervised contrastive."""

from typing import Any

import numpy as np

from trainer.losses.loss import LossParameters, pair_masks, squared_distance
from trainer.losses.mining import OUT_OF_REACH


def prototypical(embedding: Any, label: Any, anchors: Any) -> Any:
    """Return the prototypical loss: -ln of the softmax, over the classes, of -|x - class mean|².

    Source: Snell et al. 2017, equations 1 and 2. Each anchor is the query once; the other windows of its class form
    the prototype. A row of no class is its own prototype. Guard: an anchor without another window of its class
    costs 0.

    # f32 [n, D], label [n] -> [anchors]
    """
    import tensorflow as tf

    _, number, count = tf.unique_with_counts(label)
    size = tf.cast(count, tf.float32)[:, None]
    total = tf.math.unsorted_segment_sum(embedding, number, tf.shape(count)[0])
    query, query_class = embedding[:anchors], number[:anchors]
    others = tf.gather(size, query_class) - 1
    from_class = squared_distance(query, (tf.gather(total, query_class) - query) / tf.maximum(others, 1.0))
    is_class = query_class[:, None] == tf.range(tf.shape(count)[0])
    square = tf.where(is_class, from_class[:, None], squared_distance(query[:, None], (total / size)[None]))
    return tf.where(others[:, 0] > 0, tf.reduce_logsumexp(-square, axis=1) + from_class, 0.0)


def multi_similarity(embedding: Any, label: Any, anchors: Any, alpha: Any, beta: Any, base: Any, epsilon: Any) -> Any:
    """Return the multi-similarity loss: ln(1 + Σ exp(-α(S - λ)))/α over positives + ln(1 + Σ exp(β(S - λ)))/β.

    Source: Wang et al. 2019. S is the cosine and λ the `base`; the second sum is over negatives. Counted are positives
    with S < the largest S of the negatives + ε, and negatives with S > the smallest S of the positives - ε. Guard: a
    pair that is not counted has a logit of -1e9, so its share is 0 and its gradient finite.

    # f32 [n, D], label [n] -> [anchors]
    """
    import tensorflow as tf

    same, different = pair_masks(label, anchors)
    cosine = embedding[:anchors] @ tf.transpose(embedding)
    nearest = tf.reduce_max(tf.where(different, cosine, -np.inf), axis=1, keepdims=True)
    furthest = tf.reduce_min(tf.where(same, cosine, np.inf), axis=1, keepdims=True)
    # exponents of the two sums: positives pull the anchor nearer, negatives push it away
    pull = tf.where(same & (cosine < nearest + epsilon), -alpha * (cosine - base), OUT_OF_REACH)
    push = tf.where(different & (cosine > furthest - epsilon), beta * (cosine - base), OUT_OF_REACH)
    zero = tf.zeros_like(cosine[:, :1])  # the 1 of ln(1 + ...)
    pull, push = tf.concat([zero, pull], axis=1), tf.concat([zero, push], axis=1)
    return tf.reduce_logsumexp(pull, axis=1) / alpha + tf.reduce_logsumexp(push, axis=1) / beta


def supervised_contrastive(direction: Any, label: Any, anchors: Any, temperature: Any) -> Any:
    """Return the supervised contrastive loss of the first `anchors` rows; the other rows are negatives only.

    Source: Khosla et al. 2020, equation 2 (the sum outside the logarithm). Normal windows are negatives of no class:
    a class of their own would pull them together, and normal windows have no common direction. Guard: every anchor's
    class must occur twice in the batch; an anchor without a positive costs 0.

    # direction f32 [n, D], label [n], anchors a number <= n -> f32 [anchors]
    """
    import tensorflow as tf

    cosine = direction[:anchors] @ tf.transpose(direction) / temperature
    itself = tf.eye(anchors, tf.shape(direction)[0], dtype=tf.bool)
    same = tf.logical_and(label[:anchors, None] == label[None, :], tf.logical_not(itself))
    others = tf.where(itself, -1e9, cosine)
    log_share = cosine - tf.reduce_logsumexp(others, axis=1, keepdims=True)
    positives = tf.reduce_sum(tf.cast(same, tf.float32), axis=1)
    return -tf.reduce_sum(tf.where(same, log_share, 0.0), axis=1) / tf.maximum(positives, 1.0)


def supervised_contrastive_learned_temperature(direction: Any, label: Any, anchors: Any, temperature: Any) -> Any:
    """Return the supervised contrastive loss with a learned temperature.

    The parameter is the logarithm of the temperature. Guard: it is clipped, so the temperature stays between e⁻⁴ and 1.
    """
    import tensorflow as tf

    return supervised_contrastive(direction, label, anchors, tf.exp(tf.clip_by_value(temperature, -4.0, 0.0)))


def initial_temperature(dimension: int) -> LossParameters:
    """Return the logarithm of the temperature 0.1."""
    return {"temperature": np.array(np.log(0.1), np.float32)}
