"""Key columns of a foreign table: the column of the cell and that of the time, by their names and their values."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detector.text import did_you_mean, printable
from trainer.catalogue_draft.arrow_table import SECONDS_OF_A_DAY
from trainer.catalogue_draft.names import WORD, words
from trainer.catalogue_draft.table import DraftError, SampleColumn, Table
from trainer.catalogue_draft.times import column_seconds

CELL_NAMES = (
    r"cell|cells|zelle?|cellname|cellid|celldn|cellkey|cellref|localcellid|utrancell|eutrancell\w*|nrcell\w*|ncellid",
    r"ecgi|ncgi|cgi|eci|nci|moid|mo|modn|dn|objectdn|measobjldn|measuredobject|objectinstance|managedobject|ldn",
    r"sector|sectorid|sectorname|object|objectname|entity|element|ne|nename|node|nodename|network_?element|site|bts|enb",
)
"""Names of the cell's column, the most certain first; compared without separators, case and `id` or `name`."""

TIME_NAMES = (
    r"minute|time|timestamp|ts|datetime|date_?time|zeit|zeitstempel|zeitpunkt|fecha\w*|horodat\w*",
    r"(begin|start|period_?start|meas|measurement|event|collection|sample|interval_?start|result)_?(time\w*|ts|date\w*)",
    r"time_?(begin|start|utc|local|stamp)|begin|start|periodstart|reportingtime|granularity\w*start\w*|date|datum|day",
    r"(end|stop|period_?end|interval_?end)_?(time\w*|ts)?|time_?(end|stop)|time\w*|\w*time|\w*timestamp",
)

END_NAMES = re.compile(r"(.*_)?(end|stop|ende|until)(_.*)?|.*end_?time.*|end.*", re.IGNORECASE)
"""Names of a time that is the end of its period."""

SEPARATORS = re.compile(r"[\s_.\-/:]+")

HOUR_WORDS = words("hour hours time stunde uhrzeit zeit hora heure")
"""Words of a column that holds the time of the day, where the date has a column of its own."""

CLOCK = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9]))?(?:\s*-.*)?")
"""Time of the day, or two of them from begin to end."""

LEAST_REPEATS = 2.0
"""Rows for each value that a column of cells has at least, where its name does not say that it is one."""


@dataclass(frozen=True)
class KeyColumns:
    """Columns of cell and time, with the seconds of each row and its cell's number."""

    cell: str
    time: str
    cells: NDArray[np.int64]
    """Number of each row's cell; -1 where there is none. # [n], as the next"""
    seconds: NDArray[np.float64]
    hour: str | None = None
    """Column of the time of the day, where that of the time holds dates alone."""
    unsure: tuple[str, ...] = ()


def find_keys(table: Table, cell: str | None, time: str | None) -> KeyColumns:
    """Return the key columns, recognised where they are not given. Raises DraftError."""
    remarks: list[str] = []
    time_name = _given(table, time, "--time") if time else _time_name(table)
    seconds = column_seconds(table[time_name])
    if seconds is None:
        raise DraftError(
            f"the column {_quoted(time_name)}: holds no times, such as {printable(table[time_name].shown, 40)!r}; give"
            " the column of the times with --time: ISO 8601, or a count since 1970."
        )
    hour_name = _hour_name(table, time_name) if _are_days(seconds) else None
    if hour_name is not None:
        seconds = seconds + _clock_seconds(table[hour_name])
        remarks.append(f"the times are those of {_quoted(time_name)} and {_quoted(hour_name)} together")
    cell_name = _given(table, cell, "--cell") if cell else _cell_name(table, time_name, remarks)
    cells = table[cell_name].codes
    return KeyColumns(cell_name, time_name, cells, seconds, hour=hour_name, unsure=tuple(remarks))


def _clock_seconds(column: SampleColumn) -> NDArray[np.float64]:
    """Return the seconds since midnight of a column of hours, or of times of the day; NaN for anything else. # [n]"""
    if column.texts is None:
        return np.where((column.numbers >= 0) & (column.numbers < 24), column.numbers * 3600, np.nan)
    unique, inverse = np.unique(column.texts.astype(str), return_inverse=True)
    found = [CLOCK.fullmatch(text) for text in unique]
    seconds = [3600.0 * int(clock[1]) + 60 * int(clock[2]) + int(clock[3] or 0) if clock else np.nan for clock in found]
    return np.array(seconds, np.float64)[inverse]


def is_end(name: str) -> bool:
    """Tell whether a column's name says that its times are the ends of the periods."""
    return END_NAMES.fullmatch("_".join(WORD.findall(name))) is not None


def _are_days(seconds: NDArray[np.float64]) -> bool:
    reported = seconds[~np.isnan(seconds)]
    return bool((reported % SECONDS_OF_A_DAY == 0).all())


def _hour_name(table: Table, date: str) -> str | None:
    """Return the column of the hours or times of the day beside a column of dates; None where there is none."""
    for name, column in table.items():
        is_named = name != date and {word.lower() for word in WORD.findall(name)} & HOUR_WORDS
        if is_named and column.is_reported.any() and not np.isnan(_clock_seconds(column)[column.is_reported]).any():
            return name
    return None


def _given(table: Table, name: str, option: str) -> str:
    if name in table:
        return name
    hint = did_you_mean(name, table)
    raise DraftError(f"{option} {_quoted(name)}: is no column of the data.{hint or _columns(table)}")


def _time_name(table: Table) -> str:
    """Return the column of the times: by its name, else the only one that holds times by its type or form."""
    for pattern in TIME_NAMES:
        for name in table:
            if _matches(pattern, name) and column_seconds(table[name]) is not None:
                return name
    written = [name for name, column in table.items() if column.is_time or column.texts is not None]
    with_times = [name for name in written if column_seconds(table[name]) is not None]
    if with_times:
        return with_times[0]
    raise DraftError(f"no column holds the times of the samples; give it with --time.{_columns(table)}")


def _cell_name(table: Table, time: str, remarks: list[str]) -> str:
    """Return the column of the cells: by its name, else the text that repeats most evenly."""
    names = [name for name in table if name != time and table[name].is_reported.any()]
    for pattern in CELL_NAMES:
        found = [name for name in names if _matches(pattern, name) and _is_key(table[name])]
        if found:
            # Of several, such as a site and its cell, the one with the most values is the cell.
            return max(found, key=lambda name: int(table[name].codes.max()))
    texts = [name for name in names if table[name].texts is not None and _repeats(table[name]) >= LEAST_REPEATS]
    if texts:
        best = max(texts, key=lambda name: int(table[name].codes.max()))
        remarks.append(f"the column {_quoted(best)} is taken for the cell, because its texts repeat")
        return best
    raise DraftError(f"no column names the cell of a sample; give it with --cell.{_columns(table)}")


def _matches(pattern: str, name: str) -> bool:
    joined = SEPARATORS.sub("", name).lower()
    bare = re.sub(r"(id|name)$", "", joined)
    spaced = "_".join(WORD.findall(name)).lower()
    return any(re.fullmatch(pattern, form) for form in (joined, bare, spaced) if form)


def _is_key(column: SampleColumn) -> bool:
    """Tell whether a column may name cells: texts, or whole numbers."""
    if column.texts is not None:
        return True
    reported = column.numbers[column.is_reported]
    return bool((reported == np.round(reported)).all())


def _repeats(column: SampleColumn) -> float:
    return float(column.is_reported.sum() / (column.codes.max() + 1))


def _quoted(name: str) -> str:
    return f"`{printable(name, 60)}`"


def _columns(names: Iterable[str]) -> str:
    listed = [_quoted(name) for name, _ in zip(names, range(12), strict=False)]
    return f" Its columns begin with {', '.join(listed)}." if listed else " It has no columns."
