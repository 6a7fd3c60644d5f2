"""How far a partition has come: the newest minute that enough of its cells have reached.

The wall clock is never asked, so that replaying the same records decides the same. Every record is a claim, also one
that is refused for its minute: one bad clock is outvoted, and a whole network that returns after hours is believed.
With one or two cells there is nobody to outvote a clock; from three cells on, one bad clock moves nothing.
"""

import bisect

import numpy as np
from numpy.typing import NDArray

UNSET = -1
"""No minute yet: before every minute there is."""


def quorum(voters: int, quorum_cells: int) -> int:
    """How many cells must have reached a minute before the partition has: half of them, at most `quorum_cells`."""
    return max(1, min((voters + 1) // 2, quorum_cells))


class Frontier:
    """The frontier of one partition. `claim`, by row, is shared by all partitions; the voters are this one's."""

    def __init__(self, claim: NDArray[np.int64], quorum_cells: int, ahead_minutes: int) -> None:
        self._claim = claim
        self._quorum_cells = quorum_cells
        self._ahead_minutes = ahead_minutes
        self._voter = np.zeros(len(claim), bool)
        self._voters = 0
        self._beyond = 0
        """Voters whose claim lies beyond `minute`; fewer than the quorum, by what `minute` means."""
        self._floor_minute: int | None = None
        self._floor_voters = 0
        self._streak: list[int] = []
        """Rows of the latest records, while every one of them was too far ahead."""
        self.minute: int | None = None
        self._reached: list[tuple[int, int]] = []

    @property
    def voters(self) -> int:
        return self._voters

    def restore(self, minute: int, voters: int, offset: int) -> None:
        """Begins a replay where this frontier stood at `minute`, before any of its voters has been heard again."""
        self._floor_minute, self._floor_voters, self.minute = minute, voters, minute
        self._reached = [(minute, offset)]

    def release(self) -> None:
        """Ends the replay: every cell that counts has been heard again, so the claims alone decide from here on."""
        self._floor_minute, self._floor_voters = None, 0
        if self._voters:
            self._recount()

    def settled(self, rows: NDArray[np.int64], minute: NDArray[np.int64]) -> int:
        """How many of these records, all of different cells, pass until the frontier is looked at anew: at least 1."""
        if self.minute is None or self._quorum < self._quorum_cells:
            new = ~self._voter[rows]
            if self.minute is None or new[0]:
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
            heard = np.arange(1, len(rows) + 1)
            last_sane = np.maximum.accumulate(np.where(ahead, -len(self._streak), heard))
            stops |= ahead & (heard - last_sane >= self._quorum_cells)
        return int(np.argmax(stops)) + 1 if stops.any() else len(rows)

    def hear(self, rows: NDArray[np.int64], minute: NDArray[np.int64], offset: int) -> bool:
        """Counts the claims of `settled` records, the last of them at `offset`. Says whether the frontier rose."""
        known = self._voter[rows]
        before = np.where(known, self._claim[rows], UNSET)
        after = self._renewed(before, minute)
        self._claim[rows] = after
        self._voter[rows] = True
        self._voters += int(np.count_nonzero(~known))
        stood = self.minute
        alone = self._nobody_contradicts(rows, minute)
        if stood is not None and not alone and not (after < before).any():
            self._beyond += int(np.count_nonzero(after > stood) - np.count_nonzero(before > stood))
        if stood is None or alone or (after < before).any() or self._beyond >= self._quorum or not known.all():
            self._recount()
        assert self.minute is not None
        if stood is not None and self.minute <= stood:
            return False
        self._note_reached(offset if stood is None else offset + 1)
        return True

    def forget(self, rows: NDArray[np.int64]) -> None:
        """These cells no longer count."""
        gone = rows[self._voter[rows]]
        self._voter[gone] = False
        self._voters -= len(gone)
        self._streak = [row for row in self._streak if row not in rows]  # the row may soon be another cell's
        if self._voters and self.minute is not None:
            self._beyond = int(np.count_nonzero(self._claim[self._voter] > self.minute))

    def replay_from(self, minute: int) -> tuple[int, int]:
        """The latest known (minute, next offset) at which the frontier had not passed `minute`, else the oldest."""
        position = bisect.bisect_right(self._reached, (minute, np.iinfo(np.int64).max)) - 1
        self._reached = self._reached[max(position, 0) :]
        return self._reached[0]

    @property
    def _quorum(self) -> int:
        return quorum(max(self._voters, self._floor_voters), self._quorum_cells)

    def _renewed(self, before: NDArray[np.int64], minute: NDArray[np.int64]) -> NDArray[np.int64]:
        """A claim only grows, except that a clock found too far ahead is believed again once it has come back."""
        if self.minute is None:
            return minute
        limit = self.minute + self._ahead_minutes
        recovered = (before > limit) & (minute <= limit)
        return np.where(recovered, minute, np.maximum(before, minute))

    def _nobody_contradicts(self, rows: NDArray[np.int64], minute: NDArray[np.int64]) -> bool:
        """True when the last `quorum_cells` records were all too far ahead: then only those who spoke still count."""
        if self.minute is None:
            return False
        ahead = minute > self.minute + self._ahead_minutes
        sane = np.flatnonzero(~ahead)
        tail = rows[sane[-1] + 1 :] if len(sane) else rows
        self._streak = ([] if len(sane) else self._streak) + tail.tolist()
        if len(self._streak) < self._quorum_cells:
            return False
        self._voter[:] = False
        self._voter[self._streak] = True
        self._voters = int(np.count_nonzero(self._voter))
        self._floor_minute, self._floor_voters, self._streak = None, 0, []
        return True

    def _recount(self) -> None:
        claims = self._claim[self._voter]
        needed = self._quorum
        reached = int(np.partition(claims, -needed)[-needed]) if len(claims) >= needed else UNSET
        if self._floor_minute is not None:
            reached = max(reached, self._floor_minute)
        if reached != UNSET:
            self.minute = reached
            self._beyond = int(np.count_nonzero(claims > reached))

    def _note_reached(self, offset: int) -> None:
        """From `offset` on, records are judged by the new minute; earlier ones were judged by a smaller."""
        assert self.minute is not None
        if not self._reached or self.minute > self._reached[-1][0]:
            self._reached.append((self.minute, offset))
