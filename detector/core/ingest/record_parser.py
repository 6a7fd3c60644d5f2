"""Parser of records: bytes become a cell, a time and the values of the catalogue's features, in one typed pass.

The typed pass knows the feed as it is. What it meets for the first time, a new feature or a value of another type, is
parsed slowly once, and known from then on. So a changed feed costs no more than the one before.
"""

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from detector.core.ingest.value_faults import MOST_NAMES, OTHERS, ValueFault, read_value
from detector.malformed_json import MALFORMED_JSON

ABSENT_VALUE = float(np.finfo(np.float32).min)
"""Value of a feature that a record does not name. No quantity has this one."""

_LONGEST_EXAMPLE = 40

_NO_JSON_NUMBER = re.compile(rb"(?<=[:\s])-?(?:NaN|Infinity)(?=[,}\s])")


@dataclass(slots=True)
class ParsedRecord:
    """Record before its cell, time and ranges are checked."""

    cell: Any
    time: Any
    values: Sequence[float | None]
    """In the order of the catalogue; None and NaN = not reported, ABSENT_VALUE = not named. # [F]"""
    faults: list[tuple[ValueFault, str, str]]
    """Faults of single values, as (kind, feature, value)."""


class RecordParser:
    """Parser for the features of one catalogue. msgspec takes about 11 µs of a record's 14."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._index = {name: position for position, name in enumerate(names)}
        self._untyped: dict[str, None] = {}
        """Features that had a value of another type once."""
        self._unknown: dict[str, None] = {}
        """Features that the catalogue does not have."""
        self._build()

    def parse(self, value: bytes) -> ParsedRecord | None:
        """Return a record; None where the value is not one that a typed pass can read: `parse_slowly` says more."""
        record = self._parse_typed(value)
        if record is None:
            return None
        values: Sequence[Any] = msgspec.structs.astuple(record.features)
        faults: list[tuple[ValueFault, str, str]] = []
        if self._unknown:
            known = len(self._names)
            pairs = zip(self._unknown, values[known:], strict=True)
            faults += [(ValueFault.UNKNOWN, name, "") for name, found in pairs if found is not msgspec.UNSET]
            values = values[:known]
        if self._untyped:
            values = self._check_types(list(values), faults)
        return ParsedRecord(record.cell, record.time, values, faults)

    def _parse_typed(self, value: bytes) -> Any:
        """Return the typed record, None where there is none. NaN, which many senders write, becomes a text."""
        try:
            return self._decode(value)
        except MALFORMED_JSON:
            if b"NaN" not in value and b"Infinity" not in value:
                return None
        try:
            return self._decode(_NO_JSON_NUMBER.sub(b'"NaN"', value))
        except MALFORMED_JSON:
            return None

    def parse_slowly(self, value: bytes) -> ParsedRecord | None:
        """Return a record of any JSON object, and know its features from now on; None where it is none.

        Raises ValueError and RecursionError for what is no JSON.
        """
        document = _parse_json(value)
        if not isinstance(document, dict) or not {"cell", "time"} <= document.keys():
            return None
        features = document.get("features", {})
        faults: list[tuple[ValueFault, str, str]] = []
        values: list[float | None] = [ABSENT_VALUE] * len(self._names)
        for name, found in features.items() if isinstance(features, dict) else ():
            self._read(name, found, values, faults)
        self._untyped |= {name: None for kind, name, _ in faults if kind != ValueFault.UNKNOWN}
        if (len(self._unknown), len(self._untyped)) != self._built:
            self._build()
        return ParsedRecord(document["cell"], document["time"], values, faults)

    def _read(
        self, name: str, found: Any, values: list[float | None], faults: list[tuple[ValueFault, str, str]]
    ) -> None:
        if name not in self._index:
            if len(self._unknown) < MOST_NAMES and _is_utf8(name):
                self._unknown[name] = None
            faults.append((ValueFault.UNKNOWN, name if name in self._unknown else OTHERS, ""))
            return
        number = read_value(found)
        if isinstance(number, ValueFault):
            faults.append((number, name, str(found)[:_LONGEST_EXAMPLE]))
            number = math.nan
        values[self._index[name]] = number

    def _check_types(self, values: list[Any], faults: list[tuple[ValueFault, str, str]]) -> list[float | None]:
        """Read the values of features whose type is not known any more."""
        for name in self._untyped:
            position = self._index[name]
            if values[position] != ABSENT_VALUE:
                self._read(name, values[position], values, faults)
        return values

    def _build(self) -> None:
        """Make the typed pass for the features and types that are known."""
        self._built = len(self._unknown), len(self._untyped)
        fields: list[tuple[str, Any, Any]] = [
            (f"f{number}", Any if name in self._untyped else float | None, ABSENT_VALUE)
            for number, name in enumerate(self._names)
        ]
        fields += [(f"u{number}", Any, msgspec.UNSET) for number in range(len(self._unknown))]
        rename = dict(zip((name for name, *_ in fields), (*self._names, *self._unknown), strict=True))
        features = msgspec.defstruct(
            "Features", fields, forbid_unknown_fields=len(self._unknown) < MOST_NAMES, rename=rename, gc=False
        )
        types: list[Any] = [("cell", str), ("time", str | int | float), ("features", features)]
        self._decode = msgspec.json.Decoder(msgspec.defstruct("Record", types, gc=False)).decode


def _parse_json(value: bytes) -> Any:
    """Parse JSON and, where it is none, the numbers that JSON has not: NaN, Infinity, 1e999."""
    try:
        return msgspec.json.decode(value)
    except msgspec.DecodeError:
        return json.loads(value.decode())


def _is_utf8(name: str) -> bool:
    return name == name.encode(errors="replace").decode()
