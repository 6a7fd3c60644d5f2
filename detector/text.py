"""Text for people: a stranger's text made harmless, and text cut to a column."""

import unicodedata

DEFAULT_WIDTH = 200
"""Longest stranger's text that is printed whole. A Kafka topic's longest name has 249 characters, a cell's 100."""

INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0") | {
    chr(code) for code in range(0xFE00, 0xFE10)
}
"""Characters that `str.isprintable` calls printable and that show nothing (Unicode: Default_Ignorable_Code_Point)."""

COMBINING_RUN = 2
"""Combining marks in a row that real languages use; more pile up over the lines above (Unicode TR 36)."""


def printable(text: object, width: int = DEFAULT_WIDTH) -> str:
    """Return a stranger's text so that a terminal, a log line or a table cell shows it and obeys nothing in it.

    Controls, line breaks, bidirectional marks, zero-width and other invisible characters become backslash escapes, as
    Python writes them. A text of more than `width` characters after that ends in an ellipsis.
    """
    escaped, run = [], 0
    for character in str(text):
        run = run + 1 if unicodedata.combining(character) else 0
        harmless = character.isprintable() and character not in INVISIBLE and run <= COMBINING_RUN
        escaped.append(character if harmless else character.encode("unicode_escape").decode())
    return truncate("".join(escaped), width)


def truncate(text: str, width: int) -> str:
    """Return the text in at most `width` characters; a shortened one ends in an ellipsis."""
    return text if len(text) <= width else f"{text[: width - 1]}…"
