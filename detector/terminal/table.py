"""Table that fits a width: columns of text shrink, columns of numbers never do."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from detector.terminal.colours import Styled
from detector.text import columns as width_of
from detector.text import pad, printable, truncate

GAP = 2
"""Spaces between two columns."""

LEAST = 6
"""Columns below which a text says nothing any more; a table that needs more than its width is wider than it."""

MISSING = "-"
"""Text of a cell without a value."""


@dataclass(frozen=True)
class Column:
    """Column of a table. Numbers, times and words from a closed list are `fixed`; numbers stand at the `right`."""

    title: str
    fixed: bool = False
    right: bool = False


def text_column(title: str) -> Column:
    """Return a column of texts, which are cut where the table is wider than the terminal."""
    return Column(title)


def fixed_column(title: str) -> Column:
    """Return a column whose texts are never cut: times, identifiers, words from a closed list."""
    return Column(title, fixed=True)


def number_column(title: str) -> Column:
    """Return a column of numbers: never cut, and flush right."""
    return Column(title, fixed=True, right=True)


Row = Sequence[object] | str
"""Cells of a row, of which None is missing, or one text across all columns."""


@dataclass(frozen=True)
class TextTable:
    """Table with its titles above."""

    columns: Sequence[Column]
    rows: Sequence[Row]


def table_lines(table: TextTable, width: int, paint: Callable[[str, str], str]) -> list[str]:
    """Return the lines of a table of at most `width` columns. All text is made harmless.

    `paint` returns a text in the style of a Styled cell.
    """
    columns = table.columns
    cells = [row if isinstance(row, str) else [_shown(cell) for cell in row] for row in table.rows]
    titles = [column.title for column in columns]
    widths = _fit(columns, [titles, *(row for row in cells if not isinstance(row, str))], width)

    def line(row: Sequence[object]) -> str:
        parts = []
        for cell, column, room in zip(row, columns, widths, strict=True):
            short = pad(truncate(str(cell), room), room, right=column.right)
            parts.append(paint(short, cell.style) if isinstance(cell, Styled) else short)
        return (" " * GAP).join(parts).rstrip()

    return [line(titles), *(printable(row, width) if isinstance(row, str) else line(row) for row in cells)]


def _shown(cell: object) -> str | Styled:
    """Return a cell's text, harmless."""
    if isinstance(cell, Styled):
        return Styled(printable(cell), cell.style)
    return MISSING if cell is None else printable(cell)


def _fit(columns: Sequence[Column], rows: Sequence[Sequence[object]], width: int) -> list[int]:
    """Return the width of each column. The widest texts are cut first, all to the same width."""
    natural = [max(width_of(str(row[number])) for row in rows) for number in range(len(columns))]
    room = width - GAP * (len(columns) - 1)
    texts = [want for column, want in zip(columns, natural, strict=True) if not column.fixed]
    room -= sum(natural) - sum(texts)
    cap = max([LEAST, *(limit for limit in range(max(texts, default=0) + 1) if _sum(texts, limit) <= room)])
    return [want if column.fixed else min(want, cap) for column, want in zip(columns, natural, strict=True)]


def _sum(widths: Iterable[int], cap: int) -> int:
    return sum(min(width, cap) for width in widths)
