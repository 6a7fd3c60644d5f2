"""Exponential tail fit to two-hour maxima of scores on normal data.

The history contains unlabelled faults. A single-cell fault affects hardly more than the top 1 % of maxima. A regional
fault fills the top 1 % and would raise that class's threshold permanently. So moments with far more high-scoring cells
than usual are excluded.

Measured at two operators (672 cells, two days for calibration, two for evaluation, three sets of ten taught episodes, a
budget of 5 false alarms). Share of episodes named correctly: .44 and .40 with all moments, .51 and .46 without the
crowded moments, .53 and .46 with a history free of faults. False alarms: 6.9 and 2.7, 7.2 and 4.2, 6.7 and 4.0.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

TWO_HOURS = 120

TAIL, FAR_TAIL = 0.05, 0.01
"""Shares of two-hour maxima above two levels. TAIL defines the location: exceeded by 5 % of two-hour maxima, i.e. 600
times per 1,000 cells and day. FAR_TAIL defines, together with the location, the scale of the decay."""

FEWEST = (5, 1)
"""Smallest number of maxima above each level, for a history with few maxima."""

FLOOR, CEILING = -8.0, 40.0
"""Limits to which scores are clipped: an hour far from a fault must not outweigh its first minutes, nor one minute an
hour."""

CROWD, CROWD_SHARE, CROWD_COUNT = 4.0, 0.04, 4
"""A moment is excluded when its stretches in the top 1 % are CROWD times the usual share, at least CROWD_SHARE of
its stretches, and at least CROWD_COUNT."""


@dataclass(frozen=True)
class TailFit:
    """Location and scale of each column: the level that normal data rarely exceed, and the scale of the excess."""

    location: NDArray[np.float32]
    scale: NDArray[np.float32]

    def standardise(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the excess over the location in scales, clipped. # [..., C] -> [..., C]"""
        return np.clip((values - self.location) / self.scale, FLOOR, CEILING)


def fit_tail(smooth: NDArray[np.float32], ends: NDArray[np.int64]) -> TailFit:
    """Fit an exponential through two quantiles of the stretches' maxima.

    Values beyond the second quantile may be faults; their size has no influence on the fit.

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
    """Return True for stretches that end at a moment with no more high peaks than usual. # [S, C], [S] -> [S, C]

    The usual share is the mean over the half of the moments with the fewest high peaks.
    """
    moments, moment = np.unique(ends // TWO_HOURS, return_inverse=True)
    is_high = peaks > np.quantile(peaks, 1 - FAR_TAIL, axis=0)
    count = np.zeros((len(moments), peaks.shape[1]))
    np.add.at(count, moment, is_high)
    share = count / np.bincount(moment)[:, None]
    usual_share = np.sort(share, axis=0)[: (len(moments) + 1) // 2].mean(axis=0)
    is_crowded = (share > np.maximum(CROWD * usual_share, CROWD_SHARE)) & (count >= CROWD_COUNT)
    return np.asarray(~is_crowded[moment])
