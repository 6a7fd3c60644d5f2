"""JSON documents that `--json` prints: one typed form per verb, with every minute as a time, too.

A minute since 1970 is what scripts of version 0.1 read, so it stays. Beside each stands its time in ISO 8601, in UTC
with a Z, under the name with `_time` at its end.
"""

from datetime import datetime
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec.inspect import DictType, ListType, StructType, TupleType, UnionType

from detector.timestamps import iso_time

Document = TypeVar("Document")

Time = Annotated[datetime, msgspec.Meta(tz=True)]
"""Time with a zone, which JSON Schema calls a date-time."""

TIME_SUFFIX = "_time"


def make_document(form: type[Document], *parts: Any, **fields: Any) -> Document:
    """Return a document of this form from the fields of the parts, further fields, and the times of their minutes."""
    content: dict[str, Any] = {}
    for part in (*parts, fields):
        content |= msgspec.to_builtins(part)
    return msgspec.convert(_with_times(msgspec.inspect.type_info(form), content), form)


def minute_time(minute: int | None) -> str | None:
    """Return the begin of a minute as ISO 8601 in UTC; None for no minute, which some fields write as 0."""
    return iso_time(minute) if minute else None


def _with_times(form: msgspec.inspect.Type, value: Any) -> Any:
    """Return the value with a time for each field of its form that is named after a minute and ends in `_time`."""
    if isinstance(form, UnionType) and value is not None:
        form = next((member for member in form.types if isinstance(member, StructType)), form)
    if isinstance(form, ListType):
        return [_with_times(form.item_type, element) for element in value]
    if isinstance(form, TupleType):
        return [_with_times(item, element) for item, element in zip(form.item_types, value, strict=True)]
    if isinstance(form, DictType):
        return {key: _with_times(form.value_type, element) for key, element in value.items()}
    if not isinstance(form, StructType):
        return value
    content = dict(value)
    for field in form.fields:
        name, minute = field.encode_name, field.encode_name.removesuffix(TIME_SUFFIX)
        if name != minute and minute in content:
            content[name] = minute_time(content[minute])
        elif name in content:
            content[name] = _with_times(field.type, content[name])
    return content
