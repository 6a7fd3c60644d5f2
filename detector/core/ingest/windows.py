"""The last 60 minutes of every cell: one ring of 8-bit deviations each, 7.8 kB for 130 features.

Records are taken strictly in the order of the log, in the largest runs in which no cell repeats and the frontier of the
partition stands still: so a run is one pass over columns, and how a poll happened to cut the log changes nothing.
Nothing here is stored anywhere else: the log rebuilds it.
"""

import numpy as np
from numpy.typing import NDArray

from detector.core.features import ABSENT, WINDOW
from detector.core.ingest.cell_index import CellIndex
from detector.core.ingest.checkpoint import WatermarkState, decode_checkpoint, encode_checkpoint
from detector.core.ingest.micro_batch import AdmissionResult, MicroBatch
from detector.core.ingest.samples import Reason
from detector.core.ingest.watermark import UNSET, Watermark
from detector.core.settings import Tolerance

_BITS = np.uint64(2**WINDOW - 1)
_ONE = np.uint64(1)


class Windows:
    """The rings of all cells, and the frontier of each partition."""

    def __init__(self, cells: CellIndex, features: int, tolerance: Tolerance) -> None:
        self._cells = cells
        self._tolerance = tolerance
        limit = cells.limit
        # The operating system gives these pages only when a row is first written: an unused row costs nothing.
        self._ring = np.zeros((limit, WINDOW, features), np.int8)
        self._print = np.zeros((limit, WINDOW), np.uint64)
        """Fingerprints of the values as reported: they tell a repeated record from a corrected one."""
        self._seen = np.zeros(limit, np.uint64)
        """Bit k: minute `last - k` was reported."""
        self._last = np.full(limit, UNSET, np.int64)
        self._claim = np.full(limit, UNSET, np.int64)
        self._heard_at = np.full(limit, UNSET, np.int64)
        """The frontier when the cell was last heard, be it with a minute that was refused."""
        self._heard_from = np.full(limit, UNSET, np.int64)
        """Silence is counted from here where it is later than `last`: see `_advance`."""
        self.listen_from = np.zeros(limit, np.int64)
        """Windows of earlier minutes are nobody's concern, and are not copied out: see `Pipeline.assign`."""
        self._frontiers: dict[int, Watermark] = {}

    def frontier(self, partition: int) -> Watermark:
        if partition not in self._frontiers:
            tolerance = self._tolerance
            self._frontiers[partition] = Watermark(self._claim, tolerance.quorum_cells, tolerance.ahead_minutes)
        return self._frontiers[partition]

    def minutes(self) -> dict[int, int]:
        """The minute each partition has reached, where it has one."""
        reached = {partition: frontier.minute for partition, frontier in self._frontiers.items()}
        return {partition: minute for partition, minute in reached.items() if minute is not None}

    def drop(self, partition: int) -> None:
        """Forgets a partition; its rows are the caller's to give back."""
        self._begin(self._cells.rows_of(partition))
        self._frontiers.pop(partition, None)

    def resume(self, partition: int, standing: WatermarkState) -> None:
        """Takes up a partition whose next record is the one at the standing's offset."""
        cells, claim, heard_at = decode_checkpoint(standing)
        rows = self._cells.expect(partition, cells)
        found = rows >= 0
        rows = rows[found]
        self._claim[rows], self._heard_at[rows] = claim[found], heard_at[found]
        self.frontier(partition).restore(standing, rows)

    def admit(
        self,
        partition: int,
        rows: NDArray[np.int64],
        offsets: NDArray[np.int64],
        minute: NDArray[np.int64],
        codes: NDArray[np.int8],
        prints: NDArray[np.uint64],
    ) -> AdmissionResult:
        """Takes one partition's samples in log order. # codes [n, F], all others [n]"""
        admission = AdmissionResult([], np.empty((len(rows), *self._ring.shape[1:]), np.int8), [], {})
        frontier = self.frontier(partition)
        if not frontier.trail and len(rows):
            frontier.trail.note(WatermarkState(int(offsets[0]), UNSET))
        repeat = _previous_occurrence(rows)
        due = start = 0
        while start < len(rows):
            stop = self._run_end(frontier, rows, minute, repeat, start)
            run = slice(start, stop)
            turn = self._take(partition, rows[run], minute[run], codes[run], prints[run], start, admission)
            self._copy_due(turn, admission.windows[due:])
            due += len(turn.rows)
            stood = frontier.minute
            rose = frontier.hear(rows[run], minute[run])
            self._heard_at[rows[run]] = self.minutes()[partition] if stood is None else stood
            if rose:
                self._advance(turn, stood)
            elif frontier.minute != stood:
                self._retreat(partition)
            if frontier.minute != stood:
                self._note(partition, int(offsets[stop - 1]) + 1)
            admission.turns.append(turn)
            start = stop
        admission.windows = admission.windows[:due]
        return admission

    def lagging(self, partition: int, after: int, before: int) -> NDArray[np.int64]:
        """Rows of the cells whose newest minute lies between these two."""
        rows = self._cells.rows_of(partition)
        return rows[(self._last[rows] > after) & (self._last[rows] < before)]

    def idle_rows(self, partition: int) -> NDArray[np.int64]:
        """Rows of the forgotten. To be given back between polls: later in a poll the same cell may speak again."""
        rows = self._cells.rows_of(partition)
        return rows[self._claim[rows] == UNSET]

    def _run_end(
        self,
        frontier: Watermark,
        rows: NDArray[np.int64],
        minute: NDArray[np.int64],
        repeat: NDArray[np.int64],
        start: int,
    ) -> int:
        repeats = repeat[start:] >= start
        stop = start + int(np.argmax(repeats)) if repeats.any() else len(rows)
        return start + frontier.settled(rows[start:stop], minute[start:stop])

    def _take(
        self,
        partition: int,
        rows: NDArray[np.int64],
        minute: NDArray[np.int64],
        codes: NDArray[np.int8],
        prints: NDArray[np.uint64],
        start: int,
        admission: AdmissionResult,
    ) -> MicroBatch:
        """One run: all cells differ, and one frontier judges them all."""
        tolerance, frontier = self._tolerance, self.frontier(partition).minute
        last = self._last[rows]
        ahead = np.zeros(len(rows), bool) if frontier is None else minute > frontier + tolerance.ahead_minutes
        late = np.zeros(len(rows), bool) if frontier is None else minute < frontier - tolerance.behind_minutes
        lost = np.zeros(len(rows), bool) if frontier is None else last > frontier + tolerance.ahead_minutes
        last = np.where(lost & ~ahead, UNSET, last)  # the cell's own clock had run ahead: it begins anew
        newer = ~ahead & ~late & (minute > last)
        late |= ~ahead & ~newer & (last - minute > tolerance.late_minutes)
        again = ~ahead & ~late & ~newer
        for reason, mask in ((Reason.TOO_FAR_AHEAD, ahead), (Reason.TOO_LATE, late)):
            admission.reasons += [(start + position, reason) for position in np.flatnonzero(mask).tolist()]
        self._append(rows[newer], minute[newer], last[newer], codes[newer], prints[newer])
        outcomes = self._revise(rows[again], minute[again], codes[again], prints[again])
        outcomes["in_order"] = int(np.count_nonzero(newer))
        for outcome, count in outcomes.items():
            admission.outcomes[outcome] = admission.outcomes.get(outcome, 0) + count
        coverage = np.bitwise_count(self._seen[rows[newer]]).astype(np.float32) / np.float32(WINDOW)
        heard = minute[newer] > (UNSET if frontier is None else frontier - tolerance.silent_minutes)
        return MicroBatch(partition, rows[newer], minute[newer], coverage, heard, last[newer] == UNSET)

    def _append(
        self,
        rows: NDArray[np.int64],
        minute: NDArray[np.int64],
        last: NDArray[np.int64],
        codes: NDArray[np.int8],
        prints: NDArray[np.uint64],
    ) -> None:
        """Moves each ring on to its new minute; the minutes between are holes, and 60 of them empty the ring."""
        gap = np.where(last == UNSET, WINDOW, np.minimum(minute - np.maximum(last, minute - WINDOW), WINDOW))
        for position in np.flatnonzero(gap > 1).tolist():
            holes = (minute[position] - np.arange(gap[position])) % WINDOW
            self._ring[rows[position], holes] = ABSENT
        kept = np.where(gap < WINDOW, self._seen[rows] << np.minimum(gap, WINDOW - 1).astype(np.uint64), 0)
        self._seen[rows] = (kept & _BITS) | _ONE
        self._last[rows] = minute
        self._ring[rows, minute % WINDOW] = codes
        self._print[rows, minute % WINDOW] = prints

    def _revise(
        self,
        rows: NDArray[np.int64],
        minute: NDArray[np.int64],
        codes: NDArray[np.int8],
        prints: NDArray[np.uint64],
    ) -> dict[str, int]:
        """Minutes at or before the newest: a hole is filled, other values replace, equal ones change nothing."""
        if not len(rows):
            return {}
        bit = _ONE << (self._last[rows] - minute).astype(np.uint64)
        slot = minute % WINDOW
        known = (self._seen[rows] & bit) != 0
        equal = known & (self._print[rows, slot] == prints)
        self._ring[rows[~equal], slot[~equal]] = codes[~equal]
        self._print[rows, slot] = prints
        self._seen[rows] |= bit
        return {
            "late": int(np.count_nonzero(~known)),
            "duplicate": int(np.count_nonzero(equal)),
            "restated": int(np.count_nonzero(known & ~equal)),
        }

    def _copy_due(self, turn: MicroBatch, out: NDArray[np.int8]) -> None:
        """Unrolls the rings of the due cells into `out`, by minute: cells of one minute turn at the same slot."""
        wanted = turn.minute >= self.listen_from[turn.rows]
        for minute in np.unique(turn.minute[wanted]):
            at = np.flatnonzero(wanted & (turn.minute == minute))
            oldest = int(minute + 1) % WINDOW
            rings = self._ring[turn.rows[at]]
            out[at, : WINDOW - oldest] = rings[:, oldest:]
            out[at, WINDOW - oldest :] = rings[:, :oldest]

    def _retreat(self, partition: int) -> None:
        """The frontier fell: nobody was heard later than it."""
        rows = self._cells.rows_of(partition)
        self._heard_at[rows] = np.minimum(self._heard_at[rows], self.minutes()[partition])

    def _note(self, partition: int, offset: int) -> None:
        """The frontier moved: a replay may have to begin here."""
        frontier = self.frontier(partition)
        assert frontier.minute is not None
        rows = frontier.voting()
        votes = encode_checkpoint(
            frontier.minute,
            self._tolerance.quorum_cells,
            self._cells.digests[rows],
            self._claim[rows],
            self._heard_at[rows],
        )
        frontier.trail.note(WatermarkState(offset, frontier.minute, votes))

    def _advance(self, turn: MicroBatch, stood: int | None) -> None:
        """The frontier rose: who is silent now, and who is forgotten.

        When it leaps, a whole network was away: nobody in it is called silent for the time of the leap, and its cells
        have `silent_minutes` from its end to be heard again.
        """
        tolerance = self._tolerance
        turn.frontier = frontier = self.frontier(turn.partition).minute
        assert frontier is not None
        rows = self._cells.rows_of(turn.partition)
        rows = rows[self._claim[rows] != UNSET]  # the others speak later in this poll, if at all
        if stood is not None and frontier - stood > tolerance.ahead_minutes:
            self._heard_from[rows] = frontier
        last = self._last[rows]
        mute = frontier - np.maximum(last, self._heard_from[rows]) >= tolerance.silent_minutes
        silent = rows[(last != UNSET) & mute]
        turn.silent = [self._cells.names[row] for row in silent.tolist()]
        turn.silent_since = (self._last[silent] + 1).tolist()
        horizon = frontier - tolerance.memory_minutes
        self._last[rows[last <= horizon]] = UNSET  # older than a replay can know of
        self._forget(turn.partition, rows, horizon)

    def _forget(self, partition: int, rows: NDArray[np.int64], horizon: int) -> None:
        """Whoever was last heard before the horizon; what a network back from far said is heard as the frontier comes.

        By the frontier, not by claims: a cell that once claimed 2099 and died is forgotten like any other.
        """
        frontier = self.frontier(partition)
        gone = rows[np.maximum(self._heard_at[rows], frontier.came_to(rows)) < horizon]
        frontier.forget(gone)
        self._begin(gone)

    def _begin(self, rows: NDArray[np.int64]) -> None:
        """These rows are free to be new cells': nothing of a former owner counts."""
        self._last[rows] = self._claim[rows] = self._heard_at[rows] = self._heard_from[rows] = UNSET
        self.listen_from[rows] = 0


def _previous_occurrence(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where the same row stood before, -1 for its first time. # [n] -> [n]"""
    order = np.argsort(rows, kind="stable")
    previous = np.full(len(rows), -1, np.int64)
    same = rows[order[1:]] == rows[order[:-1]]
    previous[order[1:][same]] = order[:-1][same]
    return previous
