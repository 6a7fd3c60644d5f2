"""Objectives of the Siamese training, by name, each with its paper's equation and a slow twin in the tests.

A loss takes a batch of embeddings with class numbers, equal within a class, and says what each of the first `anchors`
rows costs; the rows after them belong to no class and only push. The triplet losses are functions of three embeddings,
as a network with three inputs has them, and a batch is mined for such triplets. An anchor adds nothing for the kind of
pair it lacks. What a loss learns itself, a temperature or a head, is thrown away after the training.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector.errors import OperatorError

CUT_OFF = 0.5
"""Above this probability a pair is of one class: the border of a cross-entropy whose two kinds weigh the same."""

LEAST_SQUARE = 1e-12
"""Squared distances are lifted to it before a root is taken: at 0 its slope is infinite, and infinity times 0 NaN."""

OUT_OF_REACH = -1e9
"""A logit whose share of a softmax is exactly 0 in float32; -inf would do the same, but not to the gradient."""

Option = float | str | None
Learned = dict[str, NDArray[np.float32]]


class LossError(OperatorError):
    """A loss that cannot be had, or a batch it could not learn from."""


@dataclass(frozen=True)
class Loss:
    """A cost, what it may be trained on, and its options with their defaults."""

    cost: Callable[..., Any]
    """# embedding f32 [n, D], label [n], anchors a number <= n, options, what it learned -> f32 [anchors]"""
    embeddings: tuple[str, ...]
    """What becomes of the out layer: `unit`, `linear` or `sigmoid`. The first, unless another is asked for."""
    options: Mapping[str, Option] = field(default_factory=dict)
    start: Callable[..., Learned] = lambda dimension, **options: {}
    """What it learns itself, at the start. Raises LossError for a dimension that its options do not fit."""

    @property
    def embedding(self) -> str:
        return self.embeddings[0]

    def learned(self, dimension: int) -> Learned:
        return self.start(dimension, **self.options)

    def __call__(self, embedding: Any, label: Any, anchors: Any, learned: Mapping[str, Any], seed: Any = (0, 0)) -> Any:
        """What a loss draws at random, it draws by the seed: equal seeds, equal costs. # seed int [2]"""
        drawn = {"seed": seed} if "mining" in self.options else {}
        return self.cost(embedding, label, anchors, **self.options, **learned, **drawn)


def choose(name: str, options: Mapping[str, Option]) -> Loss:
    """The loss of that name, with these options in place of its defaults. Raises LossError."""
    if name not in LOSSES:
        raise LossError(f"there is no loss {name!r}; choose one of {', '.join(LOSSES)}.")
    loss = LOSSES[name]
    choices = {**CHOICES, "embedding": loss.embeddings}
    known = ["embedding", *loss.options]
    for option, value in options.items():
        if option not in known:
            raise LossError(f"the loss {name} has no option {option!r}; it has {', '.join(known)}.")
        if option in choices and value not in choices[option]:
            raise LossError(f"the loss {name} takes no {option} {value!r}; give it {' or '.join(choices[option])}.")
        if option not in choices and not (isinstance(value, int | float) and 0 < value < np.inf):
            raise LossError(f"{option} of the loss {name} is {value!r}; give a number above 0.")
    changed = {**loss.options, **options}
    return replace(loss, embeddings=(str(changed.pop("embedding", loss.embedding)),), options=changed)


def refuse_pairless(label: NDArray[np.int64]) -> None:
    """Raises LossError for a batch of one class only, or of none twice: nothing is to be learned from it. # [n]"""
    classes, count = np.unique(label, return_counts=True)
    if len(classes) < 2 or count.max() < 2:
        raise LossError(
            f"a batch of {len(label)} windows of {len(classes)} classes lacks positive or negative pairs;"
            " give it two classes or more, and two windows of one."
        )


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


def _square(left: Any, right: Any) -> Any:
    """Squared distance, of differences: as |a|² + |b|² - 2ab, float32 loses what is small. # [.., D] twice -> [..]"""
    import tensorflow as tf

    return tf.reduce_sum(tf.math.squared_difference(left, right), axis=-1)


def _distance(left: Any, right: Any) -> Any:
    import tensorflow as tf

    return tf.sqrt(tf.maximum(_square(left, right), LEAST_SQUARE))


def _pairs(label: Any, anchors: Any) -> tuple[Any, Any]:
    """Which rows are an anchor's positives, and which its negatives. # [n] -> bool [anchors, n] twice"""
    import tensorflow as tf

    label = tf.convert_to_tensor(label)
    same = label[:anchors, None] == label[None, :]
    return same & ~tf.eye(anchors, tf.shape(label)[0], dtype=tf.bool), ~same


def _halves(pull: Any, push: Any, label: Any, anchors: Any) -> Any:
    """Mean cost of an anchor's positives, and of its negatives, half of each. # [anchors, n] twice -> [anchors]"""
    import tensorflow as tf

    shares = [tf.cast(mask, tf.float32) for mask in _pairs(label, anchors)]
    shares = [share / tf.maximum(2 * tf.reduce_sum(share, axis=1, keepdims=True), 1.0) for share in shares]
    return tf.reduce_sum(shares[0] * pull + shares[1] * push, axis=1)


def _refuse_narrow(dimension: int, beta: float | None, **options: Option) -> Learned:
    if beta is not None and beta < dimension:
        raise LossError(
            f"beta {beta:g} of the lossless triplet loss is below the embedding's {dimension} dimensions, and its"
            f" logarithms may not exist; give it {dimension} or more."
        )
    return {}


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


def _cool(dimension: int) -> Learned:
    return {"temperature": np.array(np.log(0.1), np.float32)}


CHOICES = {"mining": ("random", "semi-hard", "batch-hard"), "join": ("concatenation", "difference", "distance")}

LOSSES = {
    "supervised_contrastive": Loss(_tempered, ("unit",), start=_cool),
    "triplet": Loss(partial(over_triplets, triplet), ("unit", "linear"), {"mining": "semi-hard", "margin": 0.2}),
    "soft_margin": Loss(partial(over_triplets, soft_margin), ("unit", "linear"), {"mining": "semi-hard"}),
    "lossless_triplet": Loss(
        partial(over_triplets, lossless_triplet),
        ("sigmoid",),
        {"mining": "random", "beta": None, "epsilon": 1e-7},
        _refuse_narrow,
    ),
    "contrastive": Loss(contrastive, ("unit", "linear"), {"margin": 1.0}),
    "similarity": Loss(similarity, ("unit", "linear", "sigmoid"), {"join": "difference"}, _head),
    "prototypical": Loss(prototypical, ("linear", "unit")),
    "multi_similarity": Loss(multi_similarity, ("unit",), {"alpha": 2.0, "beta": 50.0, "base": 0.5, "epsilon": 0.1}),
}
"""Numbers are their papers', where these say any: 0.2 (FaceNet); 2, 50, 0.5 and 0.1 (Wang's code; the paper has λ 1).
An epsilon of 1e-7 is float32's step at 1. A contrastive margin of 1 is a guess, to be measured. Hermans mines
batch-hard and does not normalise: that collapsed in a small town, in 250 steps at rates of 5e-4 and 5e-3."""
