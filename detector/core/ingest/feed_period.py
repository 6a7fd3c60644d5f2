"""Period of a feed, as its records show it: the usual distance between two times of a cell."""

from collections import Counter, deque
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

CELLS = 64
"""Cells that are followed: as many as show the period within two of their samples, and few enough to cost nothing."""

DISTANCES = 512
"""Distances that are remembered, the latest ones."""

FEWEST = 5
"""Distances before a period is told: a cell that was away for a while shows one that is not the feed's."""

LEAST_SHARE = 0.6
"""Share of the distances that must be equal. Feeds lose samples, and a lost one doubles a distance."""


def _whole(minutes: float) -> float:
    """Round to whole minutes, or to whole seconds where it is less: senders' clocks jitter."""
    return float(round(minutes)) if minutes > 0.75 else round(minutes * 60) / 60


class PeriodMeter:
    """Meter of the distance between two samples of a cell, in minutes."""

    def __init__(self) -> None:
        self._latest: dict[str, float] = {}
        self._distances: deque[float] = deque(maxlen=DISTANCES)

    def observe(self, cells: Sequence[str], minutes: NDArray[np.float64]) -> None:
        """Note the times of records, in the order of the log. # [n] each"""
        latest = self._latest
        for cell, minute in zip(cells, minutes.tolist(), strict=True):
            if cell in latest:
                if minute > latest[cell]:
                    self._distances.append(_whole(minute - latest[cell]))
                    latest[cell] = minute
            elif len(latest) < CELLS:
                latest[cell] = minute

    def period(self) -> float | None:
        """Return the usual distance in minutes; None while too little was seen, or no distance is usual."""
        if len(self._distances) < FEWEST:
            return None
        distance, count = Counter(self._distances).most_common(1)[0]
        return distance if count >= LEAST_SHARE * len(self._distances) else None
