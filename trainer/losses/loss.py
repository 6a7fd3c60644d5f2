"""Loss: the record that describes an objective, and the distances and masks that the losses share."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector.errors import OperatorError

LEAST_SQUARE = 1e-12
"""Floor of a squared distance before its root: at 0 the root's slope is infinite, and infinity times 0 is NaN."""

Option = float | str | None
LossParameters = dict[str, NDArray[np.float32]]


class LossError(OperatorError):
    """Loss that does not exist, an option that it does not take, or a batch without pairs."""


@dataclass(frozen=True)
class Loss:
    """Objective with its options, their defaults, and the activations of the output layer that it accepts."""

    cost: Callable[..., Any]
    """Cost of each anchor. # embedding f32 [n, D], label [n], anchors <= n, options, parameters -> [anchors]"""
    embeddings: tuple[str, ...]
    """Activations of the output layer: `unit`, `linear` or `sigmoid`. The first is the default."""
    options: Mapping[str, Option] = field(default_factory=dict)
    start: Callable[..., LossParameters] = lambda dimension, **options: {}
    """Initial values of the loss's own parameters. Raises LossError for a dimension that the options exclude."""

    @property
    def embedding(self) -> str:
        """Activation of the output layer that this loss trains with."""
        return self.embeddings[0]

    def initial_parameters(self, dimension: int) -> LossParameters:
        """Return the start values of the loss's own parameters. Raises LossError for an unsuitable dimension."""
        return self.start(dimension, **self.options)

    def __call__(
        self, embedding: Any, label: Any, anchors: Any, parameters: Mapping[str, Any], seed: Any = (0, 0)
    ) -> Any:
        """Return each anchor's cost; random mining depends on the seed alone. # seed int [2] -> f32 [anchors]"""
        random_options = {"seed": seed} if "mining" in self.options else {}
        return self.cost(embedding, label, anchors, **self.options, **parameters, **random_options)


def squared_distance(left: Any, right: Any) -> Any:
    """Return the squared Euclidean distance, computed from differences. # [.., D] twice -> [..]

    The form |a|² + |b|² - 2ab would lose small distances in float32.
    """
    import tensorflow as tf

    return tf.reduce_sum(tf.math.squared_difference(left, right), axis=-1)


def euclidean_distance(left: Any, right: Any) -> Any:
    """Return the Euclidean distance, with a finite gradient at 0. # [.., D] twice -> [..]"""
    import tensorflow as tf

    return tf.sqrt(tf.maximum(squared_distance(left, right), LEAST_SQUARE))


def pair_masks(label: Any, anchors: Any) -> tuple[Any, Any]:
    """Return the masks of each anchor's positives and of its negatives. # [n] -> bool [anchors, n] twice"""
    import tensorflow as tf

    label = tf.convert_to_tensor(label)
    same = label[:anchors, None] == label[None, :]
    return same & ~tf.eye(anchors, tf.shape(label)[0], dtype=tf.bool), ~same
