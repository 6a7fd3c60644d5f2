"""Statistics of a feature's values in the sample: what tells kinds, transforms, ranges and identifiers apart."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SEVERAL = 3
"""Values of a cell from which on their being equal means something."""


@dataclass(frozen=True, kw_only=True)
class ValueStatistics:
    """Statistics of the reported values of one feature."""

    reported: int
    low: float
    high: float
    median: float
    quantile_99: float
    is_whole: bool
    different: int
    """Different values."""
    constant_cells: float
    """Share of the cells with several values whose values are all equal."""
    rising_cells: float
    """Share of the cells with several values whose values rise, and never fall, in the order of time."""
    rises: bool
    """Whether every value is above that of the row before: a number of the row, or of the record."""


def value_statistics(
    values: NDArray[np.float64], cells: NDArray[np.int64], seconds: NDArray[np.float64]
) -> ValueStatistics:
    """Return the statistics of a column; NaN = not reported. # values, cells (numbers), times of the rows: [n] each"""
    is_reported = ~np.isnan(values)
    reported, owners, times = values[is_reported], cells[is_reported], seconds[is_reported]
    if not len(reported):
        reported, owners, times = np.zeros(1), np.zeros(1, np.int64), np.zeros(1)
    low, median, q99, high = np.quantile(reported, (0, 0.5, 0.99, 1)).tolist()
    constant, rising = _steady_cells(reported, owners, times)
    return ValueStatistics(
        reported=int(is_reported.sum()),
        low=low,
        high=high,
        median=median,
        quantile_99=q99,
        is_whole=bool((reported == np.round(reported)).all()),
        different=len(np.unique(reported)),
        constant_cells=constant,
        rising_cells=rising,
        rises=len(reported) > SEVERAL and bool((np.diff(reported) > 0).all()),
    )


def _steady_cells(
    values: NDArray[np.float64], owners: NDArray[np.int64], times: NDArray[np.float64]
) -> tuple[float, float]:
    """Return the shares of the cells with several values whose values are all equal, and whose values rise."""
    order = np.lexsort((times, owners))
    values, owners = values[order], owners[order]
    first = np.flatnonzero(np.r_[True, owners[1:] != owners[:-1]])
    several = np.diff(np.r_[first, len(owners)]) >= SEVERAL
    if not several.any():
        return 0.0, 0.0
    steps = np.where(np.r_[False, owners[1:] == owners[:-1]], np.diff(values, prepend=values[0]), 0)
    falls, rises = np.minimum.reduceat(steps, first), np.maximum.reduceat(steps, first)
    is_constant, is_rising = (falls == 0) & (rises == 0), (falls == 0) & (rises > 0)
    return float(is_constant[several].mean()), float(is_rising[several].mean())
