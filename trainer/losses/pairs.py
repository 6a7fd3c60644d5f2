"""Pair losses: contrastive and learned similarity."""

from typing import Any

import numpy as np

from trainer.losses.loss import Learned, _distance, _pairs, _square

CUT_OFF = 0.5
"""Above this probability a pair is of one class: the border of a cross-entropy whose two kinds weigh the same."""


def contrastive(embedding: Any, label: Any, anchors: Any, margin: Any) -> Any:
    """Hadsell, Chopra, LeCun 2006, equation 4: d²/2 for a pair of one class, max(0, margin - d)²/2 for another.

    Both kinds weigh the same, as in pairs drawn half and half. # f32 [n, D], label [n] -> [anchors]
    """
    import tensorflow as tf

    left, right = embedding[:anchors, None], embedding[None]
    push = tf.square(tf.nn.relu(margin - _distance(left, right)))
    return _halves(_square(left, right) / 2, push / 2, label, anchors)


def similarity(embedding: Any, label: Any, anchors: Any, join: str, weight: Any, bias: Any) -> Any:
    """Koch et al. 2015: binary cross-entropy of a head's probability that a pair is of one class, over all pairs.

    Both kinds weigh the same. # f32 [n, D], label [n], weight [W, 1], bias [1] -> [anchors]
    """
    import tensorflow as tf

    count = tf.shape(embedding)[0]
    left, right = tf.repeat(embedding[:anchors], count, axis=0), tf.tile(embedding, (anchors, 1))
    logit = tf.reshape(log_odds(left, right, join, weight, bias), (anchors, count))
    return _halves(tf.nn.softplus(-logit), tf.nn.softplus(logit), label, anchors)


def same_class(left: Any, right: Any, join: str, weight: Any, bias: Any) -> Any:
    """Whether a head of `similarity` gives pairs a probability above the cut-off. # f32 [n, D] twice -> bool [n]"""
    import tensorflow as tf

    return tf.sigmoid(log_odds(left, right, join, weight, bias)) > CUT_OFF


def log_odds(left: Any, right: Any, join: str, weight: Any, bias: Any) -> Any:
    """Of being of one class: Dense(1) of both side by side (a sum, that cannot tell likeness), of |a - b|, or of the
    distance. # f32 [n, D] twice -> f32 [n]
    """
    import tensorflow as tf

    if join == "concatenation":
        joined = tf.concat([left, right], axis=1)
    else:
        joined = tf.abs(left - right) if join == "difference" else _distance(left, right)[:, None]
    return (joined @ weight + bias)[:, 0]


def _halves(pull: Any, push: Any, label: Any, anchors: Any) -> Any:
    """Mean cost of an anchor's positives, and of its negatives, half of each. # [anchors, n] twice -> [anchors]"""
    import tensorflow as tf

    shares = [tf.cast(mask, tf.float32) for mask in _pairs(label, anchors)]
    shares = [share / tf.maximum(2 * tf.reduce_sum(share, axis=1, keepdims=True), 1.0) for share in shares]
    return tf.reduce_sum(shares[0] * pull + shares[1] * push, axis=1)


def _head(dimension: int, join: str) -> Learned:
    """At first what is nearer is liker, and the border is half of the distance of two random unit directions.

    A sum over a concatenation has nothing like it, and starts at 0.
    """
    width, slope, border = {
        "concatenation": (2 * dimension, 0.0, 0.0),
        "difference": (dimension, -1.0, np.sqrt(dimension / np.pi)),
        "distance": (1, -1.0, np.sqrt(0.5)),
    }[join]
    return {"weight": np.full((width, 1), slope, np.float32), "bias": np.full(1, border, np.float32)}
