"""The views of a window that networks read, in one pass over its sixty minutes.

Five-minute means, not minutes: what a fault does lasts longer, what happens within the five is in the rms, and a
network that steps through time costs a fifth.

Deviations are *whitened* before a network sees them: turned and scaled so that over this network's normal life no two
are correlated and each has a variance of one. Load moves a hundred features together, and a fault a few: whitened, the
first weighs as one. Measured on faults held back from the training: one-shot macro-F1 over eight classes .71 to .77 at
home and .50 to .68 at another operator; without any training, the cosine of whitened means alone gives .67 and .65.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detector.core.features import ABSENT, STEPS

SQUASH = 0.35
"""Of what is not whitened: the clip of 8 spreads becomes 2.8, inputs of order one, as products like them."""

MILD = 0.2
"""Likewise of what is: ordinary life reaches 3, faults reach tens."""

TIMES = 12
"""Steps of five minutes in a window."""

LINES, NUMBERS = 3, 3
"""Per feature, see `View`."""


class Blocks(NamedTuple):
    """A window in twelve steps of five minutes: all that a network asks of its sixty, read in one pass."""

    total: Any
    """Sum of the codes reported. # i16 [n, 12, F]"""
    power: Any
    """Sum of their squares. # f32 [n, 12, F]"""
    reported: Any
    """How many they are. # i8 [n, 12, F]"""


class View(NamedTuple):
    """What a network reads."""

    steps: Any
    """Five-minute means, as deviations in spreads or whitened. # f32 [n, 12, F]"""
    lines: Any
    """Linear in the steps: their mean, their slope, the mean of the last quarter hour. # f32 [n, 3, F]"""
    numbers: Any
    """Root mean square, extreme step and presence; never whitened. # f32 [n, 3, F]"""


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


def view(window: Blocks) -> View:
    """The window as it is, in spreads. # Blocks of n -> View of n"""
    from keras import ops

    steps = ops.cast(window.total, "float32") * (1 / (5 * STEPS))
    squared = (SQUASH / STEPS) ** 2 / (5 * TIMES)
    numbers = [
        ops.sqrt(ops.sum(window.power, axis=1) * squared + 1e-3),
        ops.max(ops.abs(steps), axis=1) * SQUASH,
        ops.cast(ops.sum(window.reported, axis=1), "float32") / (5 * TIMES) - 1.0,
    ]
    return View(steps, lines(steps), ops.stack(numbers, axis=1))


def whitened(raw: View, centre: Any, whiten: Any) -> View:
    """The same, its linear part whitened; by one network's normal life, or by each window's own.

    # centre [F] or [n, F], whiten [F, F] or [n, F, F]
    """
    from keras import ops

    steps = ops.matmul(raw.steps - ops.expand_dims(centre, -2), whiten) * MILD
    return View(steps, lines(steps), raw.numbers)


def lines(steps: Any) -> Any:
    """# f32 [n, 12, F] -> f32 [n, 3, F]"""
    from keras import ops

    # The slope of a ramp from -1 to 1 spreads is about 1/3; its weights sum to nothing, so no centre moves it.
    rising = ops.convert_to_tensor(((np.arange(TIMES) - 5.5) / 3.45 / TIMES)[None, :, None], "float32")
    rows = [ops.mean(steps, axis=1), ops.sum(steps * rising, axis=1), ops.mean(steps[:, 9:], axis=1)]
    return ops.stack(rows, axis=1)


def toward(weights: Mapping[str, NDArray[np.float32]]) -> dict[str, Any]:
    """What `departure` needs of the weights: a whitened mean as coordinates along the faults' directions, in one
    product, and how many directions there are, for they are orthonormal. # -> f32 [F, S], []
    """
    axes = max(float(np.square(weights["project"]).sum()), 1.0)
    return {"toward": weights["whiten"] @ weights["project"], "axes": np.float32(axes)}


def departure(raw: View, weights: Mapping[str, Any]) -> tuple[Any, Any]:
    """How far the window lies from normal, whitened, along the directions in which faults go: its size, 1 for an
    ordinary window, and where it goes, as coordinates.

    It is told by the mean of the hour and of its last quarter hour, half and half: by the hour's alone an episode in a
    simulated network was named after 29 and 34 minutes (two operators, median), so after 19 and 23, and of a hundred
    episodes one fewer. Its size among the faults' directions tells faults from normal better than among all (area
    under the curve .88 against .86).

    # View of n, unwhitened -> f32 [n], f32 [n, S]
    """
    from keras import ops

    late = (raw.lines[:, 0] + raw.lines[:, 2]) / 2 - weights["centre"]
    shift = ops.matmul(late, weights["toward"])
    return ops.sqrt(ops.sum(ops.square(shift), axis=1) / weights["axes"]), shift
