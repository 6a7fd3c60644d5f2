"""One line per event that matters, for people or for machines. Bad data is counted, not logged."""

import logging
import sys

import msgspec

REPEATS_A_MINUTE = 5
"""Of one message (before its arguments are filled in): enough to see that it goes on, too few to fill a disk."""

MESSAGES_REMEMBERED = 1000


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line).decode()


class _Sparing(logging.Filter):
    """Lets each message through a few times a minute: librdkafka repeats itself eight times a second."""

    def __init__(self) -> None:
        super().__init__()
        self._told: dict[tuple[str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        key = (record.levelname, str(record.msg))
        since, count = self._told.get(key, (0.0, 0))
        if record.created - since >= 60:
            since, count = record.created, 0
            if len(self._told) > MESSAGES_REMEMBERED:
                self._told.clear()
        self._told[key] = (since, count + 1)
        return count < REPEATS_A_MINUTE


def start_logging(level: str, form: str) -> None:
    """Sends Faultline's log to standard error; `form` is text or json."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        _JsonLines() if form == "json" else logging.Formatter("%(asctime)s %(levelname)-7s %(message)s")
    )
    logger = logging.getLogger("faultline")
    handler.addFilter(_Sparing())
    logger.handlers = [handler]
    logger.setLevel(level.upper())
    logger.propagate = False
