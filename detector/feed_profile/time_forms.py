"""Forms of a record's time: a number or a text becomes seconds since 1970, with the name of its form."""

from datetime import UTC, datetime
from typing import Any

from detector.core.vocabulary import EARLIEST_MINUTE, LATEST_MINUTE

SECONDS, MILLISECONDS, MICROSECONDS = "epoch seconds", "epoch milliseconds", "epoch microseconds"
ISO, LOCAL, UNREADABLE = "ISO 8601", "ISO 8601 without a zone", "unreadable"

_SCALES = ((1, SECONDS), (1_000, MILLISECONDS), (1_000_000, MICROSECONDS), (1_000_000_000, "epoch nanoseconds"))
"""Units of an epoch. Only one of them puts a number between 2000 and 2100."""


def read_time(time: Any) -> tuple[float | None, str]:
    """Return a time in seconds since 1970, and its form; None for what is no time between 2000 and 2100.

    A time without a zone is read as UTC.
    """
    if isinstance(time, int | float) and not isinstance(time, bool):
        for scale, form in _SCALES:
            if _is_possible(time / scale):
                return time / scale, form
        return None, UNREADABLE
    if not isinstance(time, str):
        return None, UNREADABLE
    try:
        moment = datetime.fromisoformat(time.strip().upper())
    except ValueError:
        return _digits(time.strip())
    form = ISO if moment.tzinfo else LOCAL
    try:
        seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (OverflowError, ValueError):
        return None, UNREADABLE
    return (seconds, form) if _is_possible(seconds) else (None, UNREADABLE)


def _digits(text: str) -> tuple[float | None, str]:
    """Return an epoch that is written as a text."""
    if not text.isascii() or not text.isdigit() or len(text) > 20:
        return None, UNREADABLE
    seconds, form = read_time(int(text))
    return seconds, f"{form} as a text" if seconds is not None else UNREADABLE


def _is_possible(seconds: float) -> bool:
    return EARLIEST_MINUTE <= seconds / 60 < LATEST_MINUTE
