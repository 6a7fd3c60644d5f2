"""One training on several devices, by TensorFlow's mirrored variables.

A batch is cut into equal shares of windows, one for each device; the embeddings are gathered, and every device computes
the loss of the whole batch. So the number of devices changes the time that a step takes and nothing else. Shares with
losses of their own would cost less talk, 40 kB a step, but every window would meet fewer others, and that is what the
contrastive losses live on: the schedule measured on one device would be another on eight.
"""

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector.core.encoder import device
from trainer.data.sampler import ROWS
from trainer.errors import TrainingError


@cache  # two strategies over the same devices number their talk alike, and mistake each other's for their own
def strategy(devices: int) -> Any:
    """Where to compute: the one device that TensorFlow takes by itself, or the first few. Raises TrainingError."""
    import tensorflow as tf

    if devices == 1:
        return tf.distribute.get_strategy()
    seen = tf.config.list_logical_devices(device().upper())
    if devices > len(seen):
        raise TrainingError(
            f"{devices} devices are asked for, and TensorFlow sees {len(seen)} ({device()}); ask for no more."
        )
    if ROWS % devices:
        fitting = [str(number) for number in range(1, len(seen) + 1) if ROWS % number == 0]
        raise TrainingError(
            f"a batch of {ROWS} windows has no {devices} equal shares; train on {' or '.join(fitting)} devices."
        )
    return tf.distribute.MirroredStrategy([one.name for one in seen[:devices]])


def split_rows(rows: NDArray[Any], strategy: Any) -> Any:
    """Each device's share of a batch's rows. # [ROWS, ...]"""
    import tensorflow as tf

    replicas = strategy.num_replicas_in_sync
    if replicas == 1:
        return tf.constant(rows)
    shares = np.split(rows, replicas)
    return strategy.experimental_distribute_values_from_function(
        lambda context: tf.constant(shares[context.replica_id_in_sync_group])
    )


def replica_rows(whole: Any) -> Any:
    """This device's share of what every device has made for the whole batch. # [ROWS, ...] -> [ROWS / devices, ...]"""
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    if context.num_replicas_in_sync == 1:
        return whole
    rows = whole.shape[0] // context.num_replicas_in_sync
    return tf.slice(whole, [context.replica_id_in_sync_group * rows, 0], [rows, whole.shape[1]])


def gather_replicas(share: Any) -> Any:
    """All devices' shares, in the order of the batch; its gradient finds the way back. # [n, D] -> [n · devices, D]"""
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    if context.num_replicas_in_sync == 1:
        return share
    return tf.ensure_shape(context.all_gather(share, axis=0), (None, share.shape[1]))  # which the gathering forgets


def mean_over_replicas(gradients: list[Any]) -> list[Any]:
    """The gradient of the whole batch's loss, alike on all devices.

    Every device's loss is that of the whole batch, so each has sent its whole gradient through the gathering: their
    sum is as many times too large as there are devices, and the mean is right.
    """
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    if context.num_replicas_in_sync == 1:
        return gradients
    return list(context.all_reduce(tf.distribute.ReduceOp.MEAN, gradients))
