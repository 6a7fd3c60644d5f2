"""From the log to the windows: decode, scale, window, and what a commit must remember of it.

The state is kept per cell; a partition can be taken up and put down at any time. What a window means is nobody's
concern here.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detector.core.features import Baseline, Catalogue, deviations, fingerprints
from detector.core.ingest.cell_index import CellIndex
from detector.core.ingest.checkpoint import Checkpoint, WatermarkState, mark, marked
from detector.core.ingest.micro_batch import AdmissionResult, MicroBatch
from detector.core.ingest.samples import Decoder, Reason, Records, Rejection, Samples, select
from detector.core.ingest.windows import Windows
from detector.core.settings import Settings

LAG_MINUTES = 5
"""A cell whose newest minute lies no further behind the frontier has kept up: what is in flight, and a retry."""


@dataclass
class PartitionBatch:
    """One partition's part of a poll, between its windows and its alarms."""

    admission: AdmissionResult
    audible: bool
    covered: NDArray[np.bool_]
    """Which due windows are reported well enough for a verdict, … # [sum k]"""
    scored: NDArray[np.bool_]
    """… and which of them go to the encoder. # [sum k]"""
    fresh: NDArray[np.int64]
    """Rows that have just become cells'."""
    rejections: list[Rejection]

    @property
    def windows(self) -> NDArray[np.int8]:
        """Those windows; as a rule all that are due, and then no copy of their 7.8 kB each."""
        return self.admission.windows if self.scored.all() else self.admission.windows[self.scored]

    @property
    def minute(self) -> NDArray[np.int64]:
        """Their last minutes."""
        return np.concatenate([np.empty(0, np.int64), *(turn.minute for turn in self.admission.turns)])[self.scored]

    @property
    def count(self) -> int:
        return int(np.count_nonzero(self.scored))


class Intake:
    """The windows of all partitions owned, and the one way into them."""

    def __init__(
        self,
        catalogue: Catalogue,
        baseline: Baseline,
        settings: Settings,
        timed: Callable[[str], AbstractContextManager[None]],
    ) -> None:
        self._baseline, self._settings, self._timed = baseline, settings, timed
        self._logarithmic = catalogue.logarithmic
        self._decoder = Decoder(catalogue, settings.max_record_bytes)
        self.cells = CellIndex(settings.max_cells)
        self._baseline_row = np.zeros(settings.max_cells, np.int64)
        self._windows = Windows(self.cells, len(catalogue), settings.tolerance)
        self._replays: dict[int, Checkpoint] = {}
        """Partitions that are behind their commit."""

    def assign(self, partition: int, memory: Checkpoint | None) -> None:
        """Takes up a partition whose records will come from the memory's offset on, or from wherever there is none.

        Until `catch_up` only those windows are worth scoring whose scores can still matter then.
        """
        self.revoke(partition)
        if memory is not None:
            self._windows.resume(partition, WatermarkState(memory.replay_offset, memory.replay_minute, memory.votes))
            self._replays[partition] = memory

    def catch_up(self, partition: int) -> None:
        """The replay has reached the committed offset."""
        self._replays.pop(partition, None)
        self._windows.listen_from[self.cells.rows_of(partition)] = 0

    def revoke(self, partition: int) -> None:
        self._windows.drop(partition)
        self._replays.pop(partition, None)
        self.cells.remove(partition, self.cells.rows_of(partition))

    def forget_idle(self, partition: int) -> None:
        """Gives the rows of cells that are not heard any more back; between polls."""
        self.cells.remove(partition, self._windows.idle_rows(partition))

    def memory(self, partition: int) -> Checkpoint | None:
        """What the next commit of this partition must carry; None before its first sane record."""
        frontier = self._windows.frontier(partition)
        if frontier.minute is None:
            return None
        tolerance = self._settings.tolerance
        standing = frontier.trail.begin(frontier.minute - tolerance.memory_minutes - tolerance.ahead_minutes)
        lagging = self._windows.lagging(partition, self._forgotten(frontier.minute), frontier.minute - LAG_MINUTES)
        laggards = mark(self.cells.digests[lagging])
        return Checkpoint(standing.offset, standing.minute, frontier.minute, frontier.voters, standing.votes, laggards)

    def frontiers(self) -> dict[int, int]:
        """The minute each owned partition has reached."""
        return self._windows.minutes()

    def coefficients(self, row: int) -> NDArray[np.float32]:
        """The baseline of a cell. # [2 + 2·H, F]"""
        return self._baseline.coefficients(self._baseline_row[[row]])[0]

    def take(self, records: Records, audible: bool) -> PartitionBatch:
        """One partition's records: decoded, scaled, windowed, or refused."""
        with self._timed("decode"):
            samples, rejections = self._decoder.decode(records)
        return self.admit(samples, records.offsets, audible, rejections)

    def admit(
        self, samples: Samples, offsets: NDArray[np.int64], audible: bool, rejections: Sequence[Rejection] = ()
    ) -> PartitionBatch:
        """The same for samples, beside those that were refused before; more are, where there is no room or no place.

        # offsets: of the records, by the samples' index
        """
        samples, rows, fresh, refused = self._locate(samples)
        with self._timed("scale"):
            coefficients = self._baseline.coefficients(self._baseline_row[rows])
            codes = deviations(samples.values, samples.minute, coefficients, self._logarithmic)
            prints = fingerprints(samples.values)
        with self._timed("window"):
            at = offsets[samples.index]
            admission = self._windows.admit(samples.partition, rows, at, samples.minute, codes, prints)
        refused += [Rejection(int(samples.index[position]), reason) for position, reason in admission.reasons]
        refused = sorted([*rejections, *refused], key=lambda rejection: rejection.index)
        return PartitionBatch(admission, audible, *self._worth_scoring(admission.turns), fresh, refused)

    def _locate(self, samples: Samples) -> tuple[Samples, NDArray[np.int64], NDArray[np.int64], list[Rejection]]:
        """Those there is room for, their rows, the rows that have just become theirs, and who is refused."""
        rows, fresh = self.cells.locate(samples.partition, samples.cells)
        if len(fresh):
            if samples.partition in self._replays:
                memory = self._replays[samples.partition]
                self._windows.listen_from[fresh] = self._listen_from(memory, self.cells.digests[fresh])
            self._baseline_row[fresh] = self._baseline.rows([self.cells.names[row] for row in fresh.tolist()])
        full = np.flatnonzero(rows < 0)
        if not len(full):
            return samples, rows, fresh, []
        refused = [Rejection(int(samples.index[row]), Reason.TOO_MANY_CELLS) for row in full]
        kept = np.flatnonzero(rows >= 0)
        return select(samples, kept), rows[kept], fresh, refused

    def _worth_scoring(self, turns: Sequence[MicroBatch]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Which due windows are covered, and which of these matter. # -> [sum k] each"""
        coverage = np.concatenate([np.empty(0, np.float32), *(turn.coverage for turn in turns)])
        early = [turn.minute < self._windows.listen_from[turn.rows] for turn in turns]
        covered = np.asarray(coverage >= self._settings.min_coverage)
        return covered, covered & ~np.concatenate([np.empty(0, np.bool_), *early])

    def _forgotten(self, frontier: int) -> int:
        """The scores of this minute and all before are too old for any minute that may still come."""
        return frontier - self._settings.behind_minutes - self._settings.keep_minutes - 1

    def _listen_from(self, memory: Checkpoint, digests: NDArray[np.uint64]) -> NDArray[np.int64]:
        """The first minutes of these cells whose scores may matter after the replay.

        The next minute of a cell that kept up lies after the frontier less the lag. # [n] -> [n]
        """
        kept_up = memory.frontier - LAG_MINUTES - self._settings.keep_minutes
        return np.where(marked(digests, memory.laggards), self._forgotten(memory.frontier) + 1, kept_up)
