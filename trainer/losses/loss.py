"""Loss: the record that describes an objective, and the distances that losses share."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector.errors import OperatorError

LEAST_SQUARE = 1e-12
"""Squared distances are lifted to it before a root is taken: at 0 its slope is infinite, and infinity times 0 NaN."""

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
