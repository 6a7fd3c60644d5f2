"""What is usual for each cell at each time of day, fitted to a stretch of its past: a mean, two harmonics, a spread.

Least squares on a thinned past, three times over: without stretches of hours in which the cell was not itself, without
what lies beyond three spreads, so that a fault inside the history does not become usual; and then drawn towards what
is usual in the fleet, the more the less the cell has told.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector.core.features import Baseline, day_basis, transform
from detector.history.parquet import HistoryError
from trainer.data.history import History

HARMONICS = 2
"""Day and half day. On the week after two weeks of three networks a third and fourth take half a percent off what is
left over, a profile of the weekend's own up to two; one-shot macro-F1 changes by .004 at most, either way."""

EVERY_MINUTES = 7
"""Thinning of the past: neighbouring minutes say little new. Odd, so that every minute of the hour is met."""

CELLS_AT_ONCE = 16
"""Fitted together: a few tens of megabytes of their minutes, several times over."""

ROWS_AT_ONCE = CELLS_AT_ONCE * 1440
"""Read together, where a history does no better with more: a thinned week of the cells that are fitted together."""

FLEET_SHARE = 0.25
FLOOR = 1e-2
"""spread² = own² + (¼ of the fleet's median)² + 0.01²: a feature that hardly moves in one cell is no needle there."""

TRIM = 3.0

STRETCH_MINUTES = 180
STRETCH_LIMIT = 6.0
"""A stretch counts no more whose mean lies so many times the usual scatter of stretches away. A cell that was out for
a day of the week would else move what is usual by several spreads; ordinary weekends stay within."""
STRETCH_SHARE = 0.2
"""Least scatter of stretches, in spreads of minutes: that of the mean of some 25 that do not know of each other."""
STRETCHES_KNOWN = 8
"""A day of them: of fewer nobody can say which is strange."""

HOUR = 8
"""Thinned minutes that say as much about the usual as one would, did neighbours not err alike. Between 4 and 12, cells
with 3 hours to 4 days of past come nearest to what their own two weeks would give."""

KNOWN_SHARE = 0.5
"""Of the most minutes any cell told of a feature: with fewer a cell has no say in what is usual in the fleet."""

SPREAD_HOURS = 8
"""Of a cell's own, that weigh as much as the fleet's spread: a guess."""

PRIOR = np.array([1e-3] + [2.0] * 2 * HARMONICS)
"""A little ridge, which holds a feature hardly ever seen, until the fleet is known."""


@dataclass(frozen=True)
class _Fits:
    """What cells say for themselves: normal equations, so that they can be solved again with what others say."""

    normal: NDArray[np.float32]
    """# [C, F, K, K]"""
    right: NDArray[np.float32]
    """# [C, F, K]"""
    spread: NDArray[np.float32]
    """# [C, F]"""
    count: NDArray[np.int64]
    """Minutes that went into them. # [C, F]"""


def fit_baseline(history: History, days: float = 7.0, rows_at_once: int = ROWS_AT_ONCE) -> Baseline:
    """Fits every cell's baseline to the last `days` of a history, and the fleet's for cells that have none.

    Memory is `rows_at_once` minutes of cells, and 15 kB a cell at 130 features. A feature that was never reported is
    usual as nothing is, for it may be reported one day. Raises HistoryError where none was.
    """
    names = np.array([name.encode() for name in history.cells], np.bytes_)
    order = np.argsort(names)
    first = max(history.span[0], history.span[1] - int(days * 1440))
    minute = np.arange(first, history.span[1], EVERY_MINUTES)
    logarithmic = history.catalogue.logarithmic
    fits = [_fit(transform(values, logarithmic), minute) for values in _pasts(history, order, minute, rows_at_once)]
    if not any(fit.count.any() for fit in fits):
        raise HistoryError(
            f"not one value was reported by {len(names)} cells from minute {first} to {history.span[1]}; give a history"
            " that holds some."
        )
    table = _drawn_to_the_fleet(fits, _prior(minute))
    table[:, 0] = np.sqrt(table[:, 0] ** 2 + (FLEET_SHARE * np.median(table[:, 0], axis=0)) ** 2 + FLOOR**2)
    fleet = np.median(table, axis=0)
    fleet[0] = np.sqrt(fleet[0] ** 2 + table[:, 1].std(axis=0) ** 2)  # it must span the fleet's levels
    return Baseline(names[order], np.concatenate([table, fleet[None]]).astype(np.float16, order="C"))


def _pasts(
    history: History, cells: NDArray[np.int64], minute: NDArray[np.int64], rows_at_once: int
) -> Iterator[NDArray[np.float32]]:
    """These minutes of all cells, a few cells at a time. # cells [C], minute [m] -> [up to CELLS_AT_ONCE, m, F] each"""
    at_once = max(1, rows_at_once // len(minute))
    for first in range(0, len(cells), at_once):
        part = cells[first : first + at_once]
        values = history.read(np.repeat(part, len(minute)), np.tile(minute, len(part)))
        values = values.reshape(len(part), len(minute), -1)
        for start in range(0, len(part), CELLS_AT_ONCE):
            yield values[start : start + CELLS_AT_ONCE]


def _prior(minute: NDArray[np.int64]) -> NDArray[np.float64]:
    """Ridge of each coefficient: a past of less than a day has no profile of the day."""
    whole_day = minute[-1] - minute[0] + EVERY_MINUTES >= 1440
    return PRIOR if whole_day else np.array([PRIOR[0]] + [1e9] * 2 * HARMONICS)


def _fit(values: NDArray[np.float32], minute: NDArray[np.int64]) -> _Fits:
    """# [cells, m, F], [m]"""
    basis, prior = day_basis(minute, HARMONICS), _prior(minute)
    present = np.ascontiguousarray(~np.isnan(values).swapaxes(1, 2))  # [cells, F, m]
    told = np.nan_to_num(np.ascontiguousarray(values.swapaxes(1, 2)))
    kept = present
    residual = _left_over(basis, told, kept, prior)
    for _ in range(2):  # the first time, what is usual is itself drawn towards what is strange
        kept = present & _ordinary(residual, present, _spread(residual, kept), minute)
        residual = _left_over(basis, told, kept, prior)
    kept = kept & (np.abs(residual) <= TRIM * np.maximum(_spread(residual, kept), FLOOR)[..., None])
    residual = _left_over(basis, told, kept, prior)
    return _Fits(*normal_equations(basis, told, kept), _spread(residual, kept), kept.sum(axis=2))


def normal_equations(
    basis: NDArray[np.float32], told: NDArray[np.float32], kept: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Normal equations of least squares over the minutes kept: a cell's are the same bits beside any other cells.

    One matrix product per cell, of [F, m] with [m, K²]. One product over the rows of all cells has other last bits for
    another number of cells, with OpenBLAS' kernels for Nehalem, Haswell and Zen. The fit of 16 cells takes 0.91 to 1.04
    times the processor time of that at 130 features, and 1.1 times at 6 (SkylakeX and Haswell kernels, one thread).

    # [m, K], [cells, F, m] twice -> [cells, F, K, K], [cells, F, K]
    """
    terms = basis.shape[1]
    weight = kept.astype(np.float32)
    products = (basis[:, :, None] * basis[:, None, :]).reshape(len(basis), -1)
    normal = (weight @ products).reshape(*kept.shape[:2], terms, terms)
    return normal, np.asarray((told * weight) @ basis, np.float32)


def _left_over(
    basis: NDArray[np.float32], told: NDArray[np.float32], kept: NDArray[np.bool_], prior: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Of what was told, when the usual is fitted to what is kept. # -> [cells, F, m]"""
    normal, right = normal_equations(basis, told, kept)
    usual = np.linalg.solve(normal + np.diag(prior), right[..., None].astype(np.float64))[..., 0]
    return np.asarray(told - usual.astype(np.float32) @ basis.T)


def _ordinary(
    residual: NDArray[np.float32], present: NDArray[np.bool_], spread: NDArray[np.float32], minute: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """The minutes that lie in a stretch whose mean is like the other stretches'. # [cells, F, m]"""
    stretch = minute // STRETCH_MINUTES
    begins = np.flatnonzero(np.diff(stretch, prepend=stretch[0] - 1))
    count = np.add.reduceat(present, begins, axis=2, dtype=np.int32)
    mean = np.add.reduceat(residual * present, begins, axis=2) / np.maximum(count, 1)
    judged = count >= 3
    away = np.abs(mean - _median(mean, judged)[..., None])
    scatter = 1.4826 * _median(away, judged)  # that many medians are a standard deviation, were they normal
    limit = STRETCH_LIMIT * np.sqrt(scatter**2 + np.maximum(STRETCH_SHARE * spread, FLOOR) ** 2)
    strange = judged & (away > limit[..., None]) & (judged.sum(axis=2) >= STRETCHES_KNOWN)[..., None]
    return ~np.repeat(strange, np.diff(begins, append=len(minute)), axis=2)


def _median(values: NDArray[np.floating], judged: NDArray[np.bool_]) -> NDArray[np.floating]:
    """Of the judged, the upper one of two; numpy's own, with holes, takes thirty times as long. # -> [cells, F]"""
    in_order = np.sort(np.where(judged, values, np.inf), axis=2)
    middle = np.minimum(judged.sum(axis=2) // 2, values.shape[2] - 1)
    median = np.take_along_axis(in_order, middle[..., None], axis=2)[..., 0]
    return np.where(np.isfinite(median), median, 0)


def _spread(residual: NDArray[np.float32], kept: NDArray[np.bool_]) -> NDArray[np.float32]:
    """# [cells, F, m] -> [cells, F]"""
    square = np.einsum("cfm,cfm,cfm->cf", residual, residual, kept.astype(np.float32))
    return np.sqrt(square / np.maximum(kept.sum(axis=2), 1)).astype(np.float32)


def _drawn_to_the_fleet(fits: Sequence[_Fits], prior: NDArray[np.float64]) -> NDArray[np.float64]:
    """Every cell's spread, mean and harmonics, as likely as they are among cells that are well known.

    Empirical Bayes: were there one coefficient, a cell with n minutes would have n / (n + k) of its own, with
    k = HOUR · spread² / (variance of the coefficient over the fleet). # -> [C, 1 + K, F]
    """
    spread, count = (np.concatenate([getattr(fit, name) for fit in fits]) for name in ("spread", "count"))
    own = np.concatenate([np.linalg.solve(fit.normal + np.diag(prior), fit.right[..., None])[..., 0] for fit in fits])
    known = (count > 0) & (count >= KNOWN_SHARE * count.max(axis=0))
    usual, variance = _among(own, known, 0.0, np.median), _among(own, known, 0.0, np.var) + FLOOR**2
    noise = _among(spread, known, 1.0, np.median)
    ridge = np.maximum(HOUR * (noise**2 + FLOOR**2)[:, None] / variance, prior)
    rows = []
    for fit in fits:
        inverse = np.linalg.inv(fit.normal + ridge[..., None] * np.eye(len(prior)))  # [cells, F, K, K]
        coefficients = (inverse @ (fit.right + ridge * usual)[..., None])[..., 0]
        doubt = HOUR * noise**2 * np.einsum("cfkk,k->cf", inverse, [1.0] + [0.5] * 2 * HARMONICS)  # mean over the day
        told = fit.count / (fit.count + HOUR * SPREAD_HOURS)
        square = told * fit.spread**2 + (1 - told) * noise**2 + doubt
        rows.append(np.concatenate([np.sqrt(square)[..., None], coefficients], axis=2).swapaxes(1, 2))
    return np.concatenate(rows)


def _among(
    values: NDArray[np.floating], known: NDArray[np.bool_], unknown: float, figure: Callable[..., Any]
) -> NDArray[np.float64]:
    """A figure over the cells of which a feature is known. # [C, F, ...], [C, F] -> [F, ...]"""
    told = np.full(values.shape[1:], unknown)
    for feature in np.flatnonzero(known.any(axis=0)).tolist():
        told[feature] = figure(values[known[:, feature], feature], axis=0)
    return told
