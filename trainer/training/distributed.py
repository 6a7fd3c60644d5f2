"""Distribution of one training over several devices, by TensorFlow's mirrored variables.

A batch is split into equal shares of windows, one for each device. The embeddings are gathered, and every device
computes the loss of the whole batch. The number of devices therefore changes the duration of a step and nothing else.
A separate loss per share would save 40 kB of traffic a step, but each window would have fewer negatives, on which the
contrastive losses depend. Hyperparameters measured on one device would then not carry over to eight.
"""

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector.core.encoder import device
from trainer.data.sampler import ROWS
from trainer.errors import TrainingError


@cache  # two strategies over the same devices would use the same numbers for their collective operations
def strategy(devices: int) -> Any:
    """Return the strategy for TensorFlow's default device, or for the first few devices.

    Raises TrainingError if there are fewer devices, or if they cannot share a batch equally.
    """
    import tensorflow as tf

    if devices == 1:
        return tf.distribute.get_strategy()
    available = tf.config.list_logical_devices(device().upper())
    if devices > len(available):
        raise TrainingError(
            f"--devices is {devices}, and TensorFlow has {len(available)} ({device()}). Ask for at most that many."
        )
    if ROWS % devices:
        fitting = [str(number) for number in range(1, len(available) + 1) if ROWS % number == 0]
        raise TrainingError(
            f"a batch of {ROWS} windows cannot be split into {devices} equal shares. Train on {' or '.join(fitting)}"
            " devices."
        )
    return tf.distribute.MirroredStrategy([logical.name for logical in available[:devices]])


def split_rows(rows: NDArray[Any], strategy: Any) -> Any:
    """Return each device's share of a batch's rows. # [ROWS, ...]"""
    import tensorflow as tf

    replicas = strategy.num_replicas_in_sync
    if replicas == 1:
        return tf.constant(rows)
    shares = np.split(rows, replicas)
    return strategy.experimental_distribute_values_from_function(
        lambda context: tf.constant(shares[context.replica_id_in_sync_group])
    )


def replica_rows(whole: Any) -> Any:
    """Return this device's share of a tensor that is whole on every device. # [ROWS, ...] -> [ROWS / devices, ...]"""
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    if context.num_replicas_in_sync == 1:
        return whole
    rows = whole.shape[0] // context.num_replicas_in_sync
    return tf.slice(whole, [context.replica_id_in_sync_group * rows, 0], [rows, whole.shape[1]])


def gather_replicas(share: Any) -> Any:
    """Return all devices' shares in the order of the batch, with gradients. # [n, D] -> [n · devices, D]"""
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    if context.num_replicas_in_sync == 1:
        return share
    # all_gather loses the static shape
    return tf.ensure_shape(context.all_gather(share, axis=0), (None, share.shape[1]))


def mean_over_replicas(gradients: list[Any]) -> list[Any]:
    """Return the gradient of the whole batch's loss, equal on all devices.

    Every device computes the loss of the whole batch, so each sends the full gradient back through `gather_replicas`.
    The sum is too large by a factor of the number of devices; the mean is right.
    """
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    if context.num_replicas_in_sync == 1:
        return gradients
    return list(context.all_reduce(tf.distribute.ReduceOp.MEAN, gradients))
