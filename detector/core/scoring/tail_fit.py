"""Tail fit: the reach of normal life, from the largest scores of two hours, which fall off about exponentially.

The history holds faults that nobody labelled. A fault in one cell reaches deep into the rarest 1 %, hardly above it. A
fault of a whole region fills it, and would hide its class for good: moments with far more loud cells than usual are
left out.

Measured at two operators (672 cells, two days to calibrate on, two to judge, three sets of ten taught episodes, 5 false
alarms promised). Named right: .44 and .40 with all moments, .51 and .46 without the crowded ones, .53 and .46 with a
history free of faults. False alarms: 6.9 and 2.7, 7.2 and 4.2, 6.7 and 4.0.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

TWO_HOURS = 120

TAIL, FAR_TAIL = 0.05, 0.01
"""Shares of two-hour maxima above two levels. TAIL: a class's location, 600 per 1,000 cells and day. FAR_TAIL: the
level from which the rate of decay follows."""

FEWEST = (5, 1)
"""Minimal number of maxima above each level, however few there are."""

FLOOR, CEILING = -8.0, 40.0
"""Scores are clipped here: an hour far from a fault must not outweigh its first minutes, nor one minute an hour."""

CROWD, CROWD_SHARE, CROWD_COUNT = 4.0, 0.04, 4
"""A moment is left out when its stretches in the rarest 1 % are CROWD times the usual share, at least CROWD_SHARE of
its stretches, and at least CROWD_COUNT."""


@dataclass(frozen=True)
class TailFit:
    """Fit of each column: the level that normal life rarely exceeds, and the scale of the excess."""

    location: NDArray[np.float32]
    scale: NDArray[np.float32]

    def standardise(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the excess over the location in scales, clipped. # [..., C] -> [..., C]"""
        return np.clip((values - self.location) / self.scale, FLOOR, CEILING)


def fit_tail(smooth: NDArray[np.float32], ends: NDArray[np.int64]) -> TailFit:
    """Fit an exponential through two quantiles of the stretches' maxima.

    Values beyond the second quantile, faults perhaps, have no influence, however far out they lie.

    # [S, T, C], [S] minutes -> of [C]
    """
    peaks = smooth.max(axis=1)
    is_usual = _is_usual(peaks, ends)
    levels = np.array([_levels(np.sort(peaks[is_usual[:, c], c])) for c in range(peaks.shape[1])], np.float32)
    location, far_level = levels.reshape(-1, 2).T
    scale = np.maximum((far_level - location) / np.log(TAIL / FAR_TAIL), 1e-2)
    return TailFit(location, scale.astype(np.float32))


def _levels(peaks: NDArray[np.float32]) -> list[float]:
    """Return the levels that 5 % and 1 % of the peaks exceed. # [n], ascending"""
    counts = (max(least, round(part * len(peaks))) for part, least in zip((TAIL, FAR_TAIL), FEWEST, strict=True))
    return [float(peaks[-min(count, len(peaks) - 1) - 1]) for count in counts]


def _is_usual(peaks: NDArray[np.float32], ends: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return True for stretches that end at a moment with no more loud ones than usual. # [S, C], [S] -> [S, C]

    The usual share is the mean of the quieter half of the moments.
    """
    moments, moment = np.unique(ends // TWO_HOURS, return_inverse=True)
    is_loud = peaks > np.quantile(peaks, 1 - FAR_TAIL, axis=0)
    count = np.zeros((len(moments), peaks.shape[1]))
    np.add.at(count, moment, is_loud)
    share = count / np.bincount(moment)[:, None]
    usual_share = np.sort(share, axis=0)[: (len(moments) + 1) // 2].mean(axis=0)
    is_crowded = (share > np.maximum(CROWD * usual_share, CROWD_SHARE)) & (count >= CROWD_COUNT)
    return np.asarray(~is_crowded[moment])
