"""Objectives of the Siamese training, by name. Each takes unit embeddings and class numbers of one batch."""

from typing import Any


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
