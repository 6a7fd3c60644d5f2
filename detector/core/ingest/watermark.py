"""How far a partition has come: the newest minute that enough of its cells have reached.

The wall clock is never asked, so that replaying the same records decides the same. Every record is a claim, also one
that is refused for its minute: one bad clock is outvoted, and a whole network that returns after hours is believed.
With one or two cells there is nobody to outvote a clock; from three cells on, one bad clock moves nothing, unless for a
day nobody else speaks.
"""

import numpy as np
from numpy.typing import NDArray

from detector.core.ingest.checkpoint import RestorePoints, WatermarkState

UNSET = -1
"""No minute yet: before every minute there is."""

STREAK = 60
"""Records of a few live cells, less than a quorum, that are believed against all the dead."""

LONE_STREAK = 1440
"""The same of one cell: a day of it, at a record a minute.

Where it alone is alive and where its clock is wrong and it empties its buffer, the log says the same. To believe the
second takes every other cell's window, unseen; to doubt the first leaves the partition standing still, which is seen:
by its frontier, and by the records refused. So a buffer of hours must not be enough.
"""


def quorum(voters: int, quorum_cells: int) -> int:
    """How many cells must have reached a minute before the partition has: half of them, at most `quorum_cells`."""
    return max(1, min((voters + 1) // 2, quorum_cells))


class Watermark:
    """The frontier of one partition. `claim`, by row, is shared by all partitions; the voters are this one's."""

    def __init__(self, claim: NDArray[np.int64], quorum_cells: int, ahead_minutes: int) -> None:
        self._claim = claim
        self._quorum_cells = quorum_cells
        self._ahead_minutes = ahead_minutes
        self._voter = np.zeros(len(claim), bool)
        self._voters = 0
        self._beyond = 0
        """Voters whose claim lies beyond `minute`; fewer than the quorum, by what `minute` means."""
        self._stale = False
        """Voters have gone since `minute` was found."""
        self._streak: list[int] = []
        """Rows of the latest records since `minute` last moved, while every one of them was too far ahead."""
        self.minute: int | None = None
        self.trail = RestorePoints()

    @property
    def voters(self) -> int:
        return self._voters

    def voting(self) -> NDArray[np.int64]:
        """The rows whose claims count."""
        return np.flatnonzero(self._voter)

    def restore(self, standing: WatermarkState, rows: NDArray[np.int64]) -> None:
        """Stands where another stood: the claims of these rows count."""
        self.minute = None if standing.minute == UNSET else standing.minute
        self._voter[rows] = True
        self._voters, self._stale = len(rows), True
        self._beyond = int(np.count_nonzero(self._claim[rows] > standing.minute))
        self.trail.note(standing)

    def settled(self, rows: NDArray[np.int64], minute: NDArray[np.int64]) -> int:
        """How many of these records, all of different cells, pass until the frontier is looked at anew: at least 1."""
        if self.minute is None or self._stale:
            return 1
        if self._quorum < self._quorum_cells:
            new = ~self._voter[rows]
            if new[0]:
                return 1
            if new.any():
                return self.settled_among_known(rows[: np.argmax(new)], minute[: np.argmax(new)])
        return self.settled_among_known(rows, minute)

    def settled_among_known(self, rows: NDArray[np.int64], minute: NDArray[np.int64]) -> int:
        assert self.minute is not None
        before = np.where(self._voter[rows], self._claim[rows], UNSET)
        after = self._renewed(before, minute)
        change = (after > self.minute).astype(np.int64) - (before > self.minute)
        stops = (self._beyond + np.cumsum(change) >= self._quorum) | (after < before)
        ahead = minute > self.minute + self._ahead_minutes
        if ahead.any():
            stops |= ahead & self._streak_ends(rows, ahead)
        return int(np.argmax(stops)) + 1 if stops.any() else len(rows)

    def hear(self, rows: NDArray[np.int64], minute: NDArray[np.int64]) -> bool:
        """Counts the claims of `settled` records. Says whether the frontier rose."""
        known = self._voter[rows]
        before = np.where(known, self._claim[rows], UNSET)
        after = self._renewed(before, minute)
        self._claim[rows] = after
        self._voter[rows] = True
        self._voters += int(np.count_nonzero(~known))
        stood = self.minute
        alone = self._nobody_contradicts(rows, minute)
        if stood is not None:
            self._beyond += int(np.count_nonzero(after > stood) - np.count_nonzero(before > stood))
        looked_at = stood is None or alone or self._stale or not known.all() or bool((after < before).any())
        if looked_at or self._beyond >= self._quorum:
            self._recount()
        if self.minute != stood:
            self._streak = []
        assert self.minute is not None
        return stood is None or self.minute > stood

    def came_to(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """The claims that count and that the frontier has about come to, UNSET for all others. # [n] -> [n]"""
        assert self.minute is not None
        sane = self._voter[rows] & (self._claim[rows] <= self.minute + self._ahead_minutes)
        return np.where(sane, self._claim[rows], UNSET)

    def forget(self, rows: NDArray[np.int64]) -> None:
        """These cells no longer count."""
        gone = rows[self._voter[rows]]
        if not len(gone):
            return
        self._voter[gone] = False
        self._voters -= len(gone)
        away = set(gone.tolist())
        self._streak = [row for row in self._streak if row not in away]  # the row may soon be another cell's
        self._beyond -= int(np.count_nonzero(self._claim[gone] > self.minute)) if self.minute is not None else 0
        self._stale = True

    @property
    def _quorum(self) -> int:
        return quorum(self._voters, self._quorum_cells)

    def _renewed(self, before: NDArray[np.int64], minute: NDArray[np.int64]) -> NDArray[np.int64]:
        """A claim only grows, except that a clock found too far ahead is believed again once it has come back."""
        if self.minute is None:
            return minute
        limit = self.minute + self._ahead_minutes
        recovered = (before > limit) & (minute <= limit)
        return np.where(recovered, minute, np.maximum(before, minute))

    def _streak_ends(self, rows: NDArray[np.int64], ahead: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """After which of these records the streak would be believed. # [n] -> [n]"""
        heard = np.arange(1, len(rows) + 1)
        last_sane = np.maximum.accumulate(np.where(ahead, 0, heard))
        records = heard - last_sane
        goes_on = last_sane == 0
        cells = np.where(goes_on, np.cumsum(~np.isin(rows, self._streak)) + len(set(self._streak)), records)
        records = records + np.where(goes_on, len(self._streak), 0)
        return (cells >= self._quorum_cells) | (records >= np.where(cells > 1, STREAK, LONE_STREAK))

    def _nobody_contradicts(self, rows: NDArray[np.int64], minute: NDArray[np.int64]) -> bool:
        """True when the last records were all too far ahead, and of a quorum of cells or many: only these still count.

        A buffer that a bad clock empties is one voice however often it speaks.
        """
        if self.minute is None:
            return False
        ahead = minute > self.minute + self._ahead_minutes
        sane = np.flatnonzero(~ahead)
        tail = rows[sane[-1] + 1 :] if len(sane) else rows
        self._streak = ([] if len(sane) else self._streak) + tail.tolist()
        cells = len(set(self._streak))
        if cells < self._quorum_cells and len(self._streak) < (STREAK if cells > 1 else LONE_STREAK):
            return False
        self._voter[:] = False
        self._voter[self._streak] = True
        self._voters = int(np.count_nonzero(self._voter))
        return True

    def _recount(self) -> None:
        claims = self._claim[self._voter]
        self.minute = int(np.partition(claims, -self._quorum)[-self._quorum])
        self._beyond = int(np.count_nonzero(claims > self.minute))
        self._stale = False
