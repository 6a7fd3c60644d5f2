"""One line per event that matters, for people or for machines. Bad data is counted, not logged."""

import logging
import sys
from time import monotonic

import msgspec

REPEATS_A_MINUTE = 5
"""Of one message (before its arguments are filled in): enough to see that it goes on, too few to fill a disk."""

MESSAGES_REMEMBERED = 1000

MINUTE_SECONDS = 60.0

LEFT_OUT = "faultline_left_out"
"""Attribute of a record that is let through: how many of its kind were not, since the last that was."""


class _Lines(logging.Formatter):
    """For people, and with how many of the kind were left out before it."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        return super().formatMessage(record) + _left_out(record)


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage() + _left_out(record),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line).decode()


def _left_out(record: logging.LogRecord) -> str:
    count = getattr(record, LEFT_OUT, 0)
    return f" ({count} more like it were left out)" if count else ""


class _Sparing(logging.Filter):
    """Lets each message through a few times a minute: librdkafka repeats itself eight times a second."""

    def __init__(self) -> None:
        super().__init__()
        self._told: dict[tuple[str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno <= logging.DEBUG:
            return True  # asked for, to see every one
        key, now = (record.levelname, str(record.msg)), monotonic()  # a clock that is set back silences nobody
        since, count = self._told.get(key, (now, 0))
        if now - since >= MINUTE_SECONDS:
            setattr(record, LEFT_OUT, max(0, count - REPEATS_A_MINUTE))
            since, count = now, 0
            if len(self._told) > MESSAGES_REMEMBERED:
                self._told.clear()
        self._told[key] = (since, count + 1)
        return count < REPEATS_A_MINUTE


def start_logging(level: str, form: str) -> None:
    """Sends Faultline's log to standard error; `form` is text or json."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonLines() if form == "json" else _Lines("%(asctime)s %(levelname)-7s %(message)s"))
    logger = logging.getLogger("faultline")
    handler.addFilter(_Sparing())
    logger.handlers = [handler]
    logger.setLevel(level.upper())
    logger.propagate = False


def switch_debug(level: str) -> None:
    """From the configured level to debug, or back to it."""
    logger = logging.getLogger("faultline")
    to = level.upper() if logger.level == logging.DEBUG else "DEBUG"
    logger.setLevel(to)
    logger.log(logger.level, "the log's level is %s", to.lower())
