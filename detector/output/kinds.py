"""Kinds of output: the form of each, and how an earlier output of the same kind is recognised.

The owner of a format describes its kind here in two lines: `foreign_content` looks at what exists and returns why it is
not of the kind. Only what is recognised is ever replaced.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from detector.malformed_json import MALFORMED_JSON

MAX_JSON_BYTES = 64 << 20
"""Longest JSON file that is parsed to recognise it; the longest of ours, of a comparison, has 3 MB."""

HEAD_BYTES = 1 << 20
"""Bytes at the begin of a file in which its first line must end to be recognised; a notification has some 2,000."""


@dataclass(frozen=True, kw_only=True)
class OutputKind:
    """Kind of file or folder that a run writes."""

    noun: str
    """Name with its article, such as `a bundle`."""
    form: Literal["file", "replaced folder", "filled folder"]
    """A replaced folder is made anew each time; a run only adds files to a filled folder."""
    foreign_content: Callable[[Path], str]
    """Return why an existing file, or a folder that is not empty, is not of this kind; empty = it is."""
    least_bytes: int = 64 << 10
    """Room that the output needs at least, where no estimate is given."""


def nothing_foreign(_: Path) -> str:
    """Recognise any folder, for a run that only adds files of its own to it."""
    return ""


ANY_FOLDER = OutputKind(noun="a folder", form="filled folder", foreign_content=nothing_foreign)
"""Folder that a run adds files to; each of the files is judged by itself."""


def file_kind(noun: str, is_own: Callable[[Path], bool]) -> OutputKind:
    """Return the kind of a file; an existing file that is neither empty nor recognised by `is_own` is foreign."""

    def foreign_content(path: Path) -> str:
        return "" if path.stat().st_size == 0 or is_own(path) else f"is not {noun}"

    return OutputKind(noun=noun, form="file", foreign_content=foreign_content)


def begins_with(prefix: bytes) -> Callable[[Path], bool]:
    """Return a function that recognises a file by its first bytes."""

    def is_own(path: Path) -> bool:
        return _head(path, len(prefix)) == prefix

    return is_own


def contains_early(text: bytes, within: int) -> Callable[[Path], bool]:
    """Return a function that recognises a file by a text among its first bytes."""

    def is_own(path: Path) -> bool:
        return text in _head(path, within)

    return is_own


def json_with(keys: Collection[str]) -> Callable[[Path], bool]:
    """Return a function that recognises a file that is one JSON object with these keys."""

    def is_own(path: Path) -> bool:
        return path.stat().st_size <= MAX_JSON_BYTES and _has_keys(path.read_bytes(), keys)

    return is_own


def json_lines_with(keys: Collection[str]) -> Callable[[Path], bool]:
    """Return a function that recognises a file whose first line is a JSON object with these keys."""

    def is_own(path: Path) -> bool:
        return _has_keys(_head(path, HEAD_BYTES).partition(b"\n")[0], keys)

    return is_own


def _head(path: Path, count: int) -> bytes:
    with path.open("rb") as file:
        return file.read(count)


def _has_keys(content: bytes, keys: Collection[str]) -> bool:
    try:
        document = msgspec.json.decode(content)
    except MALFORMED_JSON:
        return False
    return isinstance(document, dict) and set(keys) <= set(document)
