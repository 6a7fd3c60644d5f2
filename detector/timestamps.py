"""Times as an operator writes them: UTC, unless an offset stands behind them."""

import re
from datetime import UTC, datetime

from detector.errors import TimeError

FORMS = "as 2026-11-21 10:05, with an offset (…+01:00) where it is not UTC"


def read_minute(text: str, option: str) -> int:
    """The minute a time lies in, in minutes since 1970. Raises TimeError."""
    try:
        time = datetime.fromisoformat(text.strip())
    except ValueError:
        raise TimeError(f"{option} {text!r} is no time; give it {FORMS}.") from None
    if not re.match(r"\d{4}-\d{2}-\d{2}", text.strip()):
        raise TimeError(f"{option} {text!r} has no date; give it {FORMS}.")
    if time.tzinfo is None:
        time = time.replace(tzinfo=UTC)
    return int(time.timestamp() // 60)


def write_minute(minute: int) -> str:
    """For a person: UTC, without saying so in every line."""
    return datetime.fromtimestamp(minute * 60, UTC).strftime("%Y-%m-%d %H:%M")
