"""Pair losses: contrastive and learned similarity."""

from typing import Any

import numpy as np

from trainer.losses.loss import LossParameters, euclidean_distance, pair_masks, squared_distance

CUT_OFF = 0.5
"""Probability above which a pair counts as one class: the border of a cross-entropy with two kinds of equal weight."""


def contrastive(embedding: Any, label: Any, anchors: Any, margin: Any) -> Any:
    """Return the contrastive loss: d²/2 for a pair of one class, max(0, margin - d)²/2 for a pair of two.

    Source: Hadsell, Chopra, LeCun 2006, equation 4. Both kinds of pair weigh the same, as if half of the pairs were
    drawn from each. Guard: the root of d has a floor, so that equal embeddings have a finite gradient.

    # f32 [n, D], label [n] -> [anchors]
    """
    import tensorflow as tf

    left, right = embedding[:anchors, None], embedding[None]
    push = tf.square(tf.nn.relu(margin - euclidean_distance(left, right)))
    return _balanced_mean(squared_distance(left, right) / 2, push / 2, label, anchors)


def similarity(embedding: Any, label: Any, anchors: Any, join: str, weight: Any, bias: Any) -> Any:
    """Return the binary cross-entropy of a head's probability that a pair is of one class, over all pairs.

    Source: Koch et al. 2015. Both kinds of pair weigh the same. Guard: the cross-entropy is a softplus of the
    log-odds, which does not overflow.

    # f32 [n, D], label [n], weight [W, 1], bias [1] -> [anchors]
    """
    import tensorflow as tf

    count = tf.shape(embedding)[0]
    left, right = tf.repeat(embedding[:anchors], count, axis=0), tf.tile(embedding, (anchors, 1))
    logit = tf.reshape(log_odds(left, right, join, weight, bias), (anchors, count))
    return _balanced_mean(tf.nn.softplus(-logit), tf.nn.softplus(logit), label, anchors)


def same_class(left: Any, right: Any, join: str, weight: Any, bias: Any) -> Any:
    """Return whether a head of `similarity` gives each pair more than CUT_OFF. # f32 [n, D] twice -> bool [n]"""
    import tensorflow as tf

    return tf.sigmoid(log_odds(left, right, join, weight, bias)) > CUT_OFF


def log_odds(left: Any, right: Any, join: str, weight: Any, bias: Any) -> Any:
    """Return the log-odds that each pair is of one class, by a dense layer of one unit. # f32 [n, D] twice -> [n]

    `join` names the layer's input: `concatenation` of both embeddings, `difference` |a - b|, or their Euclidean
    `distance`. Over a concatenation the layer is a sum and cannot express similarity.
    """
    import tensorflow as tf

    if join == "concatenation":
        joined = tf.concat([left, right], axis=1)
    else:
        joined = tf.abs(left - right) if join == "difference" else euclidean_distance(left, right)[:, None]
    return (joined @ weight + bias)[:, 0]


def _balanced_mean(pull: Any, push: Any, label: Any, anchors: Any) -> Any:
    """Return half the mean cost of an anchor's positives plus half that of its negatives. # [anchors, n] -> [anchors]

    Guard: a kind of pair that an anchor lacks adds 0.
    """
    import tensorflow as tf

    shares = [tf.cast(mask, tf.float32) for mask in pair_masks(label, anchors)]
    shares = [share / tf.maximum(2 * tf.reduce_sum(share, axis=1, keepdims=True), 1.0) for share in shares]
    return tf.reduce_sum(shares[0] * pull + shares[1] * push, axis=1)


def initial_head(dimension: int, join: str) -> LossParameters:
    """Return a head whose probability falls with the distance, with its border at a typical distance.

    The border is half the distance of two random unit directions. A sum over a concatenation has no such border and
    starts at 0.
    """
    width, slope, border = {
        "concatenation": (2 * dimension, 0.0, 0.0),
        "difference": (dimension, -1.0, np.sqrt(dimension / np.pi)),
        "distance": (1, -1.0, np.sqrt(0.5)),
    }[join]
    return {"weight": np.full((width, 1), slope, np.float32), "bias": np.full(1, border, np.float32)}
