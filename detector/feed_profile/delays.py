"""Delays of a feed: from the end of a period to its record's timestamp, and clocks that disagree."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from detector.feed_profile.profile import DelayProfile
from detector.feed_profile.reference import FeedReference

COPIED_SHARE = 0.9
"""Share of timestamps that equal the record's own time, from which a producer is taken to copy it."""

HOUR = 3600.0

ALIKE_SECONDS = 2700.0
"""Largest difference between early and late records, p10 to p90, of a wrong time zone. Files of 15 minutes come within
half an hour of each other; a replay's delays differ by hours."""

SHORT_SECONDS = 1200.0
"""Largest delay beyond whole hours that makes a lateness a time zone's: a guess, the usual delay of a file."""

LEAST_SECONDS = 900.0
"""Times ahead of their timestamps by less are wrong clocks, and no zones, which differ by a quarter of an hour."""

LEAST_CELLS = 3
"""Cells from which one cell's clock can be compared with the others'."""


def copied_times(lag_s: NDArray[np.float64], period_minutes: int) -> bool:
    """Tell whether most timestamps were copied from the records' times, or from the end of their periods.

    # lag_s [n]: from the record's time to its timestamp, NaN = none
    """
    lag_s = _finite(lag_s)
    copies = (np.abs(lag_s) < 1) | (np.abs(lag_s - period_minutes * 60) < 1e-3)
    return bool(len(lag_s)) and float(np.mean(copies)) >= COPIED_SHARE


def profile_delay(
    reference: FeedReference,
    names: Sequence[str],
    groups: Sequence[NDArray[np.intp]],
    end_s: NDArray[np.float64],
    arrival_s: NDArray[np.float64],
) -> DelayProfile:
    """Return the delays. # end_s, arrival_s [n]: end of each report's period, and its timestamp, NaN = none"""
    delay = arrival_s - end_s
    known = _finite(delay)
    p50, p90, p99, top = (_minutes(known, share) for share in (50, 90, 99, 100))
    lead = _median_lead(groups, -delay) if len(known) else _newest_lead(groups, end_s)
    minutes = _differences(lead, reference)
    return DelayProfile(
        count=len(known),
        p50_minutes=p50,
        p90_minutes=p90,
        p99_minutes=p99,
        max_minutes=top,
        zone_hours=_zone_hours(known),
        ahead={name: round(ahead, 1) for name, ahead in zip(names, minutes.tolist(), strict=True) if ahead > 0},
        behind={name: round(-ahead, 1) for name, ahead in zip(names, minutes.tolist(), strict=True) if ahead < 0},
    )


def _minutes(delay: NDArray[np.float64], share: float) -> float | None:
    return round(float(np.percentile(delay, share)) / 60, 2) if len(delay) else None


def _median_lead(groups: Sequence[NDArray[np.intp]], lead: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the median seconds by which each cell's times are before its timestamps. # [C]"""
    return np.array([np.median(known) if len(known := _finite(lead[rows])) else np.nan for rows in groups])


def _newest_lead(groups: Sequence[NDArray[np.intp]], end_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return each cell's newest time, where timestamps say nothing. # [C]"""
    return np.array([end_s[rows].max() for rows in groups])


def _finite(column: NDArray[np.float64]) -> NDArray[np.float64]:
    return column[~np.isnan(column)]


def _differences(lead: NDArray[np.float64], reference: FeedReference) -> NDArray[np.float64]:
    """Return the minutes by which cells differ from the median cell, 0 where the daemon allows it. # [C] -> [C]"""
    if len(_finite(lead)) < LEAST_CELLS:
        return np.zeros(len(lead))
    minutes = (lead - np.median(_finite(lead))) / 60
    period = reference.catalogue.period_minutes
    is_far = (minutes > max(reference.ahead_minutes, period)) | (minutes < -max(reference.behind_minutes, period))
    return np.where(is_far, minutes, 0.0)


def _zone_hours(delay: NDArray[np.float64]) -> int:
    """Return the whole hours that explain why all delays are negative, or late by little more than whole hours."""
    if not len(delay):
        return 0
    early, median, late = np.percentile(delay, (10, 50, 90))
    if late - early > ALIKE_SECONDS:
        return 0
    if late < -LEAST_SECONDS:
        return int(-(median // HOUR))
    hours = median // HOUR
    return -int(hours) if hours >= 1 and median - hours * HOUR <= SHORT_SECONDS else 0
