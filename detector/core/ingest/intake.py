"""Intake: the steps from log to windows (decode, scale, window), and the checkpoint that a commit carries.

State is kept per cell. A partition can be assigned and revoked at any time. Encoding and scoring of the windows follow
in the pipeline.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detector.core.features import Baseline, Catalogue, deviations, fingerprints
from detector.core.ingest.cell_index import CellIndex
from detector.core.ingest.checkpoint import Checkpoint, WatermarkState, encode_laggards, may_lag
from detector.core.ingest.decoder import Decoder
from detector.core.ingest.micro_batch import AdmissionResult, MicroBatch
from detector.core.ingest.samples import Reason, Records, Rejection, Samples, select
from detector.core.ingest.value_faults import FaultCounts
from detector.core.ingest.windows import ScaledSamples, Windows
from detector.core.settings import Settings

LAG_MINUTES = 5
"""A cell has kept up if its newest minute is at most this far behind the watermark, or one period.

This allows for records in flight and one retry.
"""


@dataclass(kw_only=True)
class PartitionBatch:
    """One partition's records of one poll, after windowing and before scoring."""

    admission: AdmissionResult
    publishes_alarms: bool
    """False during a replay."""
    is_covered: NDArray[np.bool_]
    """True for a window with enough reported minutes for a decision. # [sum k]"""
    is_scored: NDArray[np.bool_]
    """True for a covered window that is encoded. # [sum k]"""
    new_rows: NDArray[np.int64]
    """Rows that were given to new cells."""
    rejections: list[Rejection]

    @property
    def windows(self) -> NDArray[np.int8]:
        """Scored windows. If all windows are scored, as usual, their 7.8 kB each are not copied. # [n, 60, F]"""
        return self.admission.windows if self.is_scored.all() else self.admission.windows[self.is_scored]

    @property
    def minute(self) -> NDArray[np.int64]:
        """Last minutes of the scored windows. # [n]"""
        minutes = [batch.minute for batch in self.admission.micro_batches]
        return np.concatenate([np.empty(0, np.int64), *minutes])[self.is_scored]

    @property
    def count(self) -> int:
        """Number of scored windows."""
        return int(np.count_nonzero(self.is_scored))


class Intake:
    """Owner of the windows of all assigned partitions; nothing else writes to them."""

    def __init__(
        self,
        catalogue: Catalogue,
        baseline: Baseline,
        settings: Settings,
        stage_timer: Callable[[str], AbstractContextManager[None]],
    ) -> None:
        self._baseline, self._settings, self._stage_timer = baseline, settings, stage_timer
        self._logarithmic = catalogue.logarithmic
        self._decoder = Decoder(catalogue, settings.max_record_bytes, settings.fatal_faults)
        self.cells = CellIndex(settings.max_cells)
        self._baseline_row = np.zeros(settings.max_cells, np.int64)
        self._windows = Windows(self.cells, len(catalogue), settings.tolerance, settings.granularity)
        self._lag_minutes = max(LAG_MINUTES, settings.period_minutes)
        self._replays: dict[int, Checkpoint] = {}
        """Checkpoints of the partitions that are behind their commit."""

    def assign(self, partition: int, checkpoint: Checkpoint | None) -> None:
        """Take over a partition. Its records begin at the checkpoint's replay offset, or anywhere without a checkpoint.

        Until `catch_up` only those windows are scored whose scores can still matter after it.
        """
        self.revoke(partition)
        if checkpoint is not None:
            state = WatermarkState(checkpoint.replay_offset, checkpoint.replay_minute, checkpoint.votes)
            self._windows.resume(partition, state)
            self._replays[partition] = checkpoint

    def catch_up(self, partition: int) -> None:
        """End the replay of a partition that has reached its committed offset."""
        self._replays.pop(partition, None)
        self._windows.first_scored_minute[self.cells.rows_of(partition)] = 0

    def revoke(self, partition: int) -> None:
        """Drop the state of a partition and free its rows."""
        self._windows.drop(partition)
        self._replays.pop(partition, None)
        self.cells.remove(partition, self.cells.rows_of(partition))

    def free_idle_rows(self, partition: int) -> None:
        """Free the rows of expired cells; to be called between polls."""
        self.cells.remove(partition, self._windows.idle_rows(partition))

    def checkpoint(self, partition: int) -> Checkpoint | None:
        """Return the checkpoint for the next commit of a partition; None while its watermark has no minute."""
        watermark = self._windows.watermark(partition)
        if watermark.minute is None:
            return None
        tolerance = self._settings.tolerance
        state = watermark.restore_points.state_at(watermark.minute - tolerance.memory_minutes - tolerance.ahead_minutes)
        lagging_rows = self._windows.lagging_rows(
            partition, after=self._expired_minute(watermark.minute), before=watermark.minute - self._lag_minutes
        )
        return Checkpoint(
            replay_offset=state.offset,
            replay_minute=state.minute,
            frontier=watermark.minute,
            voters=watermark.cell_count,
            votes=state.claims,
            laggards=encode_laggards(self.cells.digests[lagging_rows]),
        )

    def watermarks(self) -> dict[int, int]:
        """Return the watermark of each assigned partition."""
        return self._windows.watermark_minutes()

    def take_faults(self) -> FaultCounts:
        """Return the faults of values since the last call."""
        return self._decoder.take_faults()

    def feed_period(self) -> float | None:
        """Return the minutes between two samples of a cell as the feed shows them; None while too little was seen."""
        return self._decoder.period_meter.period()

    def coefficients(self, row: int) -> NDArray[np.float32]:
        """Return the baseline of a cell. # [2 + 2·H, F]"""
        return self._baseline.coefficients(self._baseline_row[[row]])[0]

    def process(self, records: Records, publishes_alarms: bool) -> PartitionBatch:
        """Decode, scale and window one partition's records; the result lists the rejected records."""
        with self._stage_timer("decode"):
            samples, rejections = self._decoder.decode(records)
        return self.admit(samples, records.offsets, publishes_alarms, rejections)

    def admit(
        self, samples: Samples, offsets: NDArray[np.int64], publishes_alarms: bool, rejections: Sequence[Rejection] = ()
    ) -> PartitionBatch:
        """Scale and window samples; the result lists the earlier rejections and the new ones.

        # offsets: of the records, by the samples' index
        """
        samples, rows, new_rows, new_rejections = self._locate(samples)
        with self._stage_timer("scale"):
            coefficients = self._baseline.coefficients(self._baseline_row[rows])
            scaled = ScaledSamples(
                rows=rows,
                offsets=offsets[samples.index],
                minute=samples.minute,
                codes=deviations(samples.values, samples.minute, coefficients, self._logarithmic),
                fingerprints=fingerprints(samples.values),
            )
        with self._stage_timer("window"):
            admission = self._windows.admit(samples.partition, scaled)
        new_rejections += [Rejection(int(samples.index[position]), reason) for position, reason in admission.reasons]
        is_covered, is_scored = self._select_windows(admission.micro_batches)
        return PartitionBatch(
            admission=admission,
            publishes_alarms=publishes_alarms,
            is_covered=is_covered,
            is_scored=is_scored,
            new_rows=new_rows,
            rejections=sorted([*rejections, *new_rejections], key=lambda rejection: rejection.index),
        )

    def _locate(self, samples: Samples) -> tuple[Samples, NDArray[np.int64], NDArray[np.int64], list[Rejection]]:
        """Return the samples of cells with a row, their rows, the rows of new cells, and the rejections."""
        rows, new_rows = self.cells.locate(samples.partition, samples.cells)
        if len(new_rows):
            if samples.partition in self._replays:
                checkpoint = self._replays[samples.partition]
                first_minutes = self._first_scored_minutes(checkpoint, self.cells.digests[new_rows])
                self._windows.first_scored_minute[new_rows] = first_minutes
            self._baseline_row[new_rows] = self._baseline.rows([self.cells.names[row] for row in new_rows.tolist()])
        rowless_positions = np.flatnonzero(rows < 0)
        if not len(rowless_positions):
            return samples, rows, new_rows, []
        rejections = [Rejection(int(samples.index[position]), Reason.TOO_MANY_CELLS) for position in rowless_positions]
        located_positions = np.flatnonzero(rows >= 0)
        return select(samples, located_positions), rows[located_positions], new_rows, rejections

    def _select_windows(self, micro_batches: Sequence[MicroBatch]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Return which due windows are covered, and which of these are scored. # -> [sum k] each"""
        coverage = np.concatenate([np.empty(0, np.float32), *(batch.coverage for batch in micro_batches)])
        first_minute = self._windows.first_scored_minute
        is_early = [batch.minute < first_minute[batch.rows] for batch in micro_batches]
        is_covered = np.asarray(coverage >= self._settings.min_coverage)
        return is_covered, is_covered & ~np.concatenate([np.empty(0, np.bool_), *is_early])

    def _expired_minute(self, watermark: int) -> int:
        """Return the newest minute whose score cannot influence any minute that may still be reported."""
        return watermark - self._settings.behind_minutes - self._settings.keep_minutes - 1

    def _first_scored_minutes(self, checkpoint: Checkpoint, digests: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Return the first minutes of these cells whose scores may matter after the replay. # [n] -> [n]

        The next minute of a cell that kept up is later than the watermark minus LAG_MINUTES.
        """
        first_minute = checkpoint.frontier - self._lag_minutes - self._settings.keep_minutes
        return np.where(
            may_lag(digests, checkpoint.laggards), self._expired_minute(checkpoint.frontier) + 1, first_minute
        )
