"""Period of a feed: minutes between two records of a cell, the grid of the times, and the end that they stamp."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from detector.core.vocabulary import PERIODS
from detector.feed_profile.profile import PeriodProfile
from detector.feed_profile.reference import FeedReference

LEAST_CELLS = 3
"""Cells with two records from which a period is told; in smaller samples half of the cells."""

NEAR = 0.2
"""Relative difference up to which a median counts as one of PERIODS: senders are some seconds late or early."""

INSIDE_SHARE = 0.9
"""Share of records that must come before their period can be over, so that their times are the ends of periods.
Clocks of single senders are wrong."""


def profile_period(
    reference: FeedReference,
    groups: Sequence[NDArray[np.intp]],
    seconds: NDArray[np.float64],
    arrival_s: NDArray[np.float64],
) -> PeriodProfile:
    """Return the period that is seen. # seconds, arrival_s [n]: time of each report and its timestamp, NaN = none"""
    lag_s = (arrival_s - seconds)[~np.isnan(arrival_s)]
    catalogue = reference.catalogue
    medians = [median for rows in groups if (median := _median_gap(seconds[rows])) is not None]
    is_enough = len(medians) >= min(LEAST_CELLS, (len(groups) + 1) // 2)
    actual = _named_period(float(np.median(medians))) if medians and is_enough else None
    counts = Counter(f"{_named_period(median):g}" for median in medians)
    period = catalogue.period_minutes if actual is None else actual
    return PeriodProfile(
        declared_minutes=catalogue.period_minutes,
        seen_minutes=actual,
        cells_by_period=dict(counts.most_common()),
        off_grid=_off_grid(seconds, period),
        declared_stamp=catalogue.stamp,
        is_end_stamp=_is_end_stamp(lag_s, period),
    )


def _median_gap(seconds: NDArray[np.float64]) -> float | None:
    """Return the median minutes between successive times of one cell; None for fewer than two."""
    gaps = np.diff(np.unique(seconds))
    return float(np.median(gaps)) / 60 if len(gaps) else None


def _named_period(minutes: float) -> float:
    """Return the period of the closed list that is near, else the minutes themselves."""
    nearest = min(PERIODS, key=lambda period: abs(period - minutes))
    return float(nearest) if abs(nearest - minutes) <= NEAR * nearest else round(minutes, 2)


def _off_grid(seconds: NDArray[np.float64], period: float) -> float:
    """Return the share of times whose minute begins no period. Seconds within the minute do not matter."""
    whole = max(1, round(period))
    return float(np.mean(seconds // 60 % whole != 0)) if len(seconds) and 1440 % whole == 0 else 0.0


def _is_end_stamp(lag_s: NDArray[np.float64], period: float) -> bool:
    """Tell whether nearly all records come after their time and before a period that begins there could be over.

    At one minute the difference is within the clocks of the senders, and means nothing to a window.
    """
    if period <= 1 or not len(lag_s):
        return False
    return float(np.mean((lag_s >= 0) & (lag_s < period * 60))) >= INSIDE_SHARE
