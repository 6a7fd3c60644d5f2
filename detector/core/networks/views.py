"""The two views of a window that networks read, in one pass over its sixty minutes.

Five-minute means, not minutes: what a fault does lasts longer, what happens within the five is in the statistics'
rms, and a network that steps through time costs a fifth.
"""

from typing import Any, NamedTuple

import numpy as np

from detector.core.features import ABSENT, STEPS

SQUASH = 0.35
"""Deviations are scaled so that the clip of 8 spreads becomes 2.8: inputs of order one, as products like them."""

TIMES = 12
"""Steps of five minutes in a window."""

STATISTICS = 6
"""Numbers per feature."""


class Blocks(NamedTuple):
    """A window in twelve steps of five minutes: all that a network asks of its sixty, read in one pass."""

    total: Any
    """Sum of the codes reported. # i16 [n, 12, F]"""
    power: Any
    """Sum of their squares. # f32 [n, 12, F]"""
    reported: Any
    """How many they are. # i8 [n, 12, F]"""


def blocks(windows: Any) -> Blocks:
    """# int8 [n, 60, F] -> Blocks of n"""
    from keras import ops

    fives = ops.reshape(windows, (-1, TIMES, 5, windows.shape[2]))
    present = ops.not_equal(fives, ops.convert_to_tensor(ABSENT, "int8"))  # a plain number would make it all int32
    code = ops.where(present, ops.cast(fives, "float32"), 0.0)
    return Blocks(
        ops.cast(ops.sum(code, axis=2), "int16"),
        ops.sum(ops.square(code), axis=2),
        ops.cast(ops.sum(ops.cast(present, "int8"), axis=2), "int8"),
    )


def statistics(window: Blocks) -> tuple[Any, Any]:
    """Five-minute means, and mean, rms, slope, extreme, last quarter hour and presence per feature.

    # Blocks of n -> f32 [n, 12, F], f32 [n, 6, F]
    """
    from keras import ops

    unit = SQUASH / STEPS
    means = ops.cast(window.total, "float32") * (unit / 5)
    centred = ops.convert_to_tensor(((np.arange(12) - 5.5) / 3.45 / 12)[None, :, None], "float32")
    rows = [
        ops.mean(means, axis=1),
        ops.sqrt(ops.sum(window.power, axis=1) * (unit * unit / 60) + 1e-3),
        ops.sum(means * centred, axis=1),
        ops.max(ops.abs(means), axis=1),
        ops.mean(means[:, 9:], axis=1),
        ops.cast(ops.sum(window.reported, axis=1), "float32") / 60 - 1.0,
    ]
    return means, ops.stack(rows, axis=1)
