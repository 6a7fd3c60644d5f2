"""How visible an episode is: its minutes against the same minutes had it not been, in the cell's own spreads."""

import warnings
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from detector.core.features import CLIP, transform
from trainer.simulator.catalogue import catalogue
from trainer.simulator.chain.chain import records
from trainer.simulator.faults.schedule import DAY
from trainer.simulator.network.network import Network
from trainer.simulator.timeline import NetworkTimeline

HALF_HOUR = 30
MONDAY_NOON = 29_459_520 + 720
REFERENCE_DAYS = (1, 2, 3, 7)
"""Earlier days at whose same time a cell's spread is taken, 24 minutes each."""
REFERENCE_MINUTES = 24
LEAST_SPREAD = 0.25
"""Of a feature's median spread over cells: below, steadiness itself would make everything visible."""
AT_ONCE = 256
"""Episodes: 20 MB of minutes."""

Read = Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[np.float32]]
"""Cells and minutes -> what is known of them. # [n], [n] -> [n, F]"""


def effects(
    life: NetworkTimeline, cell: NDArray[np.int64], begin: NDArray[np.int64], end: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Length of the mean deviation from the twin over the half hour in each episode's middle, clipped per minute.

    Normal life moves a window by 6 of these against its own past; an episode below 2 is hardly seen. # [n] each -> [n]
    """
    parts = [slice(start, start + AT_ONCE) for start in range(0, len(cell), AT_ONCE)]
    found = [_effects(life, cell[part], begin[part], end[part]) for part in parts]
    return np.concatenate([np.empty(0, np.float32), *found])


def _effects(
    life: NetworkTimeline, cell: NDArray[np.int64], begin: NDArray[np.int64], end: NDArray[np.int64]
) -> NDArray[np.float32]:
    middle = (begin + end) // 2
    minute = np.maximum(middle - HALF_HOUR // 2, begin)[:, None] + np.arange(HALF_HOUR)
    inside = minute < end[:, None]
    cells = np.repeat(cell, HALF_HOUR)
    logarithmic = catalogue().logarithmic
    pair = [
        transform(read(cells, minute.ravel()), logarithmic).reshape(len(cell), HALF_HOUR, -1)
        for read in (life.true_values, life.true_twin)
    ]
    spread = floor_spreads(reference_spreads(life.true_twin, logarithmic, cell, middle), _usual_spread(life.network))
    change = np.clip(np.nan_to_num(pair[0] - pair[1]) / spread[:, None], -CLIP, CLIP)
    mean = (change * inside[:, :, None]).sum(axis=1) / np.maximum(inside.sum(axis=1), 1)[:, None]
    return np.linalg.norm(mean, axis=1).astype(np.float32)


def reference_spreads(
    read: Read, logarithmic: NDArray[np.bool_], cell: NDArray[np.int64], middle: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Of each feature within a cell at that time of day, on earlier days; 0 where nothing was. # [n], [n] -> [n, F]"""
    earlier = np.array(REFERENCE_DAYS)[:, None] * -DAY + np.arange(REFERENCE_MINUTES) - REFERENCE_MINUTES // 2
    minute = middle[:, None] + earlier.ravel()
    values = transform(read(np.repeat(cell, earlier.size), minute.ravel()), logarithmic)
    with warnings.catch_warnings(action="ignore", category=RuntimeWarning):  # nothing reported at all
        spread: NDArray[np.float32] = np.nanstd(values.reshape(len(cell), earlier.size, -1), axis=1)
    return np.nan_to_num(spread)


def floor_spreads(spread: NDArray[np.float32], usual: NDArray[np.float32]) -> NDArray[np.float32]:
    """Spreads to measure a change in, given what is usual for each feature. # [..., F], [F] -> [..., F]"""
    return np.sqrt(spread**2 + (LEAST_SPREAD * usual) ** 2 + 1e-4).astype(np.float32)


@lru_cache(maxsize=8)
def _usual_spread(network: Network) -> NDArray[np.float32]:
    """The median over some cells of each feature's spread within two hours of a working day. # -> [F]"""
    cell = np.linspace(0, network.cells - 1, 48).astype(np.int64)
    hours = MONDAY_NOON + np.arange(0, 120, 5)
    values = records(network, np.repeat(cell, len(hours)), np.tile(hours, len(cell)))
    values = transform(values, catalogue().logarithmic).reshape(len(cell), len(hours), -1)
    with warnings.catch_warnings(action="ignore", category=RuntimeWarning):
        return np.asarray(np.median(np.nan_to_num(np.nanstd(values, axis=1)), axis=0))
