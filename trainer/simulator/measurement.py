"""How an operator's exporters report what the world did: other units, other definitions, other gaps.

The world's counters add up. What comes out here need not: a gain is a feature's own, so sums no longer match and a
part may exceed its whole; a cause that is not split off vanishes into another; a mean over minutes lags behind the
counters beside it. What stays: counters are whole numbers before their unit is changed, nothing leaves its bounds, and
a record is a function of the cell and the minute alone.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from detector.core.features import Catalogue
from trainer.simulator.catalogue import catalogue

Read = Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[np.float32]]
"""The true values of any cells' minutes. # cell [n], minute [n] -> [n, 130]"""

SPAN = 8
"""Minutes that a smoothed gauge looks back on, its own included: enough for 97 % of an endless mean's weight at
.35 a minute (83 % at .2), few enough that any minute can be made alone."""

MINUTES = 1 << 32
"""More than there are: (cell, minute) as one sortable number."""


@dataclass(frozen=True)
class Unit:
    """Another unit for a quantity, and how many of it the catalogue's own is."""

    name: str
    per: float


@dataclass(frozen=True)
class Measurement:
    """What becomes of the true values on their way into an operator's records, in this order. By default: nothing."""

    moved: Mapping[str, str] = field(default_factory=dict)
    """Counted under the other feature instead; the feature itself is always null, but it is delivered."""
    zero_for_null: frozenset[str] = frozenset()
    smoothed: Mapping[str, float] = field(default_factory=dict)
    """Moving means over SPAN minutes: the newest one's weight. A minute that is null stays null."""
    gain: Mapping[str, float] = field(default_factory=dict)
    """Above 0. Counters are rounded."""
    floored: frozenset[str] = frozenset()
    """Counters that are rounded down instead: a third try is counted, the first two are not."""
    offset: Mapping[str, float] = field(default_factory=dict)
    """Added after the gain."""
    units: Mapping[str, Unit] = field(default_factory=dict)
    """By the catalogue's unit."""
    rounded: frozenset[str] = frozenset()
    """Gauges exported as integers."""
    missing: frozenset[str] = frozenset()
    """Never delivered."""

    def catalogue(self) -> Catalogue:
        """The features this operator delivers, in its units; bounds go the way of the values."""
        low, high = _convert(self, np.stack(catalogue().bounds)).tolist()
        features = catalogue().features
        return Catalogue(
            tuple(
                replace(features[at], unit=self._unit_of(features[at].unit), low=low[at], high=high[at])
                for at in delivered_columns(self)
            )
        )

    def _unit_of(self, unit: str) -> str:
        return self.units[unit].name if unit in self.units else unit


NEUTRAL = Measurement()


def delivered_columns(measurement: Measurement) -> NDArray[np.int64]:
    """Where the features of this operator's catalogue are among the 130. # -> [delivered]"""
    names = catalogue().names
    return np.array([at for at, name in enumerate(names) if name not in measurement.missing], np.int64)


def measure(
    measurement: Measurement, read: Read, cell: NDArray[np.int64], minute: NDArray[np.int64]
) -> NDArray[np.float32]:
    """What the operator reports of those minutes, in the true catalogue's order; NaN where it reports nothing.

    A pure function of its arguments, as far as `read` is one: a row is bit-identical in any order and company. Where
    something is smoothed, `read` is asked for SPAN - 1 earlier minutes, for each distinct (cell, minute) once.
    # cell [n], minute [n] -> [n, 130]
    """
    if measurement.smoothed:
        values = _smooth(measurement, read, np.asarray(cell, np.int64), np.asarray(minute, np.int64))
    else:
        values = _redefine(measurement, read(cell, minute))
    values = _convert(measurement, values)
    values[:, [at for at, name in enumerate(catalogue().names) if name in measurement.missing]] = np.nan
    return values


def _redefine(measurement: Measurement, true: NDArray[np.float32]) -> NDArray[np.float32]:
    """What is counted where, and what an exporter makes of a mean without samples. # [n, 130] -> [n, 130]"""
    values, at = true.copy(), catalogue().names.index
    for origin, target in measurement.moved.items():
        values[:, at(target)] += values[:, at(origin)]
        values[:, at(origin)] = np.nan
    for name in measurement.zero_for_null:
        column = values[:, at(name)]
        column[np.isnan(column)] = 0
    return values


def _smooth(
    measurement: Measurement, read: Read, cell: NDArray[np.int64], minute: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Redefined values, smoothed gauges as the weighted mean of the minutes that were reported. # -> [n, 130]"""
    looked_back = cell[:, None] * MINUTES + minute[:, None] - np.arange(SPAN)  # [n, SPAN]
    distinct, row = np.unique(looked_back.ravel(), return_inverse=True)
    history = _redefine(measurement, read(distinct // MINUTES, distinct % MINUTES))
    row = row.reshape(len(cell), SPAN)
    values = history[row[:, 0]]
    for name, newest in measurement.smoothed.items():
        at = catalogue().names.index(name)
        total, weights = np.zeros(len(cell)), np.zeros(len(cell))
        for age in range(SPAN):  # a loop: numpy's own sums depend on an array's shape in the last bit
            past = history[row[:, age], at]
            weight = np.where(np.isnan(past), 0, (1 - newest) ** age)
            total += weight * np.nan_to_num(past)
            weights += weight
        reported = ~np.isnan(values[:, at])
        values[reported, at] = total[reported] / weights[reported]
    return values


def _convert(measurement: Measurement, values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Gain, offset, unit and integers, in place; every step is monotone, so bounds may go through it as well."""
    for at, feature in enumerate(catalogue().features):
        name, column = feature.name, values[:, at]
        if name in measurement.gain:
            column *= measurement.gain[name]
            if feature.kind == "counter":
                (np.floor if name in measurement.floored else np.rint)(column, out=column)
        if name in measurement.offset:
            column += measurement.offset[name]
        if feature.unit in measurement.units:
            column *= measurement.units[feature.unit].per
        if name in measurement.rounded:
            np.rint(column, out=column)
    return values
