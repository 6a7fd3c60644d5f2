"""One line per event that matters, for people or for machines. Bad data is counted, not logged."""

import logging
import sys

import msgspec


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


def start_logging(level: str, form: str) -> None:
    """Sends Faultline's log to standard error; `form` is text or json."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        _JsonLines() if form == "json" else logging.Formatter("%(asctime)s %(levelname)-7s %(message)s")
    )
    logger = logging.getLogger("faultline")
    logger.handlers = [handler]
    logger.setLevel(level.upper())
    logger.propagate = False
