"""Measurement of an operator: true values become reported values with other units, definitions and gaps.

True counters add up; reported ones need not. Each feature has its own gain, so sums no longer match and a part may
exceed its whole. A cause without a counter of its own is counted under another. A mean over minutes lags behind the
counters beside it. Three properties stay: counters are whole numbers before their unit is changed, no value leaves
its bounds, and a record is a function of the cell and the minute alone.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from detector.core.features import Catalogue
from trainer.simulator.catalogue import catalogue

Read = Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[np.float32]]
"""Function that returns the true values of (cell, minute) rows. # cell [n], minute [n] -> [n, 130]"""

SMOOTHING_MINUTES = 8
"""Minutes in the moving mean of a smoothed gauge, its own included: 97 % of an endless mean's weight at .35 a minute
(83 % at .2), and few enough that any minute is computable alone."""

MINUTE_LIMIT = 1 << 32
"""Upper limit of a minute: it packs (cell, minute) into one sortable number."""


@dataclass(frozen=True)
class Unit:
    """Other unit of a quantity, and the number of these units in one unit of the catalogue."""

    name: str
    per: float


@dataclass(frozen=True)
class Measurement:
    """Steps from true to reported values, applied in this order; the default changes no value."""

    merge_targets: Mapping[str, str] = field(default_factory=dict)
    """Feature under which another one is counted; the latter is delivered, but always null."""
    zero_for_null: frozenset[str] = frozenset()
    """Gauges that report 0 in place of null."""
    smoothing_weights: Mapping[str, float] = field(default_factory=dict)
    """Weight of the newest minute in a moving mean over SMOOTHING_MINUTES. A minute that is null stays null."""
    gains: Mapping[str, float] = field(default_factory=dict)
    """Factor above 0 for each feature. Counters are rounded."""
    floored_counters: frozenset[str] = frozenset()
    """Counters that are rounded down instead: the third attempt is counted, the first two are not."""
    offsets: Mapping[str, float] = field(default_factory=dict)
    """Constant added after the gain."""
    units: Mapping[str, Unit] = field(default_factory=dict)
    """Reported unit by the catalogue's unit."""
    integer_gauges: frozenset[str] = frozenset()
    """Gauges that are exported as integers."""
    missing_features: frozenset[str] = frozenset()
    """Features that are never delivered."""

    def catalogue(self) -> Catalogue:
        """Return the catalogue of the delivered features in this operator's units; bounds are converted like values."""
        low, high = _convert(self, np.stack(catalogue().bounds)).tolist()
        features = catalogue().features
        return Catalogue(
            tuple(
                replace(
                    features[position],
                    unit=self._unit_of(features[position].unit),
                    low=low[position],
                    high=high[position],
                )
                for position in delivered_columns(self)
            )
        )

    def _unit_of(self, unit: str) -> str:
        return self.units[unit].name if unit in self.units else unit


NEUTRAL = Measurement()


def delivered_columns(measurement: Measurement) -> NDArray[np.int64]:
    """Return the columns of this operator's delivered features among the 130. # -> [delivered]"""
    names = catalogue().names
    return np.array(
        [position for position, name in enumerate(names) if name not in measurement.missing_features], np.int64
    )


def measure(
    measurement: Measurement, read: Read, cell: NDArray[np.int64], minute: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Return the reported values of each (cell, minute), in the order of the true catalogue; NaN is "not reported".

    The function is pure if `read` is: a row has the same bits in any order and beside any other rows. With smoothed
    gauges `read` gets SMOOTHING_MINUTES - 1 earlier minutes too, each distinct (cell, minute) once.
    # cell [n], minute [n] -> [n, 130]
    """
    if measurement.smoothing_weights:
        values = _smooth(measurement, read, np.asarray(cell, np.int64), np.asarray(minute, np.int64))
    else:
        values = _redefine(measurement, read(cell, minute))
    values = _convert(measurement, values)
    values[:, [position for position, name in enumerate(catalogue().names) if name in measurement.missing_features]] = (
        np.nan
    )
    return values


def _redefine(measurement: Measurement, true_values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the values with counters merged and nulls replaced by zero where configured. # [n, 130] -> [n, 130]"""
    values, column_of = true_values.copy(), catalogue().names.index
    for source_name, target_name in measurement.merge_targets.items():
        values[:, column_of(target_name)] += values[:, column_of(source_name)]
        values[:, column_of(source_name)] = np.nan
    for name in measurement.zero_for_null:
        column = values[:, column_of(name)]
        column[np.isnan(column)] = 0
    return values


def _smooth(
    measurement: Measurement, read: Read, cell: NDArray[np.int64], minute: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Return redefined values; a smoothed gauge is the weighted mean of its reported minutes. # [n], [n] -> [n, 130]"""
    lookback = cell[:, None] * MINUTE_LIMIT + minute[:, None] - np.arange(SMOOTHING_MINUTES)  # [n, SMOOTHING_MINUTES]
    distinct, row = np.unique(lookback.ravel(), return_inverse=True)
    history = _redefine(measurement, read(distinct // MINUTE_LIMIT, distinct % MINUTE_LIMIT))
    row = row.reshape(len(cell), SMOOTHING_MINUTES)
    values = history[row[:, 0]]
    for name, newest_weight in measurement.smoothing_weights.items():
        position = catalogue().names.index(name)
        total, weights = np.zeros(len(cell)), np.zeros(len(cell))
        for age in range(SMOOTHING_MINUTES):  # a loop: numpy's own sums depend on an array's shape in the last bit
            earlier = history[row[:, age], position]
            weight = np.where(np.isnan(earlier), 0, (1 - newest_weight) ** age)
            total += weight * np.nan_to_num(earlier)
            weights += weight
        reported = ~np.isnan(values[:, position])
        values[reported, position] = total[reported] / weights[reported]
    return values


def _convert(measurement: Measurement, values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Apply gain, offset, unit and rounding, in place; each step is monotone, so it converts bounds as well."""
    for position, feature in enumerate(catalogue().features):
        name, column = feature.name, values[:, position]
        if name in measurement.gains:
            column *= measurement.gains[name]
            if feature.kind == "counter":
                (np.floor if name in measurement.floored_counters else np.rint)(column, out=column)
        if name in measurement.offsets:
            column += measurement.offsets[name]
        if feature.unit in measurement.units:
            column *= measurement.units[feature.unit].per
        if name in measurement.integer_gauges:
            np.rint(column, out=column)
    return values
