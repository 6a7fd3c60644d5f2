"""Effect of an episode: its difference to the fault-free twin, in the cell's own spreads."""

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
"""Minutes in an episode's middle over which its effect is a mean."""
MONDAY_NOON = 29_459_520 + 720
"""Minute of a Monday noon: 2026-01-05 12:00."""
REFERENCE_DAYS = (1, 2, 3, 7)
"""Earlier days whose minutes at the same time of day give a cell's spread."""
REFERENCE_MINUTES = 24
"""Minutes of each of these days."""
LEAST_SPREAD = 0.25
"""Smallest spread, as a share of the feature's median over cells; less makes each change of a steady cell visible."""
EPISODES_PER_BATCH = 256
"""Episodes simulated together: 20 MB of minutes."""

Read = Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[np.float32]]
"""Function that returns the values of (cell, minute) rows. # [n], [n] -> [n, F]"""


def effects(
    timeline: NetworkTimeline, cell: NDArray[np.int64], begin: NDArray[np.int64], end: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Return the norm of the mean deviation from the twin over the half hour in each episode's middle.

    Deviations are in spreads and clipped per minute. Normal operation moves a window by 6 of these against its own
    past; an episode below 2 is hardly visible. # [n] each -> [n]
    """
    slices = [slice(start, start + EPISODES_PER_BATCH) for start in range(0, len(cell), EPISODES_PER_BATCH)]
    batches = [_effects(timeline, cell[batch], begin[batch], end[batch]) for batch in slices]
    return np.concatenate([np.empty(0, np.float32), *batches])


def _effects(
    timeline: NetworkTimeline, cell: NDArray[np.int64], begin: NDArray[np.int64], end: NDArray[np.int64]
) -> NDArray[np.float32]:
    middle = (begin + end) // 2
    minute = np.maximum(middle - HALF_HOUR // 2, begin)[:, None] + np.arange(HALF_HOUR)
    active = minute < end[:, None]
    cells = np.repeat(cell, HALF_HOUR)
    logarithmic = catalogue().logarithmic
    values_with_and_without = [
        transform(read(cells, minute.ravel()), logarithmic).reshape(len(cell), HALF_HOUR, -1)
        for read in (timeline.true_values, timeline.true_twin)
    ]
    spread = floor_spreads(
        reference_spreads(timeline.true_twin, logarithmic, cell, middle), _usual_spread(timeline.network)
    )
    change = np.clip(
        np.nan_to_num(values_with_and_without[0] - values_with_and_without[1]) / spread[:, None], -CLIP, CLIP
    )
    mean = (change * active[:, :, None]).sum(axis=1) / np.maximum(active.sum(axis=1), 1)[:, None]
    return np.linalg.norm(mean, axis=1).astype(np.float32)


def reference_spreads(
    read: Read, logarithmic: NDArray[np.bool_], cell: NDArray[np.int64], middle: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Return each feature's spread in a cell at that time of earlier days; 0 without values. # [n], [n] -> [n, F]"""
    offsets = np.array(REFERENCE_DAYS)[:, None] * -DAY + np.arange(REFERENCE_MINUTES) - REFERENCE_MINUTES // 2
    minute = middle[:, None] + offsets.ravel()
    values = transform(read(np.repeat(cell, offsets.size), minute.ravel()), logarithmic)
    with warnings.catch_warnings(action="ignore", category=RuntimeWarning):  # a feature without any report
        spread: NDArray[np.float32] = np.nanstd(values.reshape(len(cell), offsets.size, -1), axis=1)
    return np.nan_to_num(spread)


def floor_spreads(spread: NDArray[np.float32], usual_spread: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the spreads with a lower limit by each feature's usual spread. # [..., F], [F] -> [..., F]"""
    return np.sqrt(spread**2 + (LEAST_SPREAD * usual_spread) ** 2 + 1e-4).astype(np.float32)


@lru_cache(maxsize=8)
def _usual_spread(network: Network) -> NDArray[np.float32]:
    """Return the median over 48 cells of each feature's spread within two hours of a working day. # -> [F]"""
    cell = np.linspace(0, network.cells - 1, 48).astype(np.int64)
    minutes = MONDAY_NOON + np.arange(0, 120, 5)
    values = records(network, np.repeat(cell, len(minutes)), np.tile(minutes, len(cell)))
    values = transform(values, catalogue().logarithmic).reshape(len(cell), len(minutes), -1)
    with warnings.catch_warnings(action="ignore", category=RuntimeWarning):
        return np.asarray(np.median(np.nan_to_num(np.nanstd(values, axis=1)), axis=0))
