"""Baselines: what is usual for each cell at each time of day, as a mean, two harmonics and a spread per feature.

The fit is least squares on a thinned past, in three passes. It leaves out multi-hour stretches in which the cell
deviated strongly (outages, faults), and then values beyond three spreads, so that a fault inside the history does not
become usual. Each cell's
result is then shrunk towards the fleet's; the fewer minutes a cell reported, the stronger the shrinkage.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector.core.features import Baseline, Catalogue, day_basis, transform
from detector.core.granularity import Granularity
from detector.history.parquet import HistoryError
from detector.terminal import progress
from trainer.data.history import History

HARMONICS = 2
"""Day and half day. Measured on the week after two weeks of three networks: a third and fourth harmonic reduce
the residual by half a percent, a separate weekend profile by up to two. One-shot macro-F1 changes by at most .004."""

EVERY_MINUTES = 7
"""Thinning of the past: neighbouring minutes add little information. Odd, so that every minute of the hour occurs.
Of a longer period every sample is used."""

CELLS_AT_ONCE = 16
"""Cells fitted together: the fit needs several copies of a few tens of megabytes of minutes."""

ROWS_AT_ONCE = CELLS_AT_ONCE * 1440
"""Rows (cell-minutes) per read, for a history that reads no faster in larger reads: a thinned week of CELLS_AT_ONCE
cells."""

FLEET_SHARE = 0.25
FLOOR = 1e-2
"""spread² = cell's² + (¼ of the fleet's median)² + 0.01²: otherwise a feature that is nearly constant
in a cell would give huge deviations there."""

TRIM = 3.0
"""Residual, in spreads, beyond which the last pass leaves out a minute."""

STRETCH_MINUTES = 180
STRETCH_LIMIT = 6.0
"""A stretch is left out if its mean differs from the median of all stretches by more than STRETCH_LIMIT times their
scatter. Otherwise a cell with an outage of one day in the week would move its baseline by several spreads.
Ordinary weekends stay within the limit."""
STRETCH_SHARE = 0.2
"""Least scatter of stretches, in spreads of minutes: the standard error of a mean of some 25 independent minutes."""
STRETCHES_KNOWN = 8
"""Least number of stretches (one day) for the rejection. With fewer, no stretch is rejected."""

MINUTES_PER_INDEPENDENT = 8
"""Thinned minutes that carry as much information as one independent minute, because neighbouring residuals are
correlated. With 4 to 12, the fits of cells with 3 hours to 4 days of past come nearest to the fits of the same
cells on two weeks."""

KNOWN_SHARE = 0.5
"""Share of the largest minute count of any cell. A cell with fewer minutes does not contribute to the fleet's
statistics."""

SPREAD_HOURS = 8
"""Independent minutes of a cell that weigh as much as the fleet's spread: a guess. One independent minute stands for
8 thinned minutes, about an hour."""

PRIOR = np.array([1e-3] + [2.0] * 2 * HARMONICS)
"""Small ridge that keeps the fit of a feature with few values stable, before the fleet's statistics are known."""


@dataclass(frozen=True, kw_only=True)
class _CellFits:
    """Separate fits of some cells: normal equations, to be solved again with the fleet's prior."""

    normal: NDArray[np.float32]
    """# [C, F, K, K]"""
    right: NDArray[np.float32]
    """# [C, F, K]"""
    spread: NDArray[np.float32]
    """# [C, F]"""
    count: NDArray[np.int64]
    """Minutes used. # [C, F]"""


def fit_baseline(history: History, days: float = 7.0, rows_at_once: int = ROWS_AT_ONCE) -> Baseline:
    """Fit each cell's baseline to the last `days` of a history, and a fleet baseline for cells without their own.

    Memory is `rows_at_once` rows (cell-minutes), plus 15 kB a cell at 130 features. A feature that was never reported
    gets a baseline too, because it may be reported later. Raises HistoryError if no value was reported.
    """
    names = np.array([name.encode() for name in history.cells], np.bytes_)
    order = np.argsort(names)
    first = max(history.span[0], history.span[1] - int(days * 1440))
    minute = _thinned_minutes(first, history.span[1], history.catalogue.granularity)
    logarithmic = history.catalogue.logarithmic
    blocks = _read_cell_blocks(history, order, minute, rows_at_once)
    fits = []
    with progress("fitting baselines", len(names), "cells") as advance:
        for values in blocks:
            fits.append(_fit_cells(transform(values, logarithmic), minute))
            advance(len(values))
    if not any(fit.count.any() for fit in fits):
        raise HistoryError(
            f"the history holds no value of its {len(names)} cells from minute {first} to {history.span[1]}; a baseline"
            " needs some. Give a history with values."
        )
    table = _shrink_to_fleet(fits, _prior(minute), _per_independent(minute))
    table[:, 0] = np.sqrt(table[:, 0] ** 2 + (FLEET_SHARE * np.median(table[:, 0], axis=0)) ** 2 + FLOOR**2)
    fleet = np.median(table, axis=0)
    fleet[0] = np.sqrt(fleet[0] ** 2 + table[:, 1].std(axis=0) ** 2)  # it must cover the different levels of the cells
    whole = np.concatenate([table, fleet[None]])
    _refuse_overflow(whole, history.catalogue)
    return Baseline(names[order], whole.astype(np.float16, order="C"))


def _refuse_overflow(table: NDArray[np.floating], catalogue: Catalogue) -> None:
    """Refuse a feature whose coefficients half precision cannot hold: it would always deviate by the most.

    # [C + 1, 2 + 2·H, F]. Raises HistoryError.
    """
    largest = np.abs(table).max(axis=(0, 1))
    feature = int(np.argmax(largest))
    if not largest[feature] <= np.finfo(np.float16).max:
        raise HistoryError(
            f"feature {catalogue.names[feature]}: its usual value or spread reaches {largest[feature]:.3g}, and a"
            " baseline holds numbers up to 65,504; give it `transform: log1p` in the catalogue, or a larger unit."
        )


def _thinned_minutes(first: int, end: int, granularity: Granularity) -> NDArray[np.int64]:
    """Return the first minutes of the samples that the fit uses. # -> [m]"""
    period = granularity.period_minutes
    return np.arange(-(-first // period) * period, end, max(1, EVERY_MINUTES // period) * period)


def _per_independent(minute: NDArray[np.int64]) -> float:
    """Return the number of these minutes that carry as much information as one independent minute. # [m]"""
    return max(1.0, MINUTES_PER_INDEPENDENT * EVERY_MINUTES / _stride(minute))


def _stride(minute: NDArray[np.int64]) -> int:
    """Return the distance between the minutes that the fit uses. # [m]"""
    return int(minute[1] - minute[0]) if len(minute) > 1 else EVERY_MINUTES


def _read_cell_blocks(
    history: History, cells: NDArray[np.int64], minute: NDArray[np.int64], rows_at_once: int
) -> Iterator[NDArray[np.float32]]:
    """Yield these minutes of all cells, a few cells at a time. # [C], [m] -> [up to CELLS_AT_ONCE, m, F] each"""
    at_once = max(1, rows_at_once // len(minute))
    for first in range(0, len(cells), at_once):
        batch = cells[first : first + at_once]
        values = history.read(np.repeat(batch, len(minute)), np.tile(minute, len(batch)))
        values = values.reshape(len(batch), len(minute), -1)
        for start in range(0, len(batch), CELLS_AT_ONCE):
            yield values[start : start + CELLS_AT_ONCE]


def _prior(minute: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the ridge of each coefficient; a past of less than a day gets no harmonics. # [m] -> [K]"""
    whole_day = minute[-1] - minute[0] + _stride(minute) >= 1440
    return PRIOR if whole_day else np.array([PRIOR[0]] + [1e9] * 2 * HARMONICS)


def _fit_cells(values: NDArray[np.float32], minute: NDArray[np.int64]) -> _CellFits:
    """Fit some cells separately, on the minutes that remain after both rejections. # [cells, m, F], [m]"""
    basis, prior = day_basis(minute, HARMONICS), _prior(minute)
    present = np.ascontiguousarray(~np.isnan(values).swapaxes(1, 2))  # [cells, F, m]
    values = np.nan_to_num(np.ascontiguousarray(values.swapaxes(1, 2)))
    mask = present
    residual = _residual(basis, values, mask, prior)
    for _ in range(2):  # the first fit still includes the outlying stretches, and is biased towards them
        mask = present & _ordinary_mask(residual, present, _spread(residual, mask), minute)
        residual = _residual(basis, values, mask, prior)
    mask = mask & (np.abs(residual) <= TRIM * np.maximum(_spread(residual, mask), FLOOR)[..., None])
    residual = _residual(basis, values, mask, prior)
    normal, right = normal_equations(basis, values, mask)
    return _CellFits(normal=normal, right=right, spread=_spread(residual, mask), count=mask.sum(axis=2))


def normal_equations(
    basis: NDArray[np.float32], values: NDArray[np.float32], mask: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the normal equations of least squares over the masked minutes.

    A cell's result is bit-equal whichever other cells are in the call: there is one matrix product per cell, of [F, m]
    with [m, K²]. With one product over the rows of all cells, the last bits change with the number of cells (OpenBLAS'
    kernels for Nehalem, Haswell and Zen). The fit of 16 cells takes 0.91 to 1.04 times the processor time of the single
    product at 130 features, and 1.1 times at 6 (SkylakeX and Haswell kernels, one thread).

    # [m, K], [cells, F, m] twice -> [cells, F, K, K], [cells, F, K]
    """
    terms = basis.shape[1]
    weight = mask.astype(np.float32)
    products = (basis[:, :, None] * basis[:, None, :]).reshape(len(basis), -1)
    right: NDArray[np.float32] = np.matmul(values * weight, basis)
    return (weight @ products).reshape(*mask.shape[:2], terms, terms), right


def _residual(
    basis: NDArray[np.float32], values: NDArray[np.float32], mask: NDArray[np.bool_], prior: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Return all values minus a fit to the masked values. # -> [cells, F, m]"""
    normal, right = normal_equations(basis, values, mask)
    coefficients = np.linalg.solve(normal + np.diag(prior), right[..., None].astype(np.float64))[..., 0]
    return np.asarray(values - coefficients.astype(np.float32) @ basis.T)


def _ordinary_mask(
    residual: NDArray[np.float32], present: NDArray[np.bool_], spread: NDArray[np.float32], minute: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Return the mask of minutes in stretches whose mean is near the median of all stretches. # [cells, F, m]"""
    stretch = minute // STRETCH_MINUTES
    begins = np.flatnonzero(np.diff(stretch, prepend=stretch[0] - 1))
    count = np.add.reduceat(present, begins, axis=2, dtype=np.int32)
    mean = np.add.reduceat(residual * present, begins, axis=2) / np.maximum(count, 1)
    judged = count >= 3
    deviation = np.abs(mean - _median(mean, judged)[..., None])
    scatter = 1.4826 * _median(deviation, judged)  # the factor turns a median into a standard deviation, if normal
    limit = STRETCH_LIMIT * np.sqrt(scatter**2 + np.maximum(STRETCH_SHARE * spread, FLOOR) ** 2)
    outlying = judged & (deviation > limit[..., None]) & (judged.sum(axis=2) >= STRETCHES_KNOWN)[..., None]
    return ~np.repeat(outlying, np.diff(begins, append=len(minute)), axis=2)


def _median(values: NDArray[np.floating], judged: NDArray[np.bool_]) -> NDArray[np.floating]:
    """Return the median of the judged values, the upper of two middle values. # -> [cells, F]

    `np.nanmedian` takes thirty times as long.
    """
    in_order = np.sort(np.where(judged, values, np.inf), axis=2)
    middle = np.minimum(judged.sum(axis=2) // 2, values.shape[2] - 1)
    median = np.take_along_axis(in_order, middle[..., None], axis=2)[..., 0]
    return np.where(np.isfinite(median), median, 0)


def _spread(residual: NDArray[np.float32], mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return the root mean square over the masked minutes. # [cells, F, m] -> [cells, F]"""
    square = np.einsum("cfm,cfm,cfm->cf", residual, residual, mask.astype(np.float32))
    return np.sqrt(square / np.maximum(mask.sum(axis=2), 1)).astype(np.float32)


def _shrink_to_fleet(
    fits: Sequence[_CellFits], prior: NDArray[np.float64], per_independent: float
) -> NDArray[np.float64]:
    """Return every cell's spread, mean and harmonics, shrunk towards the statistics of cells with much data.

    Empirical Bayes: with a single coefficient, a cell with n minutes would weigh its own fit by n / (n + k), with
    k = `per_independent` · spread² / (variance of the coefficient over the fleet). # -> [C, 1 + K, F]
    """
    spread, count = (np.concatenate([getattr(fit, name) for fit in fits]) for name in ("spread", "count"))
    alone = np.concatenate([np.linalg.solve(fit.normal + np.diag(prior), fit.right[..., None])[..., 0] for fit in fits])
    known = (count > 0) & (count >= KNOWN_SHARE * count.max(axis=0))
    centre = _fleet_statistic(alone, known, 0.0, np.median)
    variance = _fleet_statistic(alone, known, 0.0, np.var) + FLOOR**2
    noise = _fleet_statistic(spread, known, 1.0, np.median)
    ridge = np.maximum(per_independent * (noise**2 + FLOOR**2)[:, None] / variance, prior)
    rows = []
    for fit in fits:
        inverse = np.linalg.inv(fit.normal + ridge[..., None] * np.eye(len(prior)))  # [cells, F, K, K]
        coefficients = (inverse @ (fit.right + ridge * centre)[..., None])[..., 0]
        uncertainty = (
            per_independent * noise**2 * np.einsum("cfkk,k->cf", inverse, [1.0] + [0.5] * 2 * HARMONICS)
        )  # day's mean
        share = fit.count / (fit.count + per_independent * SPREAD_HOURS)
        square = share * fit.spread**2 + (1 - share) * noise**2 + uncertainty
        rows.append(np.concatenate([np.sqrt(square)[..., None], coefficients], axis=2).swapaxes(1, 2))
    return np.concatenate(rows)


def _fleet_statistic(
    values: NDArray[np.floating], known: NDArray[np.bool_], default: float, statistic: Callable[..., Any]
) -> NDArray[np.float64]:
    """Return a statistic over the cells for which a feature is known. # [C, F, ...], [C, F] -> [F, ...]"""
    result = np.full(values.shape[1:], default)
    for feature in np.flatnonzero(known.any(axis=0)).tolist():
        result[feature] = statistic(values[known[:, feature], feature], axis=0)
    return result
