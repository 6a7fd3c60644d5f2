"""Mining of triplets within a batch."""

from typing import Any

import numpy as np

from trainer.losses.loss import Option, pair_masks, squared_distance

OUT_OF_REACH = -1e9
"""Logit whose share of a softmax is exactly 0 in float32. -inf gives the same value, but not the same gradient."""


def mine_triplets(embedding: Any, label: Any, anchors: Any, mining: str, seed: Any = (0, 0)) -> Any:
    """Return the rows of the anchor, positive and negative of each triplet that the batch is trained on.

    `random`: one positive and one negative of each anchor at any distance, drawn by the seed.
    `batch-hard` (Hermans et al. 2017, equation 5): each anchor's furthest positive and nearest negative.
    `semi-hard` (Schroff et al. 2015, FaceNet, section 3.2): every positive of every anchor, with the nearest negative
    that is further away than the positive; with the furthest negative if no negative is further away.

    # f32 [n, D], label [n] -> int64 [m, 3]
    """
    import tensorflow as tf

    same, different = pair_masks(label, anchors)
    square = squared_distance(embedding[:anchors, None], embedding[None])
    if mining == "semi-hard":
        return _mine_semi_hard(square, same, different)
    rank = square if mining == "batch-hard" else tf.random.stateless_uniform(tf.shape(square), seed)
    positive = tf.argmax(tf.where(same, rank, -np.inf), axis=1)
    negative = tf.argmin(tf.where(different, rank, np.inf), axis=1)
    anchor = tf.where(tf.reduce_any(same, axis=1) & tf.reduce_any(different, axis=1))[:, 0]
    return tf.stack([anchor, tf.gather(positive, anchor), tf.gather(negative, anchor)], axis=1)


def _mine_semi_hard(square: Any, same: Any, different: Any) -> Any:
    import tensorflow as tf

    pairs = tf.where(same & tf.reduce_any(different, axis=1, keepdims=True))
    row, candidate = tf.gather(square, pairs[:, 0]), tf.gather(different, pairs[:, 0])
    further = candidate & (row > tf.gather_nd(square, pairs)[:, None])
    nearest = tf.argmin(tf.where(further, row, np.inf), axis=1)
    furthest = tf.argmax(tf.where(candidate, row, -np.inf), axis=1)
    negative = tf.where(tf.reduce_any(further, axis=1), nearest, furthest)
    return tf.concat([pairs, negative[:, None]], axis=1)


def average_over_triplets(
    cost: Any, embedding: Any, label: Any, anchors: Any, mining: str, seed: Any, **options: Option
) -> Any:
    """Return the mean cost of each anchor's mined triplets, 0 for an anchor without any.

    The cost is a function of three embeddings. Mining passes no gradient. # f32 [n, D], label [n] -> [anchors]
    """
    import tensorflow as tf

    triplets = mine_triplets(tf.stop_gradient(embedding), label, anchors, mining, seed)
    three = [tf.gather(embedding, triplets[:, column]) for column in range(3)]
    return tf.math.unsorted_segment_mean(cost(*three, **options), triplets[:, 0], anchors)
