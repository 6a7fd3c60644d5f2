"""Units of a feed's values: the ratio to the usual values, and the factor between units that explains it.

Values follow the hour of the day and the cell's size, as the baseline does. So a ratio near 1,000 in most cells at once
is a unit, and no fault.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

FACTORS = (8.0, 60.0, 100.0, 1000.0, 3600.0, 8000.0, 60_000.0, 1e6)
"""Bits and bytes, seconds and minutes, percent, kilo (and 1024), hours, kilobytes and bits, minutes and ms, mega."""

CLOSENESS = 1.35
"""Factor up to which the median ratio may differ from one of FACTORS: the error of a baseline's mean over cells.
Neighbouring factors differ by 1.67."""

AGREEMENT = 2.5
"""Factor around the median within which a cell agrees: ordinary minutes of a small cell differ so much from usual."""

AGREEING = 0.7
"""Share of the cells that must agree. A fault of many cells makes their ratios differ."""

LEAST_CELLS, MOST_CELLS = 3, 300
"""Cells that are compared: their shares are known to some percent."""

CLEAR_SPREADS = 2.0
"""Spreads by which a usual value must differ from zero. The ratio to a value near zero says nothing."""


def cell_ratios(
    groups: Sequence[NDArray[np.intp]], values: NDArray[np.float64], usual: NDArray[Any], is_clear: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return the median of each cell's values, relative to that of the usual ones; NaN = cannot be told.

    # values, usual, is_clear [n, F] -> [C, F], at most MOST_CELLS
    """
    chosen = groups[:: -(-len(groups) // MOST_CELLS)] if len(groups) else groups
    ratios = np.full((len(chosen), values.shape[1]), np.nan)
    for cell, rows in enumerate(chosen):
        comparable = is_clear[rows] & ~np.isnan(values[rows])
        medians = [_column_medians(np.where(comparable, column[rows], np.nan)) for column in (values, usual)]
        ratios[cell] = medians[0] / medians[1]
    return ratios


def _column_medians(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the lower median of each column without NaN, in a twentieth of the time of `np.nanmedian`. # -> [F]"""
    ascending = np.sort(values, axis=0)  # NaN comes last
    middle = np.maximum((~np.isnan(values)).sum(axis=0) - 1, 0) // 2
    return np.take_along_axis(ascending, middle[None], axis=0)[0]


def median_ratio(ratios: NDArray[np.float64]) -> float | None:
    """Return the median of the cells' ratios; None for too few cells. # [C]"""
    known = ratios[~np.isnan(ratios)]
    return float(np.median(known)) if len(known) >= LEAST_CELLS else None


def unit_factor(ratios: NDArray[np.float64], period_ratio: float) -> float | None:
    """Return the factor that explains the ratios of most cells, None for none. # [C]

    `period_ratio`: the feed's period relative to the declared one, by which counters grow.
    """
    ratio = median_ratio(ratios)
    if ratio is None or ratio <= 0:
        return None
    known = ratios[~np.isnan(ratios)]
    agreeing = (known > ratio / AGREEMENT) & (known < ratio * AGREEMENT)
    factors = {*FACTORS, *(1 / factor for factor in FACTORS)} | ({period_ratio} if period_ratio != 1 else set())
    nearest = min(factors, key=lambda factor: abs(np.log(ratio / factor)))
    is_near = abs(np.log(ratio / nearest)) <= np.log(CLOSENESS)
    return nearest if is_near and float(np.mean(agreeing)) >= AGREEING else None
