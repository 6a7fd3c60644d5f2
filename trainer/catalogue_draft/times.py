"""Times of a foreign column: numbers since 1970 in any unit, and texts in the forms that exports use."""

import re
from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from detector.core.vocabulary import EARLIEST_MINUTE, LATEST_MINUTE
from trainer.catalogue_draft.table import SampleColumn

SECONDS_OF = {"minutes": 60.0, "seconds": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
"""Seconds of one unit. The years 2000 to 2099 in these units do not overlap, so a number tells its unit."""

FORMS = (
    *("%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M:%S"),
    *("%m/%d/%Y %H:%M", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y%m%d%H%M", "%Y%m%d%H%M%S", "%Y%m%d.%H%M%z"),
    *("%d-%b-%Y %H:%M:%S", "%d-%b-%Y %H:%M", "%Y-%m-%d_%H:%M:%S", "%Y%m%d %H%M%S", "%Y%m%d %H:%M"),
    *("%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d", "%d-%b-%Y"),
)
"""Forms beside ISO 8601: of spreadsheets, network managers and databases. The first that fits all times is taken."""

ZONE_NAME = re.compile(r"\s*(UTC|GMT)$", re.IGNORECASE)

TIME_SHARE = 0.99
"""Least share of times among the reported values of a column of times."""

FIRST_TEXTS = 20
"""Texts that are tried first: a form that none of them has is no form of the column."""

EARLIEST, LATEST = 60.0 * EARLIEST_MINUTE, 60.0 * LATEST_MINUTE


def column_seconds(column: SampleColumn) -> NDArray[np.float64] | None:
    """Return the seconds since 1970 of a column, NaN where it has none; None for a column that holds no times. # [n]"""
    if column.is_time:
        return column.numbers
    seconds = _counted(column.numbers) if column.texts is None else None
    if seconds is None:
        seconds = _written(column)
    return seconds


def _counted(numbers: NDArray[np.float64]) -> NDArray[np.float64] | None:
    reported = numbers[~np.isnan(numbers)]
    for factor in SECONDS_OF.values():
        if len(reported) and _are_plausible(reported * factor):
            return numbers * factor
    return None


def _written(column: SampleColumn) -> NDArray[np.float64] | None:
    """Return the times of texts, or of numbers that are written dates, such as 202611211005."""
    if column.texts is None:
        texts = np.array(["" if np.isnan(number) else f"{number:.0f}" for number in column.numbers], object)
    else:
        texts = column.texts
    unique, inverse = np.unique(texts.astype(str), return_inverse=True)
    for read in (_iso_seconds, *map(_form_seconds, FORMS)):
        first = [read(text) for text in unique[:FIRST_TEXTS] if text]
        if first and np.isnan(first).all():
            continue
        seconds = np.array([read(text) if text else np.nan for text in unique], np.float64)
        reported = seconds[unique != ""]
        if len(reported) and _are_plausible(reported):
            return seconds[inverse]
    return None


def _are_plausible(seconds: NDArray[np.float64]) -> bool:
    return bool(((seconds >= EARLIEST) & (seconds < LATEST)).mean() >= TIME_SHARE)


def _iso_seconds(text: str) -> float:
    if text.isdigit():
        return np.nan  # a date in the basic form, or a count
    return _seconds(datetime.fromisoformat, text)


def _form_seconds(form: str) -> Callable[[str], float]:
    def read(text: str) -> float:
        return _seconds(lambda plain: datetime.strptime(plain, form), text)

    return read


def _seconds(read: Callable[[str], datetime], text: str) -> float:
    """Return the seconds of a text; a time without a zone is taken for UTC: only distances between times are used."""
    try:
        moment = read(ZONE_NAME.sub("", text))
    except ValueError:
        return np.nan
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
