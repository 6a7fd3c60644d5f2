"""Aggregation of minutes to the samples of a longer granularity period, as an exporter reports them.

Counters are added up; gauges and ratios are the mean of the minutes that reported them.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from detector.core.features import Catalogue
from trainer.simulator.catalogue import catalogue

REPORTED_SHARE = 0.5
"""Least share of a period's minutes with a value. Below it the sample does not report the feature."""

MINUTES_AT_ONCE = 24_576
"""Minutes simulated together: 13 MB of values, and a few times as much while they are made."""

MinuteReader = Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[np.float32]]
"""Function that returns the values of minutes of cells. # cell [n], minute [n] -> [n, 130]"""


def catalogue_at(minutes: Catalogue, period_minutes: int) -> Catalogue:
    """Return the catalogue of a longer period: ranges of counters grow with it."""
    if period_minutes == 1:
        return minutes
    features = (
        replace(feature, low=feature.low * period_minutes, high=feature.high * period_minutes)
        if feature.kind == "counter"
        else feature
        for feature in minutes.features
    )
    return replace(minutes, features=tuple(features), period_minutes=period_minutes)


def aggregate(values: NDArray[np.float32], counters: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return one sample for the minutes of each period; NaN = not reported. # [n, P, F], bool [F] -> [n, F]"""
    is_reported = ~np.isnan(values)
    count = is_reported.sum(axis=1)
    total = np.where(is_reported, values, 0).sum(axis=1, dtype=np.float64)
    samples = np.where(counters, total, total / np.maximum(count, 1))
    return np.where(count >= REPORTED_SHARE * values.shape[1], samples, np.nan).astype(np.float32)


def aggregated_values(
    read: MinuteReader, cell: NDArray[np.int64], minute: NDArray[np.int64], period_minutes: int
) -> NDArray[np.float32]:
    """Return the samples of all features of the simulator that begin at these minutes. # [n], [n] -> [n, 130]"""
    if period_minutes == 1:
        return read(cell, minute)
    counters = np.array([feature.kind == "counter" for feature in catalogue().features])
    samples = np.empty((len(cell), len(counters)), np.float32)
    at_once = MINUTES_AT_ONCE // period_minutes
    for first in range(0, len(cell), at_once):
        part = slice(first, first + at_once)
        minutes = minute[part, None] + np.arange(period_minutes)
        values = read(np.repeat(cell[part], period_minutes), minutes.ravel())
        samples[part] = aggregate(values.reshape(*minutes.shape, -1), counters)
    return samples
