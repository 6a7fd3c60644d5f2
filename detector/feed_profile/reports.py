"""Reports: what raw records say of cells, times and features, read leniently: a part that makes sense is kept."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from detector.core.features import Catalogue
from detector.core.ingest.samples import MAX_CELL_NAME
from detector.feed_profile.records import RawRecords
from detector.feed_profile.time_forms import read_time
from detector.malformed_json import MALFORMED_JSON
from detector.text import printable

CELL_ALIASES = ("cell", "cell_id", "cellId", "cellid", "Cell", "CELL")
"""Members that may name the cell. Only the first is read by the daemon."""

TIME_ALIASES = ("time", "timestamp", "ts", "Time", "TIME")

MOST_NEW_NAMES = 10_000
"""Different names of unknown features that are counted: a record may hold any."""


LARGEST = 2**63
"""Whole numbers from here on are no measurements; the largest that JSON allows overflow every float."""


@dataclass
class FeatureTally:
    """Counts of one feature of the catalogue over all readable records."""

    reported: int = 0
    null: int = 0
    not_number: int = 0
    example: str = ""
    """Value that is no number."""


@dataclass
class Reports:
    """Readable records as columns, and counts of what is in them."""

    rows: NDArray[np.int64]
    """Position of each report among the raw records. # [n]"""
    cells: list[str]
    seconds: NDArray[np.float64]
    """Time as it is written, in seconds since 1970. # [n]"""
    values: NDArray[np.float64]
    """# [n, F], NaN = not reported"""
    tallies: list[FeatureTally]
    new_names: Counter[str] = field(default_factory=Counter)
    time_forms: Counter[str] = field(default_factory=Counter)
    time_examples: dict[str, str] = field(default_factory=dict)
    unreadable: int = 0
    """Records without a readable cell or time."""

    def __len__(self) -> int:
        return len(self.cells)


def read_reports(records: RawRecords, catalogue: Catalogue) -> Reports:
    """Return the readable reports of a sample."""
    reader = _Reader(catalogue.names)
    for row, value in enumerate(records.values):
        reader.add(row, value)
    return reader.reports()


class _Reader:
    """Collector of reports."""

    def __init__(self, names: Sequence[str]) -> None:
        self._numbers = {name: number for number, name in enumerate(names)}
        self._tallies = [FeatureTally() for _ in names]
        self._rows: list[int] = []
        self._cells: list[str] = []
        self._seconds: list[float] = []
        self._values: list[list[float]] = []
        self._new_names: Counter[str] = Counter()
        self._forms: Counter[str] = Counter()
        self._examples: dict[str, str] = {}
        self._unreadable = 0

    def add(self, row: int, value: bytes | None) -> None:
        record = _decoded(value)
        cell, time = _member(record, CELL_ALIASES), _member(record, TIME_ALIASES)
        seconds, form = read_time(time)
        if time is not None:
            self._forms[form] += 1
            self._examples.setdefault(form, printable(time, 40))
        if not isinstance(cell, str) or not 1 <= len(cell) <= MAX_CELL_NAME or seconds is None:
            self._unreadable += 1
            return
        self._rows.append(row)
        self._cells.append(cell)
        self._seconds.append(seconds)
        features = record.get("features")
        self._values.append(self._features(features if isinstance(features, dict) else _flat(record)))

    def _features(self, features: dict[str, Any]) -> list[float]:
        """Return one report's values in the catalogue's order."""
        row = [math.nan] * len(self._numbers)
        for name, value in features.items():
            number = self._numbers.get(name)
            if number is None:
                if name in self._new_names or len(self._new_names) < MOST_NEW_NAMES:
                    self._new_names[name] += 1
            elif type(value) is float or (type(value) is int and -LARGEST < value < LARGEST):
                row[number] = value
            elif value is None:
                self._tallies[number].null += 1
            else:
                self._tallies[number].not_number += 1
                self._tallies[number].example = self._tallies[number].example or printable(repr(value), 30)
        return row

    def reports(self) -> Reports:
        shape = (len(self._cells), len(self._numbers))
        values = np.array(self._values, np.float64).reshape(shape)
        for tally, reported in zip(self._tallies, (~np.isnan(values)).sum(axis=0).tolist(), strict=True):
            tally.reported = reported
        return Reports(
            rows=np.array(self._rows, np.int64),
            cells=self._cells,
            seconds=np.array(self._seconds, np.float64),
            values=values,
            tallies=self._tallies,
            new_names=self._new_names,
            time_forms=self._forms,
            time_examples=self._examples,
            unreadable=self._unreadable,
        )


def _decoded(value: bytes | None) -> dict[str, Any]:
    """Return the record's JSON object; empty for anything else."""
    try:
        record = msgspec.json.decode(value or b"")
    except MALFORMED_JSON:
        return {}
    return record if isinstance(record, dict) else {}


def _member(record: dict[str, Any], names: Sequence[str]) -> Any:
    return next((record[name] for name in names if name in record), None)


def _flat(record: dict[str, Any]) -> dict[str, Any]:
    """Return the features of a record that has them beside cell and time."""
    return {name: value for name, value in record.items() if name not in (*CELL_ALIASES, *TIME_ALIASES, "features")}
