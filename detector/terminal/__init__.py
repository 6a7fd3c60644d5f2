"""Terminal: the one place that prints for a person or, with `--json`, for a program.

Results go to standard output, progress and warnings to standard error. Every text is made harmless before it is
printed, because it may come from strangers: cells, classes, notes, a broker's answer.
"""

from detector.terminal.colours import COLOR_MODES, Styled, level, set_color
from detector.terminal.printing import (
    Line,
    flat,
    print_document,
    print_line,
    print_lines,
    print_notice,
    print_table,
    terminal_columns,
)
from detector.terminal.progress import Meter, hidden_display, progress, status
from detector.terminal.table import Column, Row, TextTable, fixed_column, number_column, text_column

__all__ = [
    "COLOR_MODES",
    "Column",
    "Line",
    "Meter",
    "Row",
    "Styled",
    "TextTable",
    "fixed_column",
    "flat",
    "hidden_display",
    "level",
    "number_column",
    "print_document",
    "print_line",
    "print_lines",
    "print_notice",
    "print_table",
    "progress",
    "set_color",
    "status",
    "terminal_columns",
    "text_column",
]
