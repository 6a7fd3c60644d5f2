"""Times as an operator writes and reads them: UTC, unless an offset follows."""

import re
from datetime import UTC, datetime

from detector.errors import TimeError

FORMS = "as 2026-11-21 10:05, with an offset (…+01:00) where it is not UTC"


def read_minute(text: str, option: str) -> int:
    """Return the minute that contains a time, in minutes since 1970. Raises TimeError, which names `option`."""
    try:
        time = datetime.fromisoformat(text.strip())
    except ValueError:
        raise TimeError(f"{option}: {text!r} is not a time; write it {FORMS}.") from None
    if not re.match(r"\d{4}-\d{2}-\d{2}", text.strip()):
        raise TimeError(f"{option}: {text!r} has no date; write it {FORMS}.")
    if time.tzinfo is None:
        time = time.replace(tzinfo=UTC)
    return int(time.timestamp() // 60)


def write_minute(minute: int) -> str:
    """Return a minute since 1970 as UTC for a person, without a zone."""
    return datetime.fromtimestamp(minute * 60, UTC).strftime("%Y-%m-%d %H:%M")


def iso_time(minute: int) -> str:
    """Return the begin of a minute in UTC, as ISO 8601."""
    return datetime.fromtimestamp(minute * 60, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
