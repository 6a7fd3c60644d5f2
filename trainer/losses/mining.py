"""Mining of triplets within a batch."""

from typing import Any

import numpy as np

from trainer.losses.loss import Option, _pairs, _square

OUT_OF_REACH = -1e9
"""A logit whose share of a softmax is exactly 0 in float32; -inf would do the same, but not to the gradient."""


def mine(embedding: Any, label: Any, anchors: Any, mining: str, seed: Any = (0, 0)) -> Any:
    """Rows of the anchors, positives and negatives of the triplets that a batch is to be learned from.

    `random`: one positive and one negative of each anchor, whatever their distance, drawn by the seed. `batch-hard`
    (Hermans et al. 2017, equation 5): its furthest positive and its nearest negative. `semi-hard` (FaceNet, section
    3.2): every positive of every anchor with the nearest negative that is further away; with the furthest one where
    none is.

    # f32 [n, D], label [n] -> int64 [m, 3]
    """
    import tensorflow as tf

    same, different = _pairs(label, anchors)
    square = _square(embedding[:anchors, None], embedding[None])
    if mining == "semi-hard":
        return _semi_hard(square, same, different)
    rank = square if mining == "batch-hard" else tf.random.stateless_uniform(tf.shape(square), seed)
    positive = tf.argmax(tf.where(same, rank, -np.inf), axis=1)
    negative = tf.argmin(tf.where(different, rank, np.inf), axis=1)
    anchor = tf.where(tf.reduce_any(same, axis=1) & tf.reduce_any(different, axis=1))[:, 0]
    return tf.stack([anchor, tf.gather(positive, anchor), tf.gather(negative, anchor)], axis=1)


def _semi_hard(square: Any, same: Any, different: Any) -> Any:
    import tensorflow as tf

    pairs = tf.where(same & tf.reduce_any(different, axis=1, keepdims=True))
    row, candidate = tf.gather(square, pairs[:, 0]), tf.gather(different, pairs[:, 0])
    further = candidate & (row > tf.gather_nd(square, pairs)[:, None])
    nearest = tf.argmin(tf.where(further, row, np.inf), axis=1)
    furthest = tf.argmax(tf.where(candidate, row, -np.inf), axis=1)
    negative = tf.where(tf.reduce_any(further, axis=1), nearest, furthest)
    return tf.concat([pairs, negative[:, None]], axis=1)


def over_triplets(
    cost: Any, embedding: Any, label: Any, anchors: Any, mining: str, seed: Any, **options: Option
) -> Any:
    """Mean of a cost of three embeddings over each anchor's mined triplets. # f32 [n, D], label [n] -> [anchors]"""
    import tensorflow as tf

    mined = mine(tf.stop_gradient(embedding), label, anchors, mining, seed)
    three = [tf.gather(embedding, mined[:, place]) for place in range(3)]
    return tf.math.unsorted_segment_mean(cost(*three, **options), mined[:, 0], anchors)
