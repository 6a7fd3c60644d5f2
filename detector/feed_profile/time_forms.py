"""Forms of a record's time: a number or a text becomes seconds since 1970, with the name of its form."""

from datetime import UTC, datetime
from typing import Any

from detector.core.ingest.record_time import EPOCH_UNITS, epoch_unit
from detector.core.vocabulary import EARLIEST_MINUTE, LATEST_MINUTE

SECONDS, MILLISECONDS, MICROSECONDS = "epoch seconds", "epoch milliseconds", "epoch microseconds"
ISO, LOCAL, UNREADABLE = "ISO 8601", "ISO 8601 without a zone", "unreadable"

_EPOCHS = dict(zip(EPOCH_UNITS, (SECONDS, MILLISECONDS, MICROSECONDS, "epoch nanoseconds"), strict=True))


def read_time(time: Any) -> tuple[float | None, str]:
    """Return a time in seconds since 1970, and its form; None for what is no time between 2000 and 2100.

    A time without a zone is read as UTC.
    """
    if isinstance(time, int | float) and not isinstance(time, bool):
        unit = epoch_unit(time)
        return (None, UNREADABLE) if unit is None else (time / unit, _EPOCHS[unit])
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
    return (seconds, form) if EARLIEST_MINUTE <= seconds / 60 < LATEST_MINUTE else (None, UNREADABLE)


def _digits(text: str) -> tuple[float | None, str]:
    """Return an epoch that is written as a text."""
    if not text.isascii() or not text.isdigit() or len(text) > 20:
        return None, UNREADABLE
    seconds, form = read_time(int(text))
    return seconds, f"{form} as a text" if seconds is not None else UNREADABLE
