"""Printing of lines, tables and JSON. Every text is made harmless: it may hold cells, classes, a broker's answer."""

import shutil
import sys
from collections.abc import Iterable, Sequence
from typing import Any, TextIO

from detector.terminal.colours import Styled, paint
from detector.terminal.progress import hidden_display
from detector.terminal.table import Column, Row, table_lines
from detector.text import json_text, printable

LINE_WIDTH = 2000
"""Longest line that is printed whole."""

DEFAULT_COLUMNS = 100
"""Columns of a table that goes into a file or a pipe."""

MOST_COLUMNS = 500
"""Columns of the widest table. COLUMNS may be anything."""


def print_line(*parts: object) -> None:
    """Print one line of a result, put together from texts; a Styled one has a colour where there are colours."""
    _write(_line(parts, sys.stdout), sys.stdout)


def print_lines(text: str | Iterable[str]) -> None:
    """Print lines of our own. Whoever puts a stranger's text into a text of several lines makes it harmless before."""
    for line in text.removesuffix("\n").split("\n") if isinstance(text, str) else text:
        print_line(line)


def print_document(document: Any) -> None:
    """Print one JSON document on one line, for a program."""
    _write(json_text(document), sys.stdout)


def print_notice(*parts: object) -> None:
    """Print one line beside the result, on standard error: a warning, or what was done."""
    _write(_line(parts, sys.stderr), sys.stderr)


def print_table(columns: Sequence[Column], rows: Iterable[Row]) -> None:
    """Print a table that fits the terminal. A Styled cell has a colour where there are colours."""
    for line in table_lines(columns, rows, terminal_columns(), lambda text, style: paint(text, style, sys.stdout)):
        _write(line, sys.stdout)


def terminal_columns() -> int:
    """Return the columns that a line may have: COLUMNS, those of the terminal, or 100 where there is none."""
    return min(shutil.get_terminal_size((DEFAULT_COLUMNS, 24)).columns, MOST_COLUMNS)


def _line(parts: Iterable[object], stream: TextIO) -> str:
    return "".join(
        paint(printable(part, LINE_WIDTH), part.style, stream)
        if isinstance(part, Styled)
        else printable(part, LINE_WIDTH)
        for part in parts
    )


def _write(line: str, stream: TextIO) -> None:
    with hidden_display():
        print(line, file=stream)
