"""Table in memory: a bounded sample of records as columns of numbers or of texts, whatever file they came from."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector.errors import OperatorError

MISSING = frozenset(("", "-", "na", "n/a", "nan", "nil", "none", "null", "\\n"))
"""Texts that mean "not reported", in lower case: of databases, spreadsheets and exports of network managers."""

NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")

THOUSANDS = re.compile(r"[-+]?[1-9]\d{0,2}(,\d{3})+(\.\d+)?")

DECIMAL_COMMA = re.compile(r"[-+]?\d+,\d+")

NUMERIC_SHARE = 0.95
"""Least share of numbers among the texts of a column that is numeric: a sensor may say "err" now and then."""


class DraftError(OperatorError):
    """Data of which no catalogue can be drafted."""


@dataclass(frozen=True)
class SampleColumn:
    """Column of a sample: numbers, or texts where most are no numbers."""

    numbers: NDArray[np.float64]
    """NaN where nothing, or no number, was reported. Of a column of times: seconds since 1970."""
    texts: NDArray[np.object_] | None = None
    """None where the column is numeric; an empty text where nothing was reported."""
    is_time: bool = False
    """Whether the type of the column was declared as a time."""

    def __len__(self) -> int:
        return len(self.numbers)

    @cached_property
    def is_reported(self) -> NDArray[np.bool_]:
        return ~np.isnan(self.numbers) if self.texts is None else self.texts != ""

    @cached_property
    def codes(self) -> NDArray[np.int64]:
        """Number of each value among the different values; -1 where nothing was reported."""
        values = self.numbers if self.texts is None else self.texts.astype(str)
        codes = np.unique(values, return_inverse=True)[1].astype(np.int64)
        return np.where(self.is_reported, codes, -1)

    @property
    def shown(self) -> str:
        """Some value, for a sentence."""
        reported = np.flatnonzero(self.is_reported)
        if not len(reported):
            return "nothing"
        return f"{self.numbers[reported[0]]:.15g}" if self.texts is None else str(self.texts[reported[0]])


Table = Mapping[str, SampleColumn]
"""Columns of one length, by name."""


def text_column(texts: Sequence[str | None], *, decimal_comma: bool = False) -> SampleColumn:
    """Return a column of texts; of numbers, where nearly all are numbers. 1,234 is read as the caller says."""
    import pyarrow

    stripped = ["" if text is None else text.strip() for text in texts]
    coded = pyarrow.array(stripped, pyarrow.string()).dictionary_encode()  # a tenth of the time of numpy's `unique`
    unique, inverse = coded.dictionary.to_pylist(), coded.indices.to_numpy()
    read = _number_reader(unique, decimal_comma=decimal_comma)
    parsed = np.array([read(text) for text in unique], np.float64)
    is_missing = np.array([text.lower() in MISSING for text in unique], bool)
    counts = np.bincount(inverse, minlength=len(unique))
    numeric = counts[~np.isnan(parsed)].sum()
    if numeric and numeric >= NUMERIC_SHARE * counts[~is_missing].sum():
        return SampleColumn(parsed[inverse])
    reported = np.array(["" if missing else text for text, missing in zip(unique, is_missing, strict=True)], object)
    return SampleColumn(np.full(len(stripped), np.nan), reported[inverse])


def value_column(values: Sequence[Any]) -> SampleColumn:
    """Return a column of the values of JSON: numbers, texts, truth values or null."""
    if any(isinstance(value, str) for value in values):
        return text_column([None if value is None else str(value) for value in values])
    return SampleColumn(np.array([_number(value) for value in values], np.float64))


def rows_table(rows: Iterable[Mapping[str, Any]]) -> dict[str, SampleColumn]:
    """Return records of JSON as columns. Members of `features` stand beside the others, as in a flat record."""
    columns: dict[str, list[Any]] = {}
    count = 0
    for row in rows:
        for name, value in _flat(row):
            column = columns.setdefault(name, [])
            column.extend([None] * (count - len(column)))
            if len(column) == count:
                column.append(value)
        count += 1
    for column in columns.values():
        column.extend([None] * (count - len(column)))
    return {name: value_column(values) for name, values in columns.items()}


def joined(tables: Sequence[Table]) -> dict[str, SampleColumn]:
    """Return the rows of several tables; a column that a table lacks is not reported there."""
    names = list(dict.fromkeys(name for table in tables for name in table))
    lengths = [_length(table) for table in tables]
    return {name: _joined_column([table.get(name) for table in tables], lengths) for name in names}


def _length(table: Table) -> int:
    return len(next(iter(table.values()))) if table else 0


def _joined_column(columns: Sequence[SampleColumn | None], lengths: Sequence[int]) -> SampleColumn:
    present = [column for column in columns if column is not None and column.is_reported.any()]
    numbers = np.concatenate(
        [
            np.full(length, np.nan) if column is None else column.numbers
            for column, length in zip(columns, lengths, strict=True)
        ]
    )
    if all(column.texts is None for column in present):
        return SampleColumn(numbers, is_time=bool(present) and all(column.is_time for column in present))
    texts = [
        np.full(length, "", object) if column is None else _texts(column)
        for column, length in zip(columns, lengths, strict=True)
    ]
    return SampleColumn(np.full(len(numbers), np.nan), np.concatenate(texts))


def _texts(column: SampleColumn) -> NDArray[np.object_]:
    if column.texts is not None:
        return column.texts
    return np.array(["" if np.isnan(number) else f"{number:.15g}" for number in column.numbers], object)


def _flat(row: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the members of a record; those of an object within it bear its name, but for `features`."""
    for name, value in row.items():
        if isinstance(value, Mapping):
            yield from _flat(value, "" if name == "features" and not prefix else f"{prefix}{name}.")
        elif not isinstance(value, list):
            yield f"{prefix}{name}", value


def _number(value: Any) -> float:
    if not isinstance(value, int | float):
        return np.nan
    try:
        number = float(value)
    except OverflowError:
        return np.nan
    return number if np.isfinite(number) else np.nan


def _number_reader(texts: Iterable[str], *, decimal_comma: bool) -> Callable[[str], float]:
    """Return the reader of a column's numbers: with a decimal point, a decimal comma, or commas between thousands."""
    with_comma = [text for text in texts if "," in text]
    are_thousands = not decimal_comma and all(THOUSANDS.fullmatch(text) for text in with_comma)

    def read(text: str) -> float:
        plain = text.removesuffix("%").rstrip()
        if are_thousands:
            plain = plain.replace(",", "")
        elif DECIMAL_COMMA.fullmatch(plain):
            plain = plain.replace(",", ".")
        return _number(float(plain)) if NUMBER.fullmatch(plain) else np.nan

    return read
