"""Printing of lines, tables and JSON. Every text is made harmless: it may hold cells, classes, a broker's answer."""

import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import Any, TextIO

from detector.terminal.colours import Styled, paint
from detector.terminal.progress import hidden_display
from detector.terminal.table import Column, Row, TextTable, table_lines
from detector.text import json_text, printable

LINE_WIDTH = 2000
"""Longest line that is printed whole."""

DEFAULT_COLUMNS = 100
"""Columns of a table that goes into a file or a pipe."""

MOST_COLUMNS = 500
"""Columns of the widest table. COLUMNS may be anything."""


Line = object
"""Line of a text: a string, a Styled one, a tuple of both, or a table of several lines."""


def print_line(*parts: Line) -> None:
    """Print one line of a result, put together from texts; a Styled one has a colour where there are colours."""
    print_lines([parts[0] if len(parts) == 1 else parts])


def print_lines(lines: str | Iterable[Line]) -> None:
    """Print lines and tables.

    A string of several lines is split. Whoever puts a stranger's text into such a string makes it harmless before.
    """
    _write(lines.removesuffix("\n").split("\n") if isinstance(lines, str) else lines, sys.stdout)


def print_table(columns: Sequence[Column], rows: Iterable[Row]) -> None:
    """Print a table that fits the terminal. A Styled cell has a colour where there are colours."""
    _write([TextTable(columns, list(rows))], sys.stdout)


def print_notice(*parts: object) -> None:
    """Print one line beside the result, on standard error: a warning, or what was done."""
    _write([parts], sys.stderr)


def print_document(document: Any) -> None:
    """Print one JSON document on one line, for a program."""
    with hidden_display():
        print(json_text(document), flush=True)


def flat(lines: Iterable[Line], width: int, paint: Callable[[str, str], str] = lambda text, style: text) -> list[str]:
    """Return the lines as strings, with tables of at most `width` columns. `paint` returns a text in a style."""
    return list(chain.from_iterable(_strings(line, width, paint) for line in lines))


def terminal_columns() -> int:
    """Return the columns that a line may have: COLUMNS, those of the terminal, or 100 where there is none."""
    return min(shutil.get_terminal_size((DEFAULT_COLUMNS, 24)).columns, MOST_COLUMNS)


def _strings(line: Line, width: int, paint: Callable[[str, str], str]) -> list[str]:
    if isinstance(line, TextTable):
        return table_lines(line, width, paint)
    parts = line if isinstance(line, tuple) else (line,)
    texts = [(printable(part, LINE_WIDTH), part.style if isinstance(part, Styled) else "") for part in parts]
    return ["".join(paint(text, style) if style else text for text, style in texts)]


def _write(lines: Iterable[Line], stream: TextIO) -> None:
    """Write the lines at once: a command of hours is followed through a pipe."""
    text = flat(lines, terminal_columns(), lambda text, style: paint(text, style, stream))
    if text:
        with hidden_display():
            print("\n".join(text), file=stream, flush=True)
