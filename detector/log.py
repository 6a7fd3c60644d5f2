"""Logging to standard error: one line per event, as text or as JSON. Bad records are counted in metrics, not logged."""

import logging
import sys
from time import monotonic

import msgspec

REPEATS_A_MINUTE = 5
"""Lines per minute of one message, compared before its arguments are filled in.

Five show that the event continues, and are too few to fill a disk.
"""

MESSAGES_REMEMBERED = 1000
"""Messages whose lines are counted. Beyond this number all counts are dropped."""

MINUTE_SECONDS = 60.0

OMITTED = "faultline_omitted"
"""Attribute of a log record: the number of lines of its message omitted since the last one written."""


class _TextFormatter(logging.Formatter):
    """Formatter for people, with the number of omitted lines at the end."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        return super().formatMessage(record) + _omission_note(record)


class _JsonFormatter(logging.Formatter):
    """Formatter for machines: one JSON object per line."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage() + _omission_note(record),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line).decode()


def _omission_note(record: logging.LogRecord) -> str:
    count = getattr(record, OMITTED, 0)
    return f" ({count} more like it were left out)" if count else ""


class _RateLimit(logging.Filter):
    """Limit of lines per minute and message: librdkafka repeats itself eight times a second."""

    def __init__(self) -> None:
        super().__init__()
        self._counts: dict[tuple[str, str], tuple[float, int]] = {}
        """Start of the current minute and lines since, by (level, message)."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno <= logging.DEBUG:
            return True  # the debug level is set by a person who wants every line
        # The monotonic clock: a wall clock that is set back would suppress messages.
        key, now = (record.levelname, str(record.msg)), monotonic()
        since, count = self._counts.get(key, (now, 0))
        if now - since >= MINUTE_SECONDS:
            setattr(record, OMITTED, max(0, count - REPEATS_A_MINUTE))
            since, count = now, 0
            if len(self._counts) > MESSAGES_REMEMBERED:
                self._counts.clear()
        self._counts[key] = (since, count + 1)
        return count < REPEATS_A_MINUTE


def start_logging(level: str, form: str) -> None:
    """Send Faultline's log to standard error. `form` is text or json."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        _JsonFormatter() if form == "json" else _TextFormatter("%(asctime)s %(levelname)-7s %(message)s")
    )
    logger = logging.getLogger("faultline")
    handler.addFilter(_RateLimit())
    logger.handlers = [handler]
    logger.setLevel(level.upper())
    logger.propagate = False


def switch_debug(level: str) -> None:
    """Switch the log from the configured level to debug, or back."""
    logger = logging.getLogger("faultline")
    new_level = level.upper() if logger.level == logging.DEBUG else "DEBUG"
    logger.setLevel(new_level)
    logger.log(logger.level, "the log's level is %s", new_level.lower())
