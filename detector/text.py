"""Text for people: a stranger's text made harmless for each medium, and text cut to a column."""

import difflib
import json
import re
import unicodedata
from collections.abc import Iterable
from typing import Any

DEFAULT_WIDTH = 200
"""Longest stranger's text that is printed whole. A Kafka topic's longest name has 249 characters, a cell's 100."""

INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0") | {
    chr(code) for code in (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))
}
"""Characters that `str.isprintable` calls printable and that show nothing (Unicode: Default_Ignorable_Code_Point)."""

ACCENTS_RUN = 2
"""Accents in a row that real languages use; more pile up over the lines above (Unicode TR 36)."""

MARKS_RUN = 4
"""Marks in a row that real scripts use; Burmese has four (Unicode TS 39, section 5.4). Most are no accents."""

FORMULA = re.compile(r"[\s']*[=+\-@|%\t\r\n＝＋－＠]")
"""Begin of a cell that a spreadsheet takes for a formula (OWASP: CSV injection), or of one that was quoted by us."""

QUOTED_FORMULA = re.compile("'(?=" + FORMULA.pattern + ")")

SURROGATE = re.compile("[\ud800-\udfff]")

UNSAFE_IN_NAMES = re.compile(r'[/\\:*?"<>|]|^\.+')
"""What separates folders, hides a file, or is refused by a file system of another host."""

LONGEST_NAME_BYTES = 100
"""Longest part of a file's name; most file systems take 255 bytes."""

LIKELY = 0.6
"""Share of common characters from which a word may be a slip of another one; the default of `difflib`."""

MOST_COMPARED = 20_000
"""Known words that one word is compared with: .3 to .8 s of processor time for names of cells."""


def printable(text: object, width: int = DEFAULT_WIDTH) -> str:
    """Return a stranger's text so that a terminal, a log line or a table cell shows it and obeys nothing in it.

    Controls, line breaks, bidirectional marks, zero-width and other invisible characters become backslash escapes, as
    Python writes them. A text of more than `width` columns after that ends in an ellipsis.
    """
    whole = str(text)
    if whole.isascii() and whole.isprintable():
        return truncate(whole, width)
    shown, taken, accents, marks = [], 0, 0, 0
    for character in whole:
        accents = accents + 1 if unicodedata.combining(character) else 0
        marks = marks + 1 if is_mark(character) else 0
        harmless = is_harmless(character) and accents <= ACCENTS_RUN and marks <= MARKS_RUN
        shown.append(character if harmless else character.encode("unicode_escape").decode())
        taken += not (harmless and marks)
        if taken > width:
            break  # a text without end costs no more than its columns
    return truncate("".join(shown), width)


def is_harmless(character: str) -> bool:
    """Tell whether a terminal shows this character, and does nothing else with it."""
    return character.isprintable() and character not in INVISIBLE


def is_mark(character: str) -> bool:
    """Tell whether a character is drawn onto the one before it: a mark, or the vowel or end of a Korean syllable."""
    return unicodedata.category(character) in ("Mn", "Me") or "\u1160" <= character <= "\u11ff"


def truncate(text: str, width: int) -> str:
    """Return the text in at most `width` columns of a terminal; a shortened one ends in an ellipsis."""
    if columns(text) <= width:
        return text
    beginning, taken = [], 0
    for character in text:
        taken += columns(character)
        if taken > width - 1:
            break
        beginning.append(character)
    return "".join(beginning) + "…" * (width > 0)


def columns(text: str) -> int:
    """Return the columns that a printable text takes on a terminal: two for wide characters, none for accents."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # 14 ms, for the names that need it

    return cell_len(text)


def pad(text: str, width: int, *, right: bool = False) -> str:
    """Return the text with spaces up to `width` columns, before it if it stands at the right."""
    space = " " * (width - columns(text))
    return space + text if right else text + space


def json_text(document: Any) -> str:
    """Return a document as JSON on one line. What a terminal would obey is escaped as JSON escapes it."""
    import msgspec  # 45 ms, which texts for people do without

    try:
        text = msgspec.json.encode(document).decode()
    except UnicodeEncodeError:  # a lone surrogate, of a file name that is no UTF-8
        text = json.dumps(msgspec.to_builtins(document), separators=(",", ":"), ensure_ascii=False)
        text = SURROGATE.sub(lambda lone: f"\\\\u{ord(lone[0]):04x}", text)  # strict readers refuse its escape
    if text.isascii() and text.isprintable():
        return text
    return "".join(character if is_harmless(character) else json.dumps(character)[1:-1] for character in text)


def file_name(text: str) -> str:
    """Return a text as part of a file's name: no separator, nothing invisible, and at most 100 bytes."""
    name = UNSAFE_IN_NAMES.sub("_", printable(text))
    return name.encode()[:LONGEST_NAME_BYTES].decode(errors="ignore") or "_"


def csv_cell(text: str) -> str:
    """Return a text for a cell of a CSV file: an apostrophe goes before what a spreadsheet takes for a formula."""
    return f"'{text}" if FORMULA.match(text) else text


def csv_text(cell: str) -> str:
    """Return the text of a cell that `csv_cell` has written; other cells are as they are."""
    return QUOTED_FORMULA.sub("", cell, count=1) if QUOTED_FORMULA.match(cell) else cell


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return " Did you mean 'link_down'?" for the end of an error's sentence, or nothing if no known word is near."""
    by_folded = {name.casefold(): name for name, _ in zip(known, range(MOST_COMPARED), strict=False)}
    near = difflib.get_close_matches(word.casefold(), by_folded, n=1, cutoff=LIKELY)
    return f" Did you mean '{printable(by_folded[near[0]])}'?" if near else ""
