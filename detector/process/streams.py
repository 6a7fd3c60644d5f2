"""Standard streams of the process: open, able to print any text, and exact about a write that fails.

Standard output is the result: a write that fails ends the command. Standard error is beside it: a write that fails
there changes nothing.
"""

import codecs
import io
import os
import select
import sys
from typing import Any, TextIO

from detector.errors import OperatorError

ESCAPE = "faultline.escape"
"""Error handler of both streams: a character that the terminal's encoding lacks becomes its escape in JSON."""

SAMPLE = "…\udcff\n"
"""Text that an encoding must take with ESCAPE: a character that few have, and a byte of a name that is no UTF-8."""

STANDARD_FILES = (0, 1, 2)


class ReaderGoneError(Exception):
    """End of the program that read standard output, as in `faultline labels | head`."""


class StandardOutputError(OperatorError):
    """Failure to write standard output, such as a full disk."""


class _OutputFile(io.FileIO):
    """File of standard output.

    Its failure is no OSError: no library, and no handler of another file's errors, takes it for its own.
    """

    def write(self, data: Any, /) -> int:
        while True:
            try:
                written = super().write(data)
            except BrokenPipeError:
                raise ReaderGoneError from None
            except OSError as error:
                raise StandardOutputError(
                    f"standard output cannot be written ({error.strerror}); make room there, or send it elsewhere."
                ) from None
            if written is not None:
                return written
            select.select([], [self], [])  # another program has made the terminal or pipe non-blocking


class _ErrorFile(io.FileIO):
    """File of standard error. What cannot be written is dropped: a full disk of the log stops nothing."""

    def write(self, data: Any, /) -> int:
        try:
            written = super().write(data)
        except OSError:
            written = None
        return len(memoryview(data).cast("B")) if written is None else written


def open_streams() -> None:
    """Replace the process's standard streams by such files.

    A standard file that is closed is opened on /dev/null first. Otherwise the next file or socket that is opened would
    take its number, and be written to by whatever prints.
    """
    codecs.register_error(ESCAPE, _escape)
    for number in STANDARD_FILES:
        _open_closed_file(number)
    if sys.stdin is None:
        sys.stdin = io.TextIOWrapper(io.BufferedReader(io.FileIO(0, closefd=False)))
    sys.stdout = _text_stream(_OutputFile(1, "w", closefd=False), sys.stdout)
    sys.stderr = _text_stream(_ErrorFile(2, "w", closefd=False), sys.stderr)


def close_streams() -> None:
    """Write out what is buffered. Raises ReaderGoneError, StandardOutputError."""
    sys.stderr.flush()
    try:
        sys.stdout.flush()
    except (ReaderGoneError, StandardOutputError):
        sys.stdout = io.StringIO()  # the buffer's rest would fail again
        raise


def show_cursor() -> None:
    """Show the cursor of a terminal again: a progress bar hides it, and cannot show it when the process is cut."""
    for number in STANDARD_FILES[1:]:
        if os.isatty(number):
            os.write(number, b"\x1b[?25h")


def _open_closed_file(number: int) -> None:
    try:
        os.fstat(number)
    except OSError:
        opened = os.open(os.devnull, os.O_RDWR)
        if opened != number:
            os.dup2(opened, number)
            os.close(opened)
        else:
            os.set_inheritable(number, True)


def _text_stream(file: io.FileIO, previous: TextIO | None) -> TextIO:
    """Return the text stream of a file, with encoding and buffering of the stream that Python opened."""
    encoding = getattr(previous, "encoding", None) or "utf-8"
    unbuffered = bool(getattr(previous, "write_through", False) or getattr(previous, "line_buffering", False))
    return io.TextIOWrapper(
        io.BufferedWriter(file),
        encoding=encoding if _takes_any_text(encoding) else "ascii",
        errors=ESCAPE,
        line_buffering=unbuffered or file.fileno() == 2,
    )


def _takes_any_text(encoding: str) -> bool:
    try:
        SAMPLE.encode(encoding, ESCAPE)
    except (UnicodeError, LookupError):
        return False
    return True


def _escape(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    units = error.object[error.start : error.end].encode("utf-16-be", "surrogatepass")
    pairs = zip(units[::2], units[1::2], strict=True)
    return "".join(f"\\u{high:02x}{low:02x}" for high, low in pairs), error.end
