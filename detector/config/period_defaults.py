"""Defaults of the knobs in minutes, which follow from the period of the feed, and their rounding to whole periods.

Feeds of long periods come as files, some minutes to most of an hour after the end of a period, and in any order of the
network elements. So an element may be some periods behind the others, or ahead of them, and is not silent for that.
"""

from collections.abc import Mapping
from typing import Any

from detector.core.granularity import Granularity

AUTO = "auto"

DEFAULTS = {
    "late_minutes": (15, 1),
    "behind_minutes": (60, 4),
    "ahead_minutes": (5, 4),
    "silent_minutes": (10, 4),
    "score_minutes": (10, 1),
    "hold_minutes": (15, 2),
    "unknown_minutes": (15, 2),
}
"""Defaults: so many minutes, and at least so many periods."""


def default_minutes(name: str, period_minutes: int) -> int:
    """Return the default of a knob at this period, in whole periods."""
    minutes, periods = DEFAULTS[name]
    return period_minutes * max(Granularity(period_minutes).count(minutes), periods if period_minutes > 1 else 1)


def minutes_at(period_minutes: int, given: Mapping[str, Any]) -> dict[str, int]:
    """Return the knobs of `DEFAULTS` at this period, in minutes that are whole periods; `auto` is the default."""
    granularity = Granularity(period_minutes)
    whole = {name: default_minutes(name, period_minutes) for name in DEFAULTS}
    for name, minutes in given.items():
        if name in DEFAULTS and minutes != AUTO:
            whole[name] = period_minutes * granularity.count(minutes) if minutes else 0
    longest = granularity.window_minutes - period_minutes  # a late sample must lie in the window of the newest one
    return {**whole, "late_minutes": min(whole["late_minutes"], longest)}
