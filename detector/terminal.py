"""Terminal: the one place that prints for a person or, with `--json`, for a program.

Results go to standard output, progress and warnings to standard error. Every line is made harmless before it is
printed, because it may hold text of strangers: cells, classes, notes, a broker's answer.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from detector.text import printable

LINE_WIDTH = 2000
"""Longest line that is printed whole."""


def print_line(text: str = "") -> None:
    """Print one line of a result."""
    print(printable(text, LINE_WIDTH))


def print_lines(text: str) -> None:
    """Print a text of our own that has several lines, such as a table."""
    for line in text.splitlines():
        print_line(line)


def print_document(document: Any) -> None:
    """Print one JSON document on one line. Controls are escaped by JSON itself."""
    print(msgspec.json.encode(document).decode())


def print_notice(text: str) -> None:
    """Print one line beside the result, on standard error: a warning, or what is being done."""
    print(printable(text, LINE_WIDTH), file=sys.stderr)


@contextmanager
def status(text: str) -> Iterator[None]:
    """Show what is being done while it lasts, on standard error, where that is a terminal."""
    if sys.stderr.isatty():
        print_notice(f"{text} …")
    yield
