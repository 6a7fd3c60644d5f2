"""Losses over a whole batch: prototypical, multi-similarity, supervised contrastive."""

from typing import Any

import numpy as np

from trainer.losses.loss import Learned, _pairs, _square
from trainer.losses.mining import OUT_OF_REACH


def prototypical(embedding: Any, label: Any, anchors: Any) -> Any:
    """Snell et al. 2017, equations 1 and 2: -ln of the softmax, over the classes, of -|x - mean of the class|².

    Each anchor is a query once, and the others of its class their prototype; a row of no class is a prototype by
    itself. # f32 [n, D], label [n] -> [anchors]
    """
    import tensorflow as tf

    _, number, count = tf.unique_with_counts(label)
    size = tf.cast(count, tf.float32)[:, None]
    total = tf.math.unsorted_segment_sum(embedding, number, tf.shape(count)[0])
    query, own = embedding[:anchors], number[:anchors]
    fellows = tf.gather(size, own) - 1
    from_own = _square(query, (tf.gather(total, own) - query) / tf.maximum(fellows, 1.0))
    is_own = own[:, None] == tf.range(tf.shape(count)[0])
    square = tf.where(is_own, from_own[:, None], _square(query[:, None], (total / size)[None]))
    return tf.where(fellows[:, 0] > 0, tf.reduce_logsumexp(-square, axis=1) + from_own, 0.0)


def multi_similarity(embedding: Any, label: Any, anchors: Any, alpha: Any, beta: Any, base: Any, epsilon: Any) -> Any:
    """Wang et al. 2019: ln(1 + Σ exp(-α(S - λ)))/α over positives + ln(1 + Σ exp(β(S - λ)))/β over negatives.

    S is the cosine and λ the `base`. Counted are positives with S < the largest of the negatives + ε, and negatives
    with S > the smallest of the positives - ε. # f32 [n, D], label [n] -> [anchors]
    """
    import tensorflow as tf

    same, different = _pairs(label, anchors)
    cosine = embedding[:anchors] @ tf.transpose(embedding)
    nearest = tf.reduce_max(tf.where(different, cosine, -np.inf), axis=1, keepdims=True)
    furthest = tf.reduce_min(tf.where(same, cosine, np.inf), axis=1, keepdims=True)
    pull = tf.where(same & (cosine < nearest + epsilon), -alpha * (cosine - base), OUT_OF_REACH)
    push = tf.where(different & (cosine > furthest - epsilon), beta * (cosine - base), OUT_OF_REACH)
    zero = tf.zeros_like(cosine[:, :1])  # the 1 of ln(1 + ...)
    pull, push = tf.concat([zero, pull], axis=1), tf.concat([zero, push], axis=1)
    return tf.reduce_logsumexp(pull, axis=1) / alpha + tf.reduce_logsumexp(push, axis=1) / beta


def supervised_contrastive(direction: Any, label: Any, anchors: Any, temperature: Any) -> Any:
    """Khosla et al. 2020, equation 2 (the outer sum), over the first `anchors` rows; the others are only negatives.

    Normal windows ride along as negatives that belong to no class: a class of their own would be pulled together, and
    normal has no common direction. Guard: every anchor's class must occur twice in the batch.

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


def _tempered(direction: Any, label: Any, anchors: Any, temperature: Any) -> Any:
    """Between e⁻⁴ and 1, learned as its logarithm."""
    import tensorflow as tf

    return supervised_contrastive(direction, label, anchors, tf.exp(tf.clip_by_value(temperature, -4.0, 0.0)))


def _cool(dimension: int) -> Learned:
    return {"temperature": np.array(np.log(0.1), np.float32)}
