"""Logging to standard error: one line per event, as text or as JSON. Bad records are counted in metrics, not logged.

Messages hold text of strangers: a cell, a broker's answer, a file's name. No form of the log obeys anything in it.
"""

import logging
import sys
import threading
import traceback
from collections.abc import Iterator
from time import monotonic
from types import TracebackType

from detector.terminal import hidden_display, print_notice
from detector.text import json_text, printable

REPEATS_A_MINUTE = 5
"""Lines per minute of one message, compared before its arguments are filled in.

Five show that the event continues, and are too few to fill a disk.
"""

MESSAGES_REMEMBERED = 1000
"""Messages whose lines are counted. Beyond this number all counts are dropped."""

MINUTE_SECONDS = 60.0

_ExceptionInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]

OMITTED = "faultline_omitted"
"""Attribute of a log record: the number of lines of its message omitted since the last one written."""


LONGEST = 4000
"""Longest message that is written whole; no sentence of ours is longer."""


class _TextFormatter(logging.Formatter):
    """Formatter for people, with the number of omitted lines at the end."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        record.message = printable(record.message, LONGEST) + _omission_note(record)
        return super().formatMessage(record)

    def formatException(self, exception: _ExceptionInfo) -> str:
        return "\n".join(traceback_lines(exception[1])) if exception[1] else ""

    def formatStack(self, stack: str) -> str:
        return "\n".join(printable(line, LONGEST) for line in stack.split("\n"))


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
        return json_text(line)


class _Handler(logging.Handler):
    """Handler of standard error, which takes a display of progress off the screen while it writes."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record)
            with hidden_display():
                sys.stderr.write(f"{line}\n")
                sys.stderr.flush()
        except (OSError, ValueError, TypeError):  # a full disk, a closed stream, arguments that fit no template
            self.handleError(record)


def traceback_lines(error: BaseException) -> Iterator[str]:
    """Yield the lines of a traceback. The text of an exception is one line, whatever it holds."""
    for part in traceback.TracebackException.from_exception(error).format():
        frame = part.removesuffix("\n").split("\n") if part.startswith("  File ") else [part.strip("\n")]
        yield from (printable(line, LONGEST) for line in frame)


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
    logger = _use_formatter(
        _JsonFormatter() if form == "json" else _TextFormatter("%(asctime)s %(levelname)-7s %(message)s")
    )
    logger.setLevel(level.upper())
    logger.propagate = False


def log_to_terminal(program: str) -> None:
    """Send warnings, and the traceback of a fault of the program, to the person who gives a command."""
    logger = _use_formatter(_TextFormatter(f"{program}: %(message)s"), logging.WARNING)
    logger.handlers[0].addFilter(_is_of_ours)
    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = _print_fault
    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = _print_fault_of_thread


def _is_of_ours(record: logging.LogRecord) -> bool:
    """Return whether a record is no line of librdkafka's: the sentence of a command's end says what it means."""
    return record.name != "faultline.kafka"


def _use_formatter(formatter: logging.Formatter, level: int = logging.NOTSET) -> logging.Logger:
    """Give Faultline's logger one handler of ours, with this formatter; a caller's own handlers stay."""
    handler = _Handler(level)
    handler.setFormatter(formatter)
    handler.addFilter(_RateLimit())
    logger = logging.getLogger("faultline")
    logger.handlers = [handler, *(other for other in logger.handlers if not isinstance(other, _Handler))]
    return logger


def _print_fault(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Print the traceback of an exception that nobody has caught."""
    for line in traceback_lines(error.with_traceback(trace)):
        print_notice(line)


def _print_fault_of_thread(arguments: threading.ExceptHookArgs) -> None:
    if arguments.exc_value is not None and arguments.exc_type is not SystemExit:
        _print_fault(arguments.exc_type, arguments.exc_value, arguments.exc_traceback)


def switch_debug(level: str) -> None:
    """Switch the log from the configured level to debug, or back."""
    logger = logging.getLogger("faultline")
    new_level = level.upper() if logger.level == logging.DEBUG else "DEBUG"
    logger.setLevel(new_level)
    logger.log(logger.level, "the log's level is %s", new_level.lower())
