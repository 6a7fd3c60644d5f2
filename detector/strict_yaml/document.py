"""Document: the values of a YAML file with their positions, and the mistakes that were found in it."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detector.errors import ConfigError
from detector.text import printable

MOST_SHOWN = 20
"""Mistakes that are listed; whoever has more sees the rest at the next try."""

SHOWN_WIDTH = 60
"""Characters of a value that a sentence shows."""

SECRET = re.compile(r"pass|secret|token|credential|jaas|private|\.pem$|(^|[._])key$", re.IGNORECASE)
"""Keys whose values no sentence shows."""

Keys = tuple[str | int, ...]
"""Address of a value: the keys of mappings and the indexes of lists on the way to it."""


@dataclass(frozen=True, order=True)
class Mark:
    """Position in a file; lines and columns count from 1."""

    line: int
    column: int


TOP = Mark(0, 0)
"""Position of a mistake of the whole file, which has no line."""


@dataclass(frozen=True, order=True)
class Mistake:
    """Mistake at one position; the text is a sentence without its file and position."""

    mark: Mark
    text: str


class YamlError(ConfigError):
    """Error in a YAML file: one sentence for each of its mistakes."""

    def __init__(self, path: Path | str, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(sorted(set(mistakes)))
        """Mistakes in the order of the file."""
        super().__init__(_sentence(path, self.mistakes))


@dataclass(frozen=True)
class YamlNode:
    """Value of a document: a scalar, a list of nodes, or a mapping of text to nodes."""

    value: Any
    mark: Mark
    written: str = ""
    """Scalar as it stands in the file."""
    key_marks: dict[str, Mark] | None = None
    """Positions of a mapping's keys."""
    placeholders: str = ""
    """Placeholders that the text was filled from, such as `${NAME}`; the text itself may be a secret then."""
    height: int = 0
    """Levels below it."""
    is_refused: bool = False
    """Whether a mistake was reported for this value already."""

    def builtins(self) -> Any:
        """Return the value as Python's own dict, list and scalars."""
        if isinstance(self.value, dict):
            return {name: node.builtins() for name, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.builtins() for node in self.value]
        return self.value


@dataclass(frozen=True)
class YamlDocument:
    """YAML file that was read: its values, and the mistakes that did not end the reading."""

    path: Path
    root: YamlNode
    mistakes: tuple[Mistake, ...] = ()

    def find(self, keys: Keys) -> tuple[YamlNode, Mark]:
        """Return a value and the position of its key; the nearest value above it where it is absent."""
        node, mark = self.root, self.root.mark
        for key in keys:
            if isinstance(node.value, dict) and key in node.value:
                mark = (node.key_marks or {})[str(key)]
                node = node.value[key]
            elif isinstance(node.value, list) and isinstance(key, int) and key < len(node.value):
                node = node.value[key]
                mark = node.mark
            else:
                break
        return node, mark

    def check(self, *more: Mistake) -> None:
        """Raise YamlError if there are mistakes: those of the reading, or `more`."""
        if self.mistakes or more:
            raise YamlError(self.path, (*self.mistakes, *more))


def key_name(keys: Sequence[str | int]) -> str:
    """Return the address in backticks, as a person writes it: kafka.topics.minutes, faults[0].cell."""
    return f"`{''.join(_key_parts(keys)).removeprefix('.')}`" if keys else "the document"


def shown_value(node: YamlNode, keys: Keys) -> str:
    """Return a value for a sentence: shortened and harmless, and never a secret."""
    value = node.value
    if node.placeholders:
        return f"what {node.placeholders} gives, which is {'not shown' if value else 'empty'}"
    if isinstance(value, dict | list):
        kind = "mapping" if isinstance(value, dict) else "list"
        return f"a {kind}" if value else f"an empty {kind}"
    if value is None:
        return "empty (null)"
    if isinstance(value, str) and not value.strip():
        return "blank" if value else "empty"
    if is_secret(keys):
        return f"{_kind(value)} that is not shown"
    return f"{_kind(value)} {printable(node.written, SHOWN_WIDTH)!r}" if isinstance(value, str) else node.written


def is_secret(keys: Sequence[str | int]) -> bool:
    """Return whether the value at this address may be a password or another secret."""
    return any(isinstance(key, str) and SECRET.search(key) for key in keys)


def _kind(value: Any) -> str:
    return "the text" if isinstance(value, str) else "a value"


def _key_parts(keys: Sequence[str | int]) -> Iterator[str]:
    for index, key in enumerate(keys):
        shown = "…" if is_secret(keys[:index]) else printable(key, SHOWN_WIDTH)
        yield f"[{key}]" if isinstance(key, int) else f".{shown}"


def _sentence(path: Path | str, mistakes: Sequence[Mistake]) -> str:
    if len(mistakes) == 1:
        return f"{path}: {_placed(mistakes[0])}"
    listed = [_placed(mistake) for mistake in mistakes[:MOST_SHOWN]]
    rest = f" {len(mistakes) - MOST_SHOWN} more are not listed." if len(mistakes) > MOST_SHOWN else ""
    return f"{path}: has {len(mistakes)} mistakes: {' '.join(listed)}{rest}"


def _placed(mistake: Mistake) -> str:
    if mistake.mark == TOP:
        return mistake.text
    return f"line {mistake.mark.line}, column {mistake.mark.column}: {mistake.text}"
