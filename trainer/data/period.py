"""Period of samples as their times show it: the distance between the successive samples of a cell."""

import numpy as np
from numpy.typing import NDArray

FREQUENT_SHARE = 0.2
"""Least share of the distances that are the period. The parts of a sample of rows lie apart, and a cell that is silent
now and then has longer distances: the shortest frequent one is the period."""


def sample_distances(cells: NDArray[np.int64], seconds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the seconds between successive samples of each cell, in any order of the rows. # [n], [n] -> [m]

    Rows with a negative cell or without a time count as absent, samples of one time as one.
    """
    known = (cells >= 0) & ~np.isnan(seconds)
    cells, seconds = cells[known], seconds[known]
    order = np.lexsort((seconds, cells))
    cells, seconds = cells[order], seconds[order]
    distances = np.diff(seconds)[cells[1:] == cells[:-1]]
    return distances[distances > 0]


def frequent_minutes(distances: NDArray[np.float64]) -> int | None:
    """Return the shortest frequent distance in minutes, at least 1; None without a distance. # seconds [m]"""
    if not len(distances):
        return None
    minutes, counts = np.unique(np.maximum(1, np.rint(distances / 60)), return_counts=True)
    return int(minutes[counts >= min(FREQUENT_SHARE * counts.sum(), counts.max())].min())
