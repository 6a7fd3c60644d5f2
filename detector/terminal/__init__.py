"""Terminal: the one place that prints for a person or, with `--json`, for a program.

Results go to standard output, progress and warnings to standard error. Every text is made harmless before it is
printed, because it may come from strangers: cells, classes, notes, a broker's answer.
"""

from detector.terminal.colours import COLOR_MODES, Styled, level, set_color
from detector.terminal.printing import (
    print_document,
    print_line,
    print_lines,
    print_notice,
    print_table,
    terminal_columns,
)
from detector.terminal.progress import Meter, progress, status
from detector.terminal.table import Column, fixed_column, number_column, table_lines, text_column

__all__ = [
    "COLOR_MODES",
    "Column",
    "Meter",
    "Styled",
    "fixed_column",
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
    "table_lines",
    "terminal_columns",
    "text_column",
]
