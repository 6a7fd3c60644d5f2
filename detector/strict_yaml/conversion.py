"""Conversion of a document to a type of the product: every mistake is reported, with position and allowed values."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any, TypeVar

import msgspec
from msgspec import inspect

from detector.strict_yaml.document import (
    SHOWN_WIDTH,
    Keys,
    Mark,
    Mistake,
    YamlDocument,
    YamlError,
    YamlNode,
    key_name,
    shown_value,
)
from detector.strict_yaml.expected import expected, is_expected
from detector.strict_yaml.scalars import ScalarError, plain_value
from detector.text import printable

T = TypeVar("T")

Fields = Iterable[inspect.Field]


def convert(document: YamlDocument, kind: type[T]) -> T:
    """Return the document as an object of this type. Raises YamlError with all its mistakes."""
    conversion = _Conversion()
    builtins = conversion.value(document.root, inspect.type_info(kind), ())
    document.check(*conversion.mistakes)
    try:
        return msgspec.convert(builtins, kind)
    except msgspec.ValidationError as error:
        raise YamlError(document.path, [Mistake(document.root.mark, f"{error}.")]) from None


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a question after the nearest known name, or the list of all, as the end of a sentence."""
    names = sorted(known)
    close = get_close_matches(name.lower(), names, 1)
    return f" (did you mean `{close[0]}`?)" if close else f"; known are {', '.join(names)}"


class _Conversion:
    """Conversion of one document: nodes become Python's own values, and mistakes are collected."""

    def __init__(self) -> None:
        self.mistakes: list[Mistake] = []

    def value(self, node: YamlNode, kind: inspect.Type, keys: Keys) -> Any:
        """Return the value of a node that should be of this kind."""
        if node.is_refused:
            return None
        shape = _shape(node, kind)
        if isinstance(shape, inspect.StructType | inspect.DataclassType) and isinstance(node.value, dict):
            return self._record(node, shape.fields, keys)
        if isinstance(shape, inspect.ListType) and isinstance(node.value, list):
            return [self.value(item, shape.item_type, (*keys, index)) for index, item in enumerate(node.value)]
        if isinstance(shape, inspect.DictType) and isinstance(node.value, dict):
            return self._dictionary(node, shape, keys)
        return self._scalar(node, kind, keys)

    def _record(self, node: YamlNode, fields: Fields, keys: Keys) -> dict[str, Any]:
        known = {field.encode_name: field for field in fields}
        marks: Mapping[str, Mark] = node.key_marks or {}
        for name in node.value:
            if name not in known:
                shown = f"`{printable(name, SHOWN_WIDTH)}` is no key of {key_name(keys)}"
                self._report(marks[name], f"{shown}{nearest(name, known)}.")
        for name, field in known.items():
            if field.required and name not in node.value:
                self._report(node.mark, f"{key_name((*keys, name))} is missing; write `{name}: …`.")
        return {
            name: self.value(item, known[name].type, (*keys, name))
            for name, item in node.value.items()
            if name in known
        }

    def _dictionary(self, node: YamlNode, kind: inspect.DictType, keys: Keys) -> dict[str, Any]:
        marks: Mapping[str, Mark] = node.key_marks or {}
        for name in node.value:
            if not is_expected(name, kind.key_type):
                shown = f"the key `{printable(name, SHOWN_WIDTH)}` of {key_name(keys)}"
                self._report(marks[name], f"{shown} is not allowed; allowed is {expected(kind.key_type)}.")
        return {name: self.value(item, kind.value_type, (*keys, name)) for name, item in node.value.items()}

    def _scalar(self, node: YamlNode, kind: inspect.Type, keys: Keys) -> Any:
        value = node.value if is_expected(node.value, kind) else _number(node)
        if is_expected(value, kind):
            return value
        is_unquoted = is_expected(node.written, kind) and node.written and not isinstance(value, str)
        remedy = "; put it in quotes" if is_unquoted else ""
        shown = f"{key_name(keys)} is {shown_value(node, keys)}"
        self._report(node.mark, f"{shown}; allowed is {expected(kind)}{remedy}.")
        return None

    def _report(self, mark: Mark, text: str) -> None:
        self.mistakes.append(Mistake(mark, text))


def _shape(node: YamlNode, kind: inspect.Type) -> inspect.Type:
    """Return the kind without its description; of several kinds the mapping for a mapping, else the first."""
    if isinstance(kind, inspect.Metadata):
        return _shape(node, kind.type)
    if isinstance(kind, inspect.UnionType):
        mappings = [member for member in kind.types if isinstance(member, inspect.DictType | inspect.StructType)]
        return mappings[0] if mappings and isinstance(node.value, dict) else kind.types[0]
    return kind


def _number(node: YamlNode) -> Any:
    """Return a node's value; text that was filled in from elsewhere is read as a number where it is one."""
    if not (node.placeholders and isinstance(node.value, str)):
        return node.value
    try:
        value = plain_value(node.value)
    except ScalarError:
        return node.value
    return value if type(value) in (int, float) else node.value
