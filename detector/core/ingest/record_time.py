"""Time of a record: the minute of its sample, from any form of RFC 3339, of ISO 8601, and of epochs in the field."""

from datetime import datetime

from detector.core.vocabulary import EARLIEST_MINUTE, LATEST_MINUTE

EPOCH_UNITS = (1, 1_000, 1_000_000, 1_000_000_000)
"""Units of an epoch in a second. In this century no number is a time in two of them."""


def record_minute(time: float | str) -> float | None:
    """Return the minutes since 1970 of a time, with its fraction; None for no time of this century, or no zone."""
    seconds = _text_seconds(time) if isinstance(time, str) else _epoch_seconds(time)
    if seconds is None or not EARLIEST_MINUTE <= seconds / 60 < LATEST_MINUTE:
        return None
    return seconds / 60


def epoch_unit(time: float) -> int | None:
    """Return the units of this epoch in a second, one of EPOCH_UNITS; None for no time of this century."""
    for unit in EPOCH_UNITS:
        if EARLIEST_MINUTE * 60 * unit <= time < LATEST_MINUTE * 60 * unit:
            return unit
    return None


def _epoch_seconds(time: float) -> float | None:
    unit = epoch_unit(time)
    if unit is None:
        return None
    return time // unit if unit > 1 else time


def _text_seconds(text: str) -> float | None:
    try:
        time = datetime.fromisoformat(text.upper())
        return time.timestamp() if time.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None
