"""Expected values: whether a scalar is of a type, and the words that say which values are allowed."""

import re
from datetime import date
from typing import Any

from msgspec import inspect


def is_expected(value: Any, kind: inspect.Type) -> bool:
    """Return whether a scalar is of this kind and within its range."""
    match kind:
        case inspect.Metadata():
            return is_expected(value, kind.type)
        case inspect.UnionType():
            return any(is_expected(value, member) for member in kind.types)
        case inspect.AnyType():
            return isinstance(value, str | int | float)
        case inspect.LiteralType():
            return value in kind.values
        case inspect.IntType():
            return type(value) is int and _is_within(value, kind)
        case inspect.FloatType():
            return type(value) in (int, float) and _is_within(value, kind)
        case inspect.StrType():
            return isinstance(value, str) and _is_formed(value, kind)
        case inspect.BoolType():
            return isinstance(value, bool)
        case inspect.DateType():
            return isinstance(value, date) or (isinstance(value, str) and _is_date(value))
        case inspect.NoneType():
            return value is None
    return False


def expected(kind: inspect.Type) -> str:
    """Return the words for the allowed values: "a whole number from 1 to 60"."""
    match kind:
        case inspect.Metadata():
            extra = kind.extra or {}
            return str(extra.get("allowed") or expected(kind.type))
        case inspect.UnionType():
            return " or ".join(expected(member) for member in kind.types)
        case inspect.AnyType():
            return "a text, a number, true or false"
        case inspect.LiteralType():
            return " or ".join(f"`{value}`" for value in kind.values)
        case inspect.IntType():
            return f"a whole number{_range(kind)}"
        case inspect.FloatType():
            return f"a number{_range(kind)}"
        case inspect.StrType():
            return "a text that is not empty" if kind.min_length else "a text"
        case inspect.ListType():
            return "a list"
        case inspect.DictType() | inspect.StructType() | inspect.DataclassType():
            return "a mapping of keys to values"
    return {inspect.BoolType: "true or false", inspect.DateType: "a date such as 2026-01-05"}.get(type(kind), "nothing")


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _is_within(value: float, kind: inspect.IntType | inspect.FloatType) -> bool:
    return (
        (kind.ge is None or value >= kind.ge)
        and (kind.gt is None or value > kind.gt)
        and (kind.le is None or value <= kind.le)
        and (kind.lt is None or value < kind.lt)
    )


def _is_formed(value: str, kind: inspect.StrType) -> bool:
    return (
        len(value) >= (kind.min_length or 0)
        and (kind.max_length is None or len(value) <= kind.max_length)
        and (kind.pattern is None or re.search(kind.pattern, value) is not None)
    )


def _range(kind: inspect.IntType | inspect.FloatType) -> str:
    above = f" above {kind.gt:,}" if kind.gt is not None else ""
    low = f" from {kind.ge:,}" if kind.ge is not None else above
    high = f" to {kind.le:,}" if kind.le is not None else f" below {kind.lt:,}" if kind.lt is not None else ""
    if above and high:
        return f"{above} and up{high}" if kind.le is not None else f"{above} and{high}"
    return f"{low}{high}" if high else f"{low} on" if kind.ge is not None else low
