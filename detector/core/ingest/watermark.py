"""Watermark of a partition: the newest minute that enough of its cells have reached.

The wall clock is never read, so that a replay of the same records gives the same watermark. The minute of every record
is a claim, also of a record that is refused for its minute. So one wrong clock is outvoted, and a whole network that
returns after hours is accepted. With one or two cells there is no majority against a wrong clock. With three or more
cells, one wrong clock does not move the watermark, unless no other cell reports for a day.
"""

import numpy as np
from numpy.typing import NDArray

from detector.core.ingest.checkpoint import RestorePoints, WatermarkState

UNSET = -1
"""No minute yet: smaller than every minute."""

STREAK = 60
"""Records in a row of a few live cells, fewer than a quorum, that are accepted against all silent cells."""

LONE_STREAK_MINUTES = 1440
"""Length of the streak for a single cell, in minutes at one record per period: a day.

Two cases look alike in the log: the cell is the only live one, or its clock is wrong and it sends its buffer. Accepting
a wrong clock loses the windows of all other cells without any sign. Refusing a live cell stops the partition, and that
is visible in the watermark and in the refused records. So a buffer of hours must not be enough.
"""


def quorum(cells: int, quorum_cells: int) -> int:
    """Return how many of `cells` must reach a minute before the watermark does: half, at most `quorum_cells`."""
    return max(1, min((cells + 1) // 2, quorum_cells))


class Watermark:
    """Quorum over the claims of one partition's cells.

    All partitions share the array `claims`, by row; each partition has its own set of counted cells.
    """

    def __init__(
        self, claims: NDArray[np.int64], quorum_cells: int, ahead_minutes: int, period_minutes: int = 1
    ) -> None:
        self._claims = claims
        self._lone_streak = LONE_STREAK_MINUTES // period_minutes
        self._quorum_cells = quorum_cells
        self._ahead_minutes = ahead_minutes
        self._is_counted = np.zeros(len(claims), bool)
        self._cell_count = 0
        self._claims_beyond = 0
        """Counted claims beyond `minute`; fewer than the quorum, by the definition of `minute`."""
        self._needs_recount = False
        """True when cells expired since `minute` was computed."""
        self._streak: list[int] = []
        """Rows of the latest records since `minute` last moved, while every record was too far ahead."""
        self.minute: int | None = None
        self.restore_points = RestorePoints()

    @property
    def cell_count(self) -> int:
        """Number of cells whose claims count."""
        return self._cell_count

    def counted_rows(self) -> NDArray[np.int64]:
        """Return the rows whose claims count."""
        return np.flatnonzero(self._is_counted)

    def restore(self, state: WatermarkState, rows: NDArray[np.int64]) -> None:
        """Continue from a predecessor's state; the claims of these rows count."""
        self.minute = None if state.minute == UNSET else state.minute
        self._is_counted[rows] = True
        self._cell_count, self._needs_recount = len(rows), True
        self._claims_beyond = int(np.count_nonzero(self._claims[rows] > state.minute))
        self.restore_points.add(state)

    def run_length(self, rows: NDArray[np.int64], minute: NDArray[np.int64]) -> int:
        """Return how many of these records leave the watermark unmoved, plus the one that may move it: at least 1.

        All records must be of different cells. # [n], [n]
        """
        if self.minute is None or self._needs_recount:
            return 1
        if self._quorum < self._quorum_cells:
            is_new = ~self._is_counted[rows]
            if is_new[0]:
                return 1
            if is_new.any():
                return self._run_length_of_counted(rows[: np.argmax(is_new)], minute[: np.argmax(is_new)])
        return self._run_length_of_counted(rows, minute)

    def _run_length_of_counted(self, rows: NDArray[np.int64], minute: NDArray[np.int64]) -> int:
        assert self.minute is not None
        before = np.where(self._is_counted[rows], self._claims[rows], UNSET)
        after = self._updated_claims(before, minute)
        change = (after > self.minute).astype(np.int64) - (before > self.minute)
        stops = (self._claims_beyond + np.cumsum(change) >= self._quorum) | (after < before)
        is_ahead = minute > self.minute + self._ahead_minutes
        if is_ahead.any():
            stops |= is_ahead & self._streak_ends(rows, is_ahead)
        return int(np.argmax(stops)) + 1 if stops.any() else len(rows)

    def observe(self, rows: NDArray[np.int64], minute: NDArray[np.int64]) -> bool:
        """Count the claims of `run_length` records, and return whether the watermark rose. # [n], [n]"""
        was_counted = self._is_counted[rows]
        before = np.where(was_counted, self._claims[rows], UNSET)
        after = self._updated_claims(before, minute)
        self._claims[rows] = after
        self._is_counted[rows] = True
        self._cell_count += int(np.count_nonzero(~was_counted))
        previous = self.minute
        streak_accepted = self._accept_streak(rows, minute)
        if previous is not None:
            self._claims_beyond += int(np.count_nonzero(after > previous) - np.count_nonzero(before > previous))
        must_recount = streak_accepted or self._needs_recount or not was_counted.all() or bool((after < before).any())
        if previous is None or must_recount or self._claims_beyond >= self._quorum:
            self._recount()
        if self.minute != previous:
            self._streak = []
        assert self.minute is not None
        return previous is None or self.minute > previous

    def reached_claims(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return counted claims that the watermark has about reached, UNSET for all others. # [n] -> [n]"""
        assert self.minute is not None
        is_reached = self._is_counted[rows] & (self._claims[rows] <= self.minute + self._ahead_minutes)
        return np.where(is_reached, self._claims[rows], UNSET)

    def forget(self, rows: NDArray[np.int64]) -> None:
        """Stop counting the claims of these cells."""
        counted_rows = rows[self._is_counted[rows]]
        if not len(counted_rows):
            return
        self._is_counted[counted_rows] = False
        self._cell_count -= len(counted_rows)
        removed_rows = set(counted_rows.tolist())
        # A removed row may soon belong to another cell.
        self._streak = [row for row in self._streak if row not in removed_rows]
        if self.minute is not None:
            self._claims_beyond -= int(np.count_nonzero(self._claims[counted_rows] > self.minute))
        self._needs_recount = True

    @property
    def _quorum(self) -> int:
        return quorum(self._cell_count, self._quorum_cells)

    def _updated_claims(self, before: NDArray[np.int64], minute: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the claims after these minutes. # [n], [n] -> [n]

        A claim only grows, with one exception: a clock that was too far ahead and is right again is accepted.
        """
        if self.minute is None:
            return minute
        limit = self.minute + self._ahead_minutes
        has_recovered = (before > limit) & (minute <= limit)
        return np.where(has_recovered, minute, np.maximum(before, minute))

    def _streak_ends(self, rows: NDArray[np.int64], is_ahead: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return True for each record after which the streak would be accepted. # [n] -> [n]"""
        number = np.arange(1, len(rows) + 1)
        last_plausible = np.maximum.accumulate(np.where(is_ahead, 0, number))
        records = number - last_plausible
        continues = last_plausible == 0
        cells = np.where(continues, np.cumsum(~np.isin(rows, self._streak)) + len(set(self._streak)), records)
        records = records + np.where(continues, len(self._streak), 0)
        return (cells >= self._quorum_cells) | (records >= np.where(cells > 1, STREAK, self._lone_streak))

    def _accept_streak(self, rows: NDArray[np.int64], minute: NDArray[np.int64]) -> bool:
        """Return True when the last records were all too far ahead, and come from a quorum of cells or are long enough.

        From then on only the cells of the streak count. A buffer that a bad clock sends counts as one cell, whatever
        its length.
        """
        if self.minute is None:
            return False
        is_ahead = minute > self.minute + self._ahead_minutes
        plausible_positions = np.flatnonzero(~is_ahead)
        tail = rows[plausible_positions[-1] + 1 :] if len(plausible_positions) else rows
        self._streak = ([] if len(plausible_positions) else self._streak) + tail.tolist()
        cells = len(set(self._streak))
        if cells < self._quorum_cells and len(self._streak) < (STREAK if cells > 1 else self._lone_streak):
            return False
        self._is_counted[:] = False
        self._is_counted[self._streak] = True
        self._cell_count = int(np.count_nonzero(self._is_counted))
        return True

    def _recount(self) -> None:
        claims = self._claims[self._is_counted]
        self.minute = int(np.partition(claims, -self._quorum)[-self._quorum])
        self._claims_beyond = int(np.count_nonzero(claims > self.minute))
        self._needs_recount = False
