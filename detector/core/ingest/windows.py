"""Windows: the last samples of every cell, an hour of them, in one ring of 8-bit deviations each.

A ring takes 7.8 kB for 130 features of every minute, and .5 kB at a period of 15 minutes.

Records are processed strictly in the order of the log, in runs. A run is as long as possible while no cell repeats and
the partition's watermark does not move. So a run is one pass over columns, and the result does not depend on the size
of a poll. The state is not persisted: a replay of the log rebuilds it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detector.core.features import ABSENT, WINDOW
from detector.core.granularity import Granularity
from detector.core.ingest.cell_index import CellIndex
from detector.core.ingest.checkpoint import WatermarkState, decode_claims, encode_claims
from detector.core.ingest.micro_batch import AdmissionResult, MicroBatch
from detector.core.ingest.samples import Reason
from detector.core.ingest.watermark import UNSET, Watermark
from detector.core.settings import Tolerance

_ONE = np.uint64(1)


@dataclass(frozen=True, kw_only=True)
class ScaledSamples:
    """Samples of one partition as deviations, in the order of the log."""

    rows: NDArray[np.int64]
    """Rows of their cells. # [n]"""
    offsets: NDArray[np.int64]
    minute: NDArray[np.int64]
    codes: NDArray[np.int8]
    """Deviations. # [n, F]"""
    fingerprints: NDArray[np.uint64]
    """Fingerprints of the values as reported. # [n]"""

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, part: slice | NDArray[np.bool_]) -> "ScaledSamples":
        return ScaledSamples(
            rows=self.rows[part],
            offsets=self.offsets[part],
            minute=self.minute[part],
            codes=self.codes[part],
            fingerprints=self.fingerprints[part],
        )


class Windows:
    """Rings of all cells, and the watermark of each partition."""

    def __init__(self, cells: CellIndex, features: int, tolerance: Tolerance, granularity: Granularity) -> None:
        self._cells = cells
        self._tolerance, self._granularity = tolerance, granularity
        self._samples, self._period = granularity.samples, granularity.period_minutes
        self._all_bits = np.uint64(2**self._samples - 1)
        limit = cells.limit
        # The operating system allocates these pages when a row is first written: an unused row costs no memory.
        self._ring = np.zeros((limit, self._samples, features), np.int8)
        self._fingerprints = np.zeros((limit, self._samples), np.uint64)
        """Fingerprints of the values as reported: they distinguish a repeated record from a corrected one."""
        self._reported_bits = np.zeros(limit, np.uint64)
        """Bit k: the sample k periods before the newest was reported."""
        self._newest_minute = np.full(limit, UNSET, np.int64)
        self._claims = np.full(limit, UNSET, np.int64)
        self._last_activity = np.full(limit, UNSET, np.int64)
        """The watermark at the cell's last record, also of a record whose minute was refused."""
        self._silence_start = np.full(limit, UNSET, np.int64)
        """Silence is counted from this minute if it is later than the newest minute: see `_advance`."""
        self._refused_at = np.full(limit, UNSET, np.int64)
        """The watermark at the cell's last record whose minute was refused: such a cell is no silent one."""
        self.first_scored_minute = np.zeros(limit, np.int64)
        """Windows of earlier minutes are not needed, and are not copied out: see `Pipeline.assign`."""
        self._watermarks: dict[int, Watermark] = {}

    def watermark(self, partition: int) -> Watermark:
        """Return the watermark of a partition; a new one starts without a minute."""
        if partition not in self._watermarks:
            tolerance = self._tolerance
            self._watermarks[partition] = Watermark(
                self._claims, tolerance.quorum_cells, tolerance.ahead_minutes, self._period
            )
        return self._watermarks[partition]

    def watermark_minutes(self) -> dict[int, int]:
        """Return the minute of each partition's watermark, where it has one."""
        minutes = {partition: watermark.minute for partition, watermark in self._watermarks.items()}
        return {partition: minute for partition, minute in minutes.items() if minute is not None}

    def drop(self, partition: int) -> None:
        """Drop the state of a partition. The caller frees its rows."""
        self._reset_rows(self._cells.rows_of(partition))
        self._watermarks.pop(partition, None)

    def resume(self, partition: int, state: WatermarkState) -> None:
        """Restore a partition from a state. The partition's next record must have the state's offset."""
        cells, claim, last_activity = decode_claims(state)
        rows = self._cells.reserve(partition, cells)
        has_row = rows >= 0
        rows = rows[has_row]
        self._claims[rows], self._last_activity[rows] = claim[has_row], last_activity[has_row]
        self.watermark(partition).restore(state, rows)

    def admit(self, partition: int, samples: ScaledSamples) -> AdmissionResult:
        """Admit one partition's samples in log order: each enters its ring or gets the reason for its refusal."""
        result = AdmissionResult([], np.empty((len(samples), WINDOW, self._ring.shape[2]), np.int8), [], {})
        watermark = self.watermark(partition)
        if not watermark.restore_points and len(samples):
            watermark.restore_points.add(WatermarkState(int(samples.offsets[0]), UNSET))
        previous_occurrence = _previous_occurrence(samples.rows)
        due = start = 0
        while start < len(samples):
            stop = self._run_end(watermark, samples, previous_occurrence, start)
            run = samples[start:stop]
            batch = self._admit_run(partition, run, start, result)
            self._copy_windows(batch, result.windows[due:])
            due += len(batch.rows)
            self._move_watermark(batch, run)
            result.micro_batches.append(batch)
            start = stop
        result.windows = result.windows[:due]
        return result

    def lagging_rows(self, partition: int, after: int, before: int) -> NDArray[np.int64]:
        """Return the rows of the cells whose newest minute is after `after` and before `before`."""
        rows = self._cells.rows_of(partition)
        return rows[(self._newest_minute[rows] > after) & (self._newest_minute[rows] < before)]

    def idle_rows(self, partition: int) -> NDArray[np.int64]:
        """Return the rows of expired cells.

        They may be freed between polls only: later in a poll the same cell may report again.
        """
        rows = self._cells.rows_of(partition)
        return rows[self._claims[rows] == UNSET]

    def _run_end(
        self, watermark: Watermark, samples: ScaledSamples, previous_occurrence: NDArray[np.int64], start: int
    ) -> int:
        repeats = previous_occurrence[start:] >= start
        stop = start + int(np.argmax(repeats)) if repeats.any() else len(samples)
        return start + watermark.run_length(samples.rows[start:stop], samples.minute[start:stop])

    def _admit_run(self, partition: int, run: ScaledSamples, start: int, result: AdmissionResult) -> MicroBatch:
        """Admit one run: all cells differ, and one watermark applies to all of them."""
        tolerance, watermark = self._tolerance, self.watermark(partition).minute
        rows, minute = run.rows, run.minute
        newest_minute = self._newest_minute[rows]
        no_row = np.zeros(len(rows), bool)
        is_ahead = no_row if watermark is None else minute > watermark + tolerance.ahead_minutes
        is_late = no_row if watermark is None else minute < watermark - tolerance.behind_minutes
        ran_ahead = no_row if watermark is None else newest_minute > watermark + tolerance.ahead_minutes
        newest_minute = np.where(
            ran_ahead & ~is_ahead, UNSET, newest_minute
        )  # the cell's clock was too far ahead: its window restarts
        is_newer = ~is_ahead & ~is_late & (minute > newest_minute)
        is_late = is_late | (~is_ahead & ~is_newer & (newest_minute - minute > tolerance.late_minutes))
        is_known = ~is_ahead & ~is_late & ~is_newer
        for reason, mask in ((Reason.TOO_FAR_AHEAD, is_ahead), (Reason.TOO_LATE, is_late)):
            result.reasons += [(start + position, reason) for position in np.flatnonzero(mask).tolist()]
            self._refused_at[rows[mask]] = UNSET if watermark is None else watermark
        self._append(run[is_newer], newest_minute[is_newer])
        outcomes = self._update(run[is_known])
        outcomes["in_order"] = int(np.count_nonzero(is_newer))
        for outcome, count in outcomes.items():
            result.outcomes[outcome] = result.outcomes.get(outcome, 0) + count
        silence_limit = UNSET if watermark is None else watermark - tolerance.silent_minutes
        return MicroBatch(
            partition=partition,
            rows=rows[is_newer],
            minute=minute[is_newer],
            coverage=np.bitwise_count(self._reported_bits[rows[is_newer]]).astype(np.float32)
            / np.float32(self._samples),
            ends_silence=minute[is_newer] > silence_limit,
            starts_anew=newest_minute[is_newer] == UNSET,
        )

    def _append(self, run: ScaledSamples, newest_minute: NDArray[np.int64]) -> None:
        """Advance each ring to its new sample. Skipped samples become absent, and a window of them empties the ring.

        # newest_minute [n]: the cells' newest minutes so far
        """
        rows, number, samples = run.rows, run.minute // self._period, self._samples
        gap = np.where(newest_minute == UNSET, samples, np.minimum(number - newest_minute // self._period, samples))
        for position in np.flatnonzero(gap > 1).tolist():
            holes = (number[position] - np.arange(gap[position])) % samples
            self._ring[rows[position], holes] = ABSENT
        shifted_bits = self._reported_bits[rows] << np.minimum(gap, samples - 1).astype(np.uint64)
        newest_bit = has_value(run.codes).astype(np.uint64)
        self._reported_bits[rows] = (np.where(gap < samples, shifted_bits, 0) & self._all_bits) | newest_bit
        self._newest_minute[rows] = run.minute
        self._ring[rows, number % samples] = run.codes
        self._fingerprints[rows, number % samples] = run.fingerprints

    def _update(self, run: ScaledSamples) -> dict[str, int]:
        """Enter minutes at or before the newest: they fill a hole, replace other values, or repeat equal ones."""
        rows, number = run.rows, run.minute // self._period
        if not len(rows):
            return {}
        bit = _ONE << (self._newest_minute[rows] // self._period - number).astype(np.uint64)
        slot = number % self._samples
        was_reported = (self._reported_bits[rows] & bit) != 0
        is_equal = was_reported & (self._fingerprints[rows, slot] == run.fingerprints)
        self._ring[rows[~is_equal], slot[~is_equal]] = run.codes[~is_equal]
        self._fingerprints[rows, slot] = run.fingerprints
        self._reported_bits[rows] |= np.where(has_value(run.codes), bit, np.uint64(0))
        return {
            "late": int(np.count_nonzero(~was_reported)),
            "duplicate": int(np.count_nonzero(is_equal)),
            "restated": int(np.count_nonzero(was_reported & ~is_equal)),
        }

    def _copy_windows(self, batch: MicroBatch, out: NDArray[np.int8]) -> None:
        """Unroll the rings of the due cells into `out`, by minute: cells with the same minute share one ring offset."""
        is_scored = batch.minute >= self.first_scored_minute[batch.rows]
        for minute in np.unique(batch.minute[is_scored]):
            positions = np.flatnonzero(is_scored & (batch.minute == minute))
            oldest_slot = int(minute // self._period + 1) % self._samples
            rings = self._granularity.expand(self._ring[batch.rows[positions]])
            first_step = oldest_slot * (WINDOW // self._samples)
            out[positions, : WINDOW - first_step] = rings[:, first_step:]
            out[positions, WINDOW - first_step :] = rings[:, :first_step]

    def _move_watermark(self, batch: MicroBatch, run: ScaledSamples) -> None:
        """Let the watermark observe a run, and apply the consequences of a move."""
        partition = batch.partition
        watermark = self.watermark(partition)
        previous = watermark.minute
        rose = watermark.observe(run.rows, run.minute)
        self._last_activity[run.rows] = self.watermark_minutes()[partition] if previous is None else previous
        if rose:
            self._advance(batch, previous)
        elif watermark.minute != previous:
            self._lower_activity(partition)
        if watermark.minute != previous:
            self._add_restore_point(partition, int(run.offsets[-1]) + 1)

    def _lower_activity(self, partition: int) -> None:
        """Lower the last activities to a watermark that fell: no cell was active, or refused, after it."""
        rows, minute = self._cells.rows_of(partition), self.watermark_minutes()[partition]
        self._last_activity[rows] = np.minimum(self._last_activity[rows], minute)
        self._refused_at[rows] = np.minimum(self._refused_at[rows], minute)

    def _add_restore_point(self, partition: int, offset: int) -> None:
        """Record the state of a watermark that moved: a replay may have to begin at this offset."""
        watermark = self.watermark(partition)
        assert watermark.minute is not None
        rows = watermark.counted_rows()
        claims = encode_claims(
            watermark.minute,
            self._tolerance.quorum_cells,
            self._cells.digests[rows],
            self._claims[rows],
            self._last_activity[rows],
        )
        watermark.restore_points.add(WatermarkState(offset, watermark.minute, claims))

    def _advance(self, batch: MicroBatch, previous: int | None) -> None:
        """Find the silent cells after the watermark rose, and expire the idle cells.

        A leap of the watermark means that the whole network was not reporting. Its cells do not count as silent for
        the time of the leap, and have `silent_minutes` from its end to report again.
        """
        tolerance = self._tolerance
        batch.watermark = watermark = self.watermark(batch.partition).minute
        assert watermark is not None
        rows = self._cells.rows_of(batch.partition)
        rows = rows[self._claims[rows] != UNSET]  # the other cells report later in this poll, if at all
        if previous is not None and watermark - previous > tolerance.ahead_minutes:
            self._silence_start[rows] = watermark
        newest_minute = self._newest_minute[rows]
        last_heard = np.maximum.reduce([newest_minute, self._silence_start[rows], self._refused_at[rows]])
        is_silent = watermark - last_heard >= tolerance.silent_minutes
        silent_rows = rows[(newest_minute != UNSET) & is_silent]
        batch.silent_cells = [self._cells.names[row] for row in silent_rows.tolist()]
        batch.silent_since = (self._newest_minute[silent_rows] + self._period).tolist()
        horizon = watermark - tolerance.memory_minutes
        self._newest_minute[rows[newest_minute <= horizon]] = UNSET  # older than a replay can reconstruct
        self._forget_idle(batch.partition, rows, horizon)

    def _forget_idle(self, partition: int, rows: NDArray[np.int64], horizon: int) -> None:
        """Expire the cells whose last activity is before the horizon.

        The claims of a network that returns after a long outage count as activity when the watermark reaches them.
        Activity is measured by the watermark, not by claims: a cell that once claimed the year 2099 and then stopped
        reporting expires like any other.
        """
        watermark = self.watermark(partition)
        idle_rows = rows[np.maximum(self._last_activity[rows], watermark.reached_claims(rows)) < horizon]
        watermark.forget(idle_rows)
        self._reset_rows(idle_rows)

    def _reset_rows(self, rows: NDArray[np.int64]) -> None:
        """Clear these rows for new cells."""
        self._newest_minute[rows] = self._claims[rows] = UNSET
        self._last_activity[rows] = self._silence_start[rows] = self._refused_at[rows] = UNSET
        self.first_scored_minute[rows] = 0


def has_value(codes: NDArray[np.int8]) -> NDArray[np.bool_]:
    """Return which samples report anything. A sample without is no silence, and covers nothing. # [n, F] -> [n]"""
    return np.asarray((codes != ABSENT).any(axis=1))


def _previous_occurrence(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the previous position of the same row, -1 for its first occurrence. # [n] -> [n]"""
    order = np.argsort(rows, kind="stable")
    previous = np.full(len(rows), -1, np.int64)
    is_same = rows[order[1:]] == rows[order[:-1]]
    previous[order[1:][is_same]] = order[:-1][is_same]
    return previous
