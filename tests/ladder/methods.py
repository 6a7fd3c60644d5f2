"""What can be done without learning: a window against its cell's season, made a vector, compared with one example.

An encoder earns its keep by what it adds to the better of these two.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tests.ladder.windows import CLIP, Windows
from trainer.evaluation.baseline_methods import closeness, cosine

Vectors = NDArray[np.float32]
Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Method:
    name: str
    embed: Callable[[NDArray[np.float32]], Vectors]
    """# deviations [n, 30, F] -> [n, D]"""
    compare: Callable[[Vectors, Vectors], Vectors]
    """Similarity of queries and supports, larger is nearer. # [q, D], [s, D] -> [q, s]"""


def deviations(windows: Windows, fallback: NDArray[np.float32]) -> NDArray[np.float32]:
    """Values in scales from the season; what is not reported does not deviate.

    `fallback` stands in for the season of a feature that the cell did not report on the earlier days. # -> [n, 30, F]
    """
    usual = np.where(np.isnan(windows.usual), fallback, windows.usual)
    return np.nan_to_num((windows.values - usual[:, None]) / windows.scale[:, None])


def flatten(deviation: NDArray[np.float32]) -> Vectors:
    """# [n, 30, F] -> [n, 30 · F]"""
    return deviation.reshape(len(deviation), -1)


def summarise(deviation: NDArray[np.float32]) -> Vectors:
    """Mean, spread, slope over the window and farthest value of each feature, clipped. # [n, 30, F] -> [n, 4 · F]

    Slope and farthest value are weighed down: they are noisier than the mean.
    """
    clipped = np.clip(deviation, -CLIP, CLIP)
    minutes = clipped.shape[1]
    time = np.arange(minutes, dtype=np.float32) - (minutes - 1) / 2
    slope = np.einsum("t,ntf->nf", time, clipped) / (time**2).sum() * minutes
    farthest = np.abs(clipped).max(axis=1)
    return np.concatenate([clipped.mean(axis=1), clipped.std(axis=1), 0.5 * slope, 0.3 * farthest], axis=1)


PLAIN = Method("flat, Euclidean", flatten, closeness)
STRONG = Method("clipped summary, cosine", summarise, cosine)
