"""JSON documents that `--json` prints: one typed form per verb, with every minute as a time, too.

A minute since 1970 is what scripts of version 0.1 read, so it stays; beside each stands its time in ISO 8601, in UTC
with a Z, under the name with `_time` at its end.
"""

import math
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec

Document = TypeVar("Document")

MINUTES = frozenset(
    {"begin", "end", "taught", "expires", "onset", "raised", "until", "over", "minute", "first", "last"},
)
"""Fields that are minutes since 1970, in whichever document they stand; 0 is an absent one."""


def make_document(form: type[Document], *parts: Any, **fields: Any) -> Document:
    """Return a document of this form from the fields of the parts, the times of their minutes, and further fields."""
    content: dict[str, Any] = {}
    for part in parts:
        content |= msgspec.to_builtins(part)
    return msgspec.convert(_printable_values({**content, **msgspec.to_builtins(fields)}), form)


def minute_time(minute: int | None) -> str | None:
    """Return the begin of a minute as ISO 8601 in UTC, None for no minute."""
    return datetime.fromtimestamp(minute * 60, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if minute else None


def _printable_values(value: Any) -> Any:
    """Return the value with times beside its minutes, null for what is no finite number, and text that is UTF-8."""
    if isinstance(value, dict):
        times = {f"{name}_time": minute_time(value[name]) for name in MINUTES & value.keys() if _is_minute(value[name])}
        return {**{name: _printable_values(field) for name, field in value.items()}, **times}
    if isinstance(value, list | tuple):
        return [_printable_values(element) for element in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, str):
        return value.encode(errors="surrogateescape").decode(errors="replace")  # a file's name may be no UTF-8
    return value


def _is_minute(value: Any) -> bool:
    return value is None or (isinstance(value, int) and not isinstance(value, bool))
