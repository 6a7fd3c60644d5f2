"""Latency of a poll, from its oldest record's timestamp on, as far as a timestamp can be when a record was written.

A producer may stamp a record with anything: the minute that it reports, zero, another zone's clock. A timestamp from
before the daemon's start measures how long there was no daemon.
"""

import numpy as np
from numpy.typing import NDArray

from detector.core.features import WINDOW

ABSENT, FUTURE, PAST = IGNORED = ("absent", "future", "past")
"""Reasons why a record does not count."""

CLOCK_SKEW_SECONDS = 60
"""Largest lead of a producer's clock; the latency is then 0. Clocks in the field differ by seconds."""


class LatencyMeter:
    """Measure of latencies. The caller passes the time in, in seconds since 1970."""

    def __init__(self, now: float) -> None:
        self._earliest = now
        """Time before which no unread record was written."""

    def set_caught_up(self, now: float) -> None:
        """Note that no record is unread. One that comes later and is older by more than a window was not waiting here.

        The window is a sender's delay that still counts.
        """
        self._earliest = max(self._earliest, now - WINDOW * 60)

    def measure(self, timestamps_ms: NDArray[np.int64], now: float) -> tuple[float | None, dict[str, int]]:
        """Return the latency of the oldest record that counts, if one does, and the number that do not, by reason."""
        seconds = timestamps_ms / 1000
        is_absent = timestamps_ms <= 0
        is_future = seconds > now + CLOCK_SKEW_SECONDS
        is_past = ~is_absent & (seconds < self._earliest)
        ignored = {ABSENT: int(is_absent.sum()), FUTURE: int(is_future.sum()), PAST: int(is_past.sum())}
        counting = seconds[~(is_absent | is_future | is_past)]
        return (max(0.0, now - float(counting.min())) if len(counting) else None), ignored
