"""Composer: the text of a YAML file becomes a document, bounded in depth and expansion.

The parser of PyYAML splits the text into events. This module makes values of them; a tag makes no object.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from detector.strict_yaml.document import (
    SHOWN_WIDTH,
    Keys,
    Mark,
    Mistake,
    YamlDocument,
    YamlError,
    YamlNode,
    is_secret,
    key_name,
)
from detector.strict_yaml.scalars import ScalarError, plain_value
from detector.strict_yaml.syntax import syntax_mistake
from detector.text import printable

MAX_DEPTH = 50
"""Deepest nesting. A configuration has four levels; Python's own recursion would end at some 300."""

MAX_VALUES, MAX_CHARACTERS = 100_000, 4_000_000
"""Most values and characters of a document with its aliases written out: a few lines of anchors that name each other
would otherwise exhaust memory."""

KNOWN_TAGS = re.compile(r"!(env|env_var|secret|vault|include|import|file|ref|sub|getatt)$|!![\w/.:]+$", re.IGNORECASE)
"""Tags that a sentence names; any other may be a password that begins with `!`."""

_Event = Any
"""Event of PyYAML, whose stubs give events neither anchors nor marks."""


class _FatalError(Exception):
    """Mistake after which the rest of the text cannot be read."""

    def __init__(self, mark: Mark, text: str) -> None:
        self.mistake = Mistake(mark, text)


class Composer:
    """Composer of one document: it makes nodes of the parser's events, and collects mistakes."""

    def __init__(self, text: str, path: Path) -> None:
        self._text, self._path = text, path
        self._mistakes: list[Mistake] = []
        self._anchors: dict[str, tuple[YamlNode, int, int] | None] = {}
        """Node, values and characters of each anchor; None while its node is incomplete."""
        self._values = self._characters = 0

    def compose(self) -> YamlDocument:
        """Return the document. Raises YamlError for a text that is no YAML."""
        try:
            root = self._stream()
        except _FatalError as error:
            raise YamlError(self._path, (*self._mistakes, error.mistake)) from None
        except yaml.YAMLError as error:
            raise YamlError(self._path, (*self._mistakes, syntax_mistake(self._text, error))) from None
        return YamlDocument(self._path, root, tuple(self._mistakes))

    def _stream(self) -> YamlNode:
        self._events: Iterator[_Event] = yaml.parse(self._text, Loader=yaml.SafeLoader)
        next(self._events)  # the begin of the stream
        if not isinstance(next(self._events), yaml.DocumentStartEvent):
            return YamlNode(None, Mark(1, 1))
        root = self._node(next(self._events), (), 0)
        next(self._events)  # the end of the document
        event = next(self._events)
        if isinstance(event, yaml.DocumentStartEvent):
            raise _FatalError(_mark(event), "a second document begins here; put one document into one file.")
        return root

    def _node(self, event: _Event, keys: Keys, depth: int) -> YamlNode:
        """Return the node that begins with this event."""
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, depth)
        self._check_depth(event, depth)
        self._check_tag(event)
        values, characters = self._values, self._characters
        self._count(event, 1, len(event.value) if isinstance(event, yaml.ScalarEvent) else 0)
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        if isinstance(event, yaml.ScalarEvent):
            node = self._scalar(event, keys)
        elif isinstance(event, yaml.SequenceStartEvent):
            node = self._list(event, keys, depth)
        else:
            node = self._mapping(event, keys, depth)
        if event.tag is not None:
            node = replace(node, is_refused=True)
        if event.anchor is not None:
            self._anchors[event.anchor] = node, self._values - values, self._characters - characters
        return node

    def _alias(self, event: _Event, depth: int) -> YamlNode:
        if event.anchor not in self._anchors:
            raise _FatalError(_mark(event), "an alias (*) names no anchor; put text that begins with * in quotes.")
        anchored = self._anchors[event.anchor]
        if anchored is None:
            raise _FatalError(_mark(event), "an anchor contains itself; write the values out instead.")
        node, values, characters = anchored
        self._check_depth(event, depth + node.height)
        self._count(event, values, characters)
        return node

    def _check_depth(self, event: _Event, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise _FatalError(_mark(event), f"values nest deeper than {MAX_DEPTH} levels here; write them flatter.")

    def _count(self, event: _Event, values: int, characters: int) -> None:
        self._values += values
        self._characters += characters
        if self._values > MAX_VALUES or self._characters > MAX_CHARACTERS:
            text = f"the document has more than {MAX_VALUES:,} values or {MAX_CHARACTERS:,} characters"
            raise _FatalError(_mark(event), f"{text} with its anchors written out; write fewer values.")

    def _check_tag(self, event: _Event) -> None:
        if event.tag is None:
            return
        tag = event.tag.replace("tag:yaml.org,2002:", "!!")
        name = f"the tag `{printable(tag, SHOWN_WIDTH)}`" if KNOWN_TAGS.match(tag) else "a tag (!)"
        remedy = "put text in quotes, and write ${NAME} for a variable of the environment"
        self._mistakes.append(Mistake(_mark(event), f"{name} is not allowed; {remedy}."))

    def _scalar(self, event: _Event, keys: Keys) -> YamlNode:
        node = YamlNode(event.value, _mark(event), event.value)
        if event.style is not None or event.tag is not None:
            return node
        try:
            return replace(node, value=plain_value(event.value))
        except ScalarError as error:
            shown = "a value that is not shown" if is_secret(keys) else printable(event.value, SHOWN_WIDTH)
            self._mistakes.append(Mistake(node.mark, f"{key_name(keys)} is {shown}, which {error}."))
            return replace(node, is_refused=True)

    def _list(self, event: _Event, keys: Keys, depth: int) -> YamlNode:
        nodes: list[YamlNode] = []
        while not isinstance(item := next(self._events), yaml.SequenceEndEvent):
            nodes.append(self._node(item, (*keys, len(nodes)), depth + 1))
        return YamlNode(nodes, _mark(event), height=_height(nodes))

    def _mapping(self, event: _Event, keys: Keys, depth: int) -> YamlNode:
        nodes: dict[str, YamlNode] = {}
        marks: dict[str, Mark] = {}
        first_marks: dict[str, Mark] = {}
        while not isinstance(item := next(self._events), yaml.MappingEndEvent):
            key, mark = self._key(item, keys), _mark(item)
            node = self._node(next(self._events), (*keys, key), depth + 1)
            first = first_marks.setdefault(unicodedata.normalize("NFKC", key), mark)
            if first != mark:
                text = f"{key_name((*keys, key))} stands twice, first in line {first.line}; keep one of the two."
                self._mistakes.append(Mistake(mark, text))
            nodes[key], marks[key] = node, mark
        return YamlNode(nodes, _mark(event), key_marks=marks, height=_height(nodes.values()))

    def _key(self, event: _Event, keys: Keys) -> str:
        """Return the text of a key. A key of another kind is a mistake."""
        if not isinstance(event, yaml.ScalarEvent):
            is_template = self._text[event.start_mark.index - 1 : event.start_mark.index + 1] == "{{"
            kind = "`{{ … }}` is a template; fill it before" if is_template else "a key is no text; write a text"
            raise _FatalError(_mark(event), f"{kind}.")
        self._check_tag(event)
        if event.anchor is not None:
            self._mistakes.append(Mistake(_mark(event), "a key has an anchor (&); put the anchor before the value."))
        if event.style is None and event.tag is None:
            self._check_plain_key(event, keys)
        return str(event.value)

    def _check_plain_key(self, event: _Event, keys: Keys) -> None:
        shown = "…" if is_secret(keys) else printable(event.value, SHOWN_WIDTH)
        name = f"the key `{shown}` of {key_name(keys)}"
        if event.value == "<<":
            text = f"{name} merges mappings in YAML 1.1 only; write the keys out."
        else:
            try:
                if isinstance(plain_value(event.value), str):
                    return
                text = f"{name} is no text; put it in quotes."
            except ScalarError as error:
                text = f"{name} {error}."
        self._mistakes.append(Mistake(_mark(event), text))


def _height(nodes: Iterable[YamlNode]) -> int:
    """Return the levels of a collection of these nodes."""
    return 1 + max((node.height for node in nodes), default=0)


def _mark(event: _Event) -> Mark:
    return Mark(event.start_mark.line + 1, event.start_mark.column + 1)
