"""Time of a record: the minute of its sample, from any form of RFC 3339, of ISO 8601, and of epochs in the field."""

from collections.abc import Callable
from datetime import datetime

from detector.core.vocabulary import EARLIEST_MINUTE, LATEST_MINUTE

_UNITS = (1, 1_000, 1_000_000, 1_000_000_000)
"""Units of an epoch in a second. In this century no number is a time in two of them."""


def record_minute(time: float | str) -> float | None:
    """Return the minutes since 1970 of a time, with its fraction; None for no time of this century, or no zone."""
    seconds = _text_seconds(time) if isinstance(time, str) else _epoch_seconds(time)
    if seconds is None or not EARLIEST_MINUTE <= seconds / 60 < LATEST_MINUTE:
        return None
    return seconds / 60


def sample_minute(period_minutes: int, stamp: str) -> Callable[[float], int]:
    """Return the function from the minutes of a record's time to the first minute of its sample's period."""
    shift = period_minutes if stamp == "end" else 0
    return lambda minutes: int((minutes - shift) // period_minutes) * period_minutes


def _epoch_seconds(time: float) -> float | None:
    for unit in _UNITS:
        if EARLIEST_MINUTE * 60 * unit <= time < LATEST_MINUTE * 60 * unit:
            return time // unit if unit > 1 else time
    return None


def _text_seconds(text: str) -> float | None:
    try:
        time = datetime.fromisoformat(text.upper())
        return time.timestamp() if time.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None
