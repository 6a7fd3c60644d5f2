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
    share_reported: float
    low: float
    high: float
    median: float
    quantile_10: float
    quantile_90: float
    quantile_99: float
    is_whole: bool
    different: int
    """Different values."""
    constant_cells: float
    """Share of the cells with several values whose values are all equal."""
    skew: float
    """Skewness within the cells, from -1 to 1: how much farther the 90 % quantile is from the median than the 10 %."""
    skew_log: float
    """The same after log1p; NaN where there are negative values."""
    rises: bool
    """Whether every value is above that of the row before: a number of the row, or of the record."""


def value_statistics(values: NDArray[np.float64], cells: NDArray[np.int64]) -> ValueStatistics:
    """Return the statistics of a column; NaN = not reported. # values [n], number of each row's cell [n]"""
    is_reported = ~np.isnan(values)
    reported, owners = values[is_reported], cells[is_reported]
    if not len(reported):
        reported, owners = np.zeros(1), np.zeros(1, np.int64)
    low, q10, median, q90, q99, high = np.quantile(reported, (0, 0.1, 0.5, 0.9, 0.99, 1)).tolist()
    return ValueStatistics(
        reported=int(is_reported.sum()),
        share_reported=float(is_reported.mean()) if len(values) else 0.0,
        low=low,
        high=high,
        median=median,
        quantile_10=q10,
        quantile_90=q90,
        quantile_99=q99,
        is_whole=bool((reported == np.round(reported)).all()),
        different=len(np.unique(reported)),
        constant_cells=_constant_cells(reported, owners),
        skew=_skew(reported),
        skew_log=_skew(np.log1p(reported)) if low >= 0 else float("nan"),
        rises=len(reported) > SEVERAL and bool((np.diff(reported) > 0).all()),
    )


def _constant_cells(values: NDArray[np.float64], owners: NDArray[np.int64]) -> float:
    order = np.argsort(owners, kind="stable")
    values, owners = values[order], owners[order]
    first = np.flatnonzero(np.r_[True, owners[1:] != owners[:-1]])
    counts = np.diff(np.r_[first, len(owners)])
    is_constant = np.minimum.reduceat(values, first) == np.maximum.reduceat(values, first)
    several = counts >= SEVERAL
    return float(is_constant[several].mean()) if several.any() else 0.0


def _skew(values: NDArray[np.float64]) -> float:
    q10, median, q90 = np.quantile(values, (0.1, 0.5, 0.9)).tolist()
    return 0.0 if q90 == q10 else float((q90 + q10 - 2 * median) / (q90 - q10))
