"""Builders of minutes of a small network, with and without a fault."""

import warnings

import numpy as np
from numpy.typing import NDArray

from trainer.simulator import FaultClass, FaultEpisode, Network, apply_episode, catalogue, neutral_knobs, records
from trainer.simulator.chain.demand import MONDAY

FIRST_MONDAY = 2863 * 10080 - MONDAY
"""Minute of a Monday 00:00 in 2024."""

POSITION = {name: index for index, name in enumerate(catalogue().names)}


def spread(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the values with log1p of the features that the catalogue transforms."""
    scaled = values.copy()
    logarithmic = catalogue().logarithmic
    scaled[..., logarithmic] = np.log1p(np.maximum(scaled[..., logarithmic], 0))
    return scaled


def busy_minutes(network: Network, n: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return random cells at random minutes of five working days, 9 to 22 h. # -> cell [n], minute [n]"""
    rng = np.random.default_rng(seed)
    days, hours = rng.integers(0, 5, n), rng.integers(9 * 60, 22 * 60, n)
    return rng.integers(0, network.cells, n), FIRST_MONDAY + days * 1440 + hours


def with_fault(
    network: Network, fault: FaultClass, cell: NDArray[np.int64], minute: NDArray[np.int64], severity: float
) -> NDArray[np.float32]:
    """Return the records of rows that are each in an own episode since 20 minutes."""
    knobs = neutral_knobs(len(cell))
    for row in range(len(cell)):
        begin = int(minute[row]) - 20
        episode = FaultEpisode(int(cell[row]), fault, begin, begin + 600, severity, seed=row)
        apply_episode(knobs, episode, np.array([row]), network=network, cell=cell, minute=minute)
    return records(network, cell, minute, knobs)


def paired_change(network: Network, fault: FaultClass, severity: float, n: int = 300) -> dict[str, float]:
    """Return each feature's mean change against the fault-free twin, in spreads within two hours of a cell."""
    cell, minute = busy_minutes(network, n, seed=7)
    if fault.tdd_only:
        cell = np.random.default_rng(7).choice(np.flatnonzero(network.statics.tdd), n)
    healthy = spread(records(network, cell, minute))
    change = np.nanmean(spread(with_fault(network, fault, cell, minute, severity)) - healthy, axis=0)
    return dict(zip(catalogue().names, change / usual_spread(network), strict=True))


def usual_spread(network: Network) -> NDArray[np.float32]:
    """Return each feature's spread within one cell and two hours. # -> [F]"""
    cell, minute = busy_minutes(network, 60, seed=11)
    hours = minute[:, None] + np.arange(-60, 60, 5)
    values = spread(records(network, np.repeat(cell, hours.shape[1]), hours.ravel()))
    with warnings.catch_warnings(action="ignore", category=RuntimeWarning):  # a cell without a single call
        variance = np.nanvar(values.reshape(60, hours.shape[1], -1), axis=1)
    return np.sqrt(np.nanmean(variance, axis=0)) + 1e-3
