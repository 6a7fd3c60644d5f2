"""What is usual for each cell at each time of day, fitted to a stretch of its past: a mean, two harmonics, a spread.

Least squares on a thinned past; then once more without what lies beyond three spreads, so that a fault inside the
history does not become usual.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from detector.core.features import Baseline, day_basis, transform
from trainer.history import History

HARMONICS = 2
"""Day and half day. A third adds less than the week's difference that none of them sees."""

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


def fit_baseline(history: History, days: float = 7.0, rows_at_once: int = ROWS_AT_ONCE) -> Baseline:
    """Fits every cell's baseline to the last `days` of a history, and the fleet's for cells that have none.

    Memory is `rows_at_once` minutes of cells, and a few megabytes for each of CELLS_AT_ONCE.
    """
    names = np.array([name.encode() for name in history.cells], np.bytes_)
    order = np.argsort(names)
    first = max(history.span[0], history.span[1] - int(days * 1440))
    minute = np.arange(first, history.span[1], EVERY_MINUTES)
    logarithmic = history.catalogue.logarithmic
    fits = [_fit(transform(values, logarithmic), minute) for values in _pasts(history, order, minute, rows_at_once)]
    table = _filled(np.concatenate(fits))
    table[:, 0] = np.sqrt(table[:, 0] ** 2 + (FLEET_SHARE * np.median(table[:, 0], axis=0)) ** 2 + FLOOR**2)
    fleet = np.median(table, axis=0)
    fleet[0] = np.sqrt(fleet[0] ** 2 + table[:, 1].std(axis=0) ** 2)  # it must span the fleet's levels
    return Baseline(names[order], np.concatenate([table, fleet[None]]).astype(np.float16, order="C"))


def _filled(table: NDArray[np.float32]) -> NDArray[np.float32]:
    """A feature that a cell never reported is usual there as in the fleet; one that nobody did, as nothing."""
    fleet = np.zeros(table.shape[1:], np.float32)
    fleet[0] = 1
    known = ~np.isnan(table).all(axis=0)
    fleet[known] = np.nanmedian(table[:, known], axis=0)
    return np.where(np.isnan(table), fleet, table)


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


def _fit(values: NDArray[np.float32], minute: NDArray[np.int64]) -> NDArray[np.float32]:
    """# [cells, m, F], [m] -> [cells, 2 + 2·H, F]"""
    basis = day_basis(minute, HARMONICS)
    present = ~np.isnan(values)
    coefficients = _solve(basis, values, present)
    residual = values - np.einsum("mh,chf->cmf", basis, coefficients)
    spread = _spread(residual, present)
    present &= np.abs(np.nan_to_num(residual)) <= TRIM * np.maximum(spread, FLOOR)[:, None]
    coefficients = _solve(basis, values, present)
    residual = values - np.einsum("mh,chf->cmf", basis, coefficients)
    fitted = np.concatenate([_spread(residual, present)[:, None], coefficients], axis=1)
    reported = np.asarray(present.any(axis=1))
    return np.where(reported[:, None], fitted, np.nan).astype(np.float32)


def _solve(basis: NDArray[np.float32], values: NDArray[np.float32], present: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Least squares per cell and feature over the minutes present; a little ridge holds a feature hardly ever seen."""
    weight = present.astype(np.float32)
    products = (basis[:, :, None] * basis[:, None, :]).reshape(len(basis), -1)
    normal = np.einsum("cmf,mk->cfk", weight, products, optimize=True)
    normal = normal.reshape(*normal.shape[:2], basis.shape[1], basis.shape[1]).astype(np.float64)
    normal += np.eye(basis.shape[1]) * np.array([1e-3] + [2.0] * (basis.shape[1] - 1))
    right = np.einsum("cmf,mh->cfh", np.nan_to_num(values) * weight, basis, optimize=True).astype(np.float64)
    return np.linalg.solve(normal, right[..., None])[..., 0].swapaxes(1, 2)


def _spread(residual: NDArray[np.floating], present: NDArray[np.bool_]) -> NDArray[np.float64]:
    square = np.where(present, np.nan_to_num(residual) ** 2, 0).sum(axis=1)
    return np.sqrt(square / np.maximum(present.sum(axis=1), 1))
