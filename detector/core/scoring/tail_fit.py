"""How far ordinary life reaches: the largest scores of two hours, which fall off about exponentially.

The past they are measured on holds faults that nobody labelled. One in a cell reaches deep into the rarest 1 %, hardly
above it; one of a whole region fills it, and would hide its class for good: moments at which far more is loud than
usually are left out. Measured at two operators (672 cells, two days to calibrate on, two to judge, three sets of ten
taught episodes, 5 false alarms promised): named right .44 and .40 with all moments, .51 and .46 so, and .53 and .46 by
a past without any fault; false alarms 6.9 and 2.7, 7.2 and 4.2, 6.7 and 4.0.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

TWO_HOURS = 120

TAIL, FAR_TAIL = 0.05, 0.01
"""Shares of two-hour maxima above a class's location, 600 per 1,000 cells and day, and above the level that says how
fast they fall off."""

FEWEST = (5, 1)
"""Maxima that may lie above each, however few there are."""

FLOOR, CEILING = -8.0, 40.0
"""Scores are clipped here: an hour far from a fault must not outweigh its first minutes, nor one minute an hour."""

CROWD, CROWD_SHARE, CROWD_COUNT = 4.0, 0.04, 4
"""A moment is left out when so many times the usual share of its stretches reach the rarest 1 %, at least this share of
them, and at least so many."""


@dataclass(frozen=True)
class TailFit:
    """Per column: the level that ordinary life rarely passes, and by how much it does when it does."""

    location: NDArray[np.float32]
    scale: NDArray[np.float32]

    def standardise(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Clipped. # [..., C] -> [..., C]"""
        return np.clip((values - self.location) / self.scale, FLOOR, CEILING)


def fit_tail(smooth: NDArray[np.float32], ends: NDArray[np.int64]) -> TailFit:
    """An exponential through two quantiles of the stretches' maxima: what lies beyond the second, a fault perhaps, has
    no say, as far out as it may lie. # [S, T, C], [S] minutes -> of [C]
    """
    peaks = smooth.max(axis=1)
    usual = _usual(peaks, ends)
    levels = np.array([_levels(np.sort(peaks[usual[:, c], c])) for c in range(peaks.shape[1])], np.float32)
    first, second = levels.reshape(-1, 2).T
    scale = np.maximum((second - first) / np.log(TAIL / FAR_TAIL), 1e-2)
    return TailFit(first, scale.astype(np.float32))


def _levels(ordered: NDArray[np.float32]) -> list[float]:
    """What 5 % of these lie above, and 1 %. # [n], ascending"""
    above = (max(least, round(part * len(ordered))) for part, least in zip((TAIL, FAR_TAIL), FEWEST, strict=True))
    return [float(ordered[-min(count, len(ordered) - 1) - 1]) for count in above]


def _usual(peaks: NDArray[np.float32], ends: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which stretches end at a moment when, for this column, no more was loud than usually is. # [S, C], [S] -> [S, C]

    The usual share is the mean of the quieter half of the moments.
    """
    moments, moment = np.unique(ends // TWO_HOURS, return_inverse=True)
    loud = peaks > np.quantile(peaks, 1 - FAR_TAIL, axis=0)
    count = np.zeros((len(moments), peaks.shape[1]))
    np.add.at(count, moment, loud)
    share = count / np.bincount(moment)[:, None]
    usual = np.sort(share, axis=0)[: (len(moments) + 1) // 2].mean(axis=0)
    crowded = (share > np.maximum(CROWD * usual, CROWD_SHARE)) & (count >= CROWD_COUNT)
    return np.asarray(~crowded[moment])
