"""Checks of a history against its catalogue, on a sample, before baselines are fitted: period, ranges, units.

A mistake in the catalogue costs a training otherwise, and is told by nobody: values outside their range do not count.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detector.core.features import Feature
from detector.core.granularity import DAY_MINUTES
from detector.core.vocabulary import PERIODS
from detector.history.parquet import HistoryError
from detector.terminal import print_notice
from detector.text import printable
from trainer.data.history import ParquetHistory
from trainer.data.period import frequent_minutes, sample_distances

GROUPS, GROUP_ROWS = 16, 4096
"""Row groups of the sample, and rows of each: 65,536 minutes, which take a second or two to read."""

LEAST_DISTANCES = 20
"""Distances between samples from which on a period is believed."""

LEAST_VALUES = 100
"""Reported values of a feature from which on shares of them mean something."""

IMPOSSIBLE_SHARE, OUTSIDE_SHARE = 0.5, 0.01
"""Shares of values outside their range: above the first the training is refused, above the second it is told. A sensor
that fails now and then brings a few in a thousand."""

UNIT_SHARE = 1e-3
"""Share of the range that values never leave where the unit is another one, by a factor of a thousand or more."""

PHYSICAL_HIGH = 1000.0
"""Highest bound that is a physical one, such as 100 % or 16 layers; greater bounds are only very large numbers."""

FRACTION_MEDIAN = 0.1
"""Median from which on shares that never exceed 1 are fractions. Shares of lost packets stay below 1 %, too."""

MOST_LISTED = 10
"""Features that one notice lists, and notices about single features; the rest are counted."""


@dataclass(frozen=True)
class _FeatureCheck:
    """Finding on one feature of the history."""

    name: str
    text: str


def check_history(history: ParquetHistory) -> None:
    """Print a notice on each feature that the catalogue hardly describes.

    Raises HistoryError for another period than the catalogue's, and for features most of whose values are impossible.
    """
    groups = history.spread_groups(GROUPS)
    _check_period(history, groups)
    values = _sample_values(history, groups)
    path, features = history.folder / "catalogue.yaml", history.catalogue.features
    impossible = list(_impossible(features, values))
    if impossible:
        raise HistoryError(
            f"{path}: {'; '.join(f'{check.name} {check.text}' for check in impossible[:MOST_LISTED])}"
            f"{_rest(impossible)}; set `low` and `high` to what is possible, in the unit of the history."
        )
    _print_each(path, [*_outside(features, values), *_other_units(features, values)])
    _print_listed(path, "never reported", _never_reported(features, values), len(values))
    first, end = history.span
    _print_listed(path, "constant", _constant(features, values, end - first), len(values))


def _check_period(history: ParquetHistory, groups: Sequence[tuple[Path, int]]) -> None:
    """Compare the period with the distances between the samples of a cell. Raises HistoryError."""
    numbers: dict[str, int] = {}
    cells, minutes = [], []
    for group in groups:
        keys = history.group_keys(group)
        known = np.array([numbers.setdefault(name, len(numbers)) for name in keys.names], np.int64)
        cells.append(known[keys.cell])
        minutes.append(keys.minute)
    if not cells:
        return
    distances = sample_distances(np.concatenate(cells), np.concatenate(minutes).astype(np.float64) * 60)
    observed, period = frequent_minutes(distances), history.catalogue.period_minutes
    if observed is None or observed == period or len(distances) < LEAST_DISTANCES:
        return
    remedy = f"set `period_minutes: {observed}` there"
    if observed not in PERIODS:
        remedy = f"allowed are {', '.join(map(str, PERIODS))}: give the samples one of these periods"
    raise HistoryError(
        f"{history.folder}: has a sample every {observed} minute{'s' * (observed > 1)}, and its catalogue.yaml says"
        f" {period}; {remedy}."
    )


def _sample_values(history: ParquetHistory, groups: Sequence[tuple[Path, int]]) -> NDArray[np.float32]:
    """Return the features of rows that are spread over the row groups. # [n, F]"""
    parts = [np.empty((0, len(history.catalogue)), np.float32)]
    for group in groups:
        count = len(history.group_keys(group).minute)
        rows = np.unique(np.linspace(0, max(0, count - 1), min(count, GROUP_ROWS)).astype(np.int64))
        parts.append(history.stored_values(group, rows))
    return np.concatenate(parts)


def _outside_shares(features: Sequence[Feature], values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the share of each feature's values outside its range; 0 where few were reported. # [F]"""
    low = np.array([feature.low for feature in features], np.float32)
    high = np.array([feature.high for feature in features], np.float32)
    reported = (~np.isnan(values)).sum(axis=0)
    outside = ((values < low) | (values > high)).sum(axis=0)
    return np.where(reported >= LEAST_VALUES, outside / np.maximum(reported, 1), 0.0)


def _impossible(features: Sequence[Feature], values: NDArray[np.float32]) -> Iterator[_FeatureCheck]:
    for index, share in enumerate(_outside_shares(features, values)):
        if share > IMPOSSIBLE_SHARE:
            yield _outside_check(features[index], values[:, index], float(share))


def _outside(features: Sequence[Feature], values: NDArray[np.float32]) -> Iterator[_FeatureCheck]:
    for index, share in enumerate(_outside_shares(features, values)):
        if OUTSIDE_SHARE < share <= IMPOSSIBLE_SHARE:
            yield _outside_check(features[index], values[:, index], float(share))


def _outside_check(feature: Feature, values: NDArray[np.float32], share: float) -> _FeatureCheck:
    least, most = np.nanmin(values), np.nanmax(values)
    return _FeatureCheck(
        _quoted(feature.name),
        f"has {share:.1%} of its values outside {feature.low:g} to {feature.high:g} (seen: {least:g} to {most:g}),"
        " which count as not reported",
    )


def _other_units(features: Sequence[Feature], values: NDArray[np.float32]) -> Iterator[_FeatureCheck]:
    """Yield the features whose values fill so little of a physical range that their unit must be another one."""
    for index, feature in enumerate(features):
        column = values[:, index]
        reported = column[~np.isnan(column)]
        if len(reported) < LEAST_VALUES or feature.high > PHYSICAL_HIGH or not reported.any():
            continue
        most, median = float(np.abs(reported).max()), float(np.median(reported))
        bound = max(abs(feature.low), abs(feature.high))
        is_fraction = feature.kind == "ratio" and feature.high >= 50 and most <= 1 and median >= FRACTION_MEDIAN
        if most < UNIT_SHARE * bound or is_fraction:
            guess = "shares from 0 to 1 instead of percent?" if is_fraction else "another unit?"
            text = f"reaches {most:g} of a range to {bound:g} {feature.unit}".rstrip()
            yield _FeatureCheck(_quoted(feature.name), f"{text}: {guess} Check unit and range")


def _never_reported(features: Sequence[Feature], values: NDArray[np.float32]) -> list[str]:
    if not len(values):
        return []
    return [_quoted(feature.name) for index, feature in enumerate(features) if np.isnan(values[:, index]).all()]


def _constant(features: Sequence[Feature], values: NDArray[np.float32], minutes: int) -> list[str]:
    """Return the features with one value in so many minutes of history, each with it.

    A counter that is 0 in less than a day is ordinary: what it counts is rare.
    """
    names = []
    for index, feature in enumerate(features):
        reported = values[~np.isnan(values[:, index]), index]
        is_constant = len(reported) >= LEAST_VALUES and reported.min() == reported.max()
        is_ordinary = feature.kind == "counter" and minutes < DAY_MINUTES and not reported.any()
        if is_constant and not is_ordinary:
            names.append(f"{_quoted(feature.name)} ({reported[0]:g})")
    return names


def _print_each(path: Path, checks: Sequence[_FeatureCheck]) -> None:
    for check in checks[:MOST_LISTED]:
        print_notice(f"warning: {path}: {check.name} {check.text}.")
    if len(checks) > MOST_LISTED:
        print_notice(f"warning: {path}: {len(checks) - MOST_LISTED} more features are outside their range or unit.")


def _print_listed(path: Path, word: str, names: Sequence[str], rows: int) -> None:
    if names:
        are = "feature is" if len(names) == 1 else "features are"
        listed = f"{', '.join(names[:MOST_LISTED])}{_rest(names)}"
        print_notice(f"warning: {path}: {len(names)} {are} {word} in {rows:,} samples of the history: {listed}.")


def _rest(listed: Sequence[object]) -> str:
    return f" and {len(listed) - MOST_LISTED} more" if len(listed) > MOST_LISTED else ""


def _quoted(name: str) -> str:
    return f"`{printable(name, 60)}`"
