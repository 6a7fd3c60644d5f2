"""Faults of values: why a value of a record counts as not reported, counted by kind and feature.

A network changes under the daemon: each release of a vendor adds, removes and renames counters. A value that cannot be
used costs itself, and never the record around it.
"""

import math
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

MOST_NAMES = 256
"""Most unknown features that are told apart. Others are counted together, as OTHERS, until so many are known, and
ignored from then on: no feed has so many by itself."""

OTHERS = "(others)"


class ValueFault(StrEnum):
    """Reason why a value counts as not reported. The list is closed: it labels a metric."""

    MISSING = "missing"
    UNKNOWN = "unknown"
    OUT_OF_RANGE = "out_of_range"
    NUMERIC_TEXT = "numeric_text"
    NOT_A_NUMBER = "not_a_number"


@dataclass
class FaultCounts:
    """Number of faulty values by kind and feature, and an example of each."""

    counts: Counter[tuple[ValueFault, str]] = field(default_factory=Counter)
    examples: dict[tuple[ValueFault, str], str] = field(default_factory=dict)
    """A cell, with the value that it reported, where there is one."""
    values: int = 0
    """Number of values that the records should have held."""

    def add(self, fault: ValueFault, feature: str, count: int, example: str) -> None:
        """Count faults of one feature."""
        self.counts[fault, feature] += count
        self.examples.setdefault((fault, feature), example)

    def of(self, fault: ValueFault) -> int:
        """Return the number of faults of one kind."""
        return sum(count for (kind, _), count in self.counts.items() if kind == fault)


def read_value(value: Any) -> float | ValueFault:
    """Return the number of a feature's value, NaN for null, or the reason why it cannot be used."""
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return ValueFault.NOT_A_NUMBER
    try:
        number = float(value)
    except ValueError:
        return ValueFault.NOT_A_NUMBER
    except OverflowError:
        return ValueFault.OUT_OF_RANGE
    if math.isnan(number) or math.isinf(number):
        return ValueFault.NOT_A_NUMBER
    return ValueFault.NUMERIC_TEXT if isinstance(value, str) else number
