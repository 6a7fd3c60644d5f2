"""The road of a minute, as a row of calls: decode, scale, window (`intake`), encode, match and decide, alarm.

The records of all partitions of a poll are taken one partition after the other up to their windows, meet in batches of
the encoder, and part again. While a batch is assessed the records of the next are taken.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector.core.encoder import Encode
from detector.core.evidence import AlarmContext, evidence
from detector.core.features import Baseline, Catalogue
from detector.core.inference import InferenceResult, InferenceWorker
from detector.core.ingest.checkpoint import Checkpoint
from detector.core.ingest.intake import Intake, PartitionBatch
from detector.core.ingest.micro_batch import MicroBatch
from detector.core.ingest.samples import Records, Rejection, Samples, select
from detector.core.lifecycle import Alarm, AlarmLifecycle, Event, Persistence, Withheld
from detector.core.scoring.classifier import INSUFFICIENT, VERDICTS, Classifier
from detector.core.scoring.score_history import ScoreHistory
from detector.core.settings import Settings

PART = 1024
"""Records taken, and windows assessed, at a time: the encoder's largest batch, a quarter of a poll that catches up."""


@dataclass
class Work:
    """What one poll came to."""

    events: list[Event] = field(default_factory=list)
    rejections: list[tuple[Records, Rejection]] = field(default_factory=list)
    outcomes: dict[str, int] = field(default_factory=dict)
    verdicts: dict[str, int] = field(default_factory=dict)
    scored: int = 0
    withheld: list[Withheld] = field(default_factory=list)


@dataclass(frozen=True)
class _Batch:
    """Shares whose windows are assessed together."""

    shares: Sequence[PartitionBatch]
    assessment: Future[InferenceResult]


class Pipeline:
    """All state of the partitions owned, and the one way through it."""

    def __init__(
        self,
        catalogue: Catalogue,
        baseline: Baseline,
        encode: Encode,
        judge: Classifier,
        settings: Settings,
        timed: Callable[[str], AbstractContextManager[None]] = lambda stage: nullcontext(),
    ) -> None:
        self._judge = judge
        self._assessor, self._encode = InferenceWorker(encode, timed), encode
        self._settings, self._timed, self._catalogue = settings, timed, catalogue
        self._intake = Intake(catalogue, baseline, settings, timed)
        self.cells = self._intake.cells
        like = judge.library.normal.stretches
        sizes = (like.direction.shape[-1], like.shift.shape[-1])
        self._scores = ScoreHistory(settings.max_cells, *sizes, settings.weights, settings.keep_minutes)
        self._alarms = AlarmLifecycle(self._scores, judge.classes, self._persistence(judge))
        self.adopt(judge)

    def adopt(self, judge: Classifier) -> None:
        """Judges by another library from now on, the remembered minutes included."""
        self._judge = judge
        self._scores.judge_by(judge.columns, len(judge.classes) + len(judge.quiet))
        self._alarms.adopt(judge.classes, self._persistence(judge))

    def assign(self, partition: int, memory: Checkpoint | None, alarms: Sequence[Alarm]) -> None:
        """Takes up a partition whose records will come from the memory's offset on, or from wherever there is none.

        Until `catch_up` only those windows are encoded whose scores can still matter then.
        """
        self.revoke(partition)
        self._intake.assign(partition, memory)
        self._alarms.restore(partition, alarms)

    def catch_up(self, partition: int) -> None:
        """The replay has reached the committed offset."""
        self._intake.catch_up(partition)
        if self._judge.quiet:
            self._recall_withheld(partition)

    def _recall_withheld(self, partition: int) -> None:
        """By as much of the past as a mean needs no more of; who was below the threshold for longer is counted anew."""
        rows, told = self.cells.rows_of(partition), len(self._judge.classes)
        self._scores.refresh(rows)
        minutes = self._settings.keep_minutes - self._settings.score_minutes
        for row in rows[self._scores.reaching(rows, self._judge.threshold)].tolist():
            smoothed = self._scores.history(row, self._scores.newest(row), minutes)[:, told:]
            self._alarms.recall(partition, self.cells.names[row], self._judge.quiet, smoothed)

    def revoke(self, partition: int) -> None:
        self._intake.revoke(partition)
        self._alarms.drop(partition)

    def memory(self, partition: int) -> Checkpoint | None:
        """What the next commit of this partition must carry; None before its first sane record."""
        return self._intake.memory(partition)

    def frontiers(self) -> dict[int, int]:
        """The minute each owned partition has reached."""
        return self._intake.frontiers()

    def open_alarms(self) -> list[Alarm]:
        return self._alarms.open_alarms()

    def process(self, shares: Sequence[tuple[Records, bool]]) -> Work:
        """One poll: each partition's records, in offset order, and whether they are to be heard or only remembered.

        While a batch of windows is assessed the records of the next are taken; alarms follow in the order of the log.
        """
        work = Work()
        taken = (self._take(part, audible, work) for records, audible in shares for part in _parts(records))
        self._drive(taken, [records.partition for records, _ in shares], work)
        return work

    def process_samples(self, samples: Samples, first_offset: int) -> Work:
        """The same for records that need no decoding, as a history's: as if they lay one after the other in the log."""
        work = Work()
        rows = np.arange(len(samples))
        samples = replace(samples, index=rows)
        parts = (select(samples, rows[start : start + PART]) for start in range(0, len(rows), PART))
        taken = (self._note(self._intake.admit(part, first_offset + rows, True), work) for part in parts)
        self._drive(taken, [samples.partition], work)
        return work

    def _drive(self, taken: Iterator[PartitionBatch], partitions: Sequence[int], work: Work) -> None:
        assessed: deque[_Batch] = deque()
        for batch in self._batches(taken):
            assessed.append(batch)
            if len(assessed) > 1:
                self._follow(assessed.popleft(), work)
        for batch in assessed:
            self._follow(batch, work)
        for partition in partitions:
            self._intake.forget_idle(partition)

    def _take(self, records: Records, audible: bool, work: Work) -> PartitionBatch:
        share = self._intake.take(records, audible)
        if audible:
            work.rejections += [(records, rejection) for rejection in share.rejections]
        else:
            _add(work.outcomes, {"replayed": len(records)})
        return self._note(share, work)

    def _note(self, share: PartitionBatch, work: Work) -> PartitionBatch:
        """Counts what became of the records; cells that have just got a row begin with no score."""
        self._scores.begin(share.fresh)
        if share.audible:
            _add(work.outcomes, {**share.admission.outcomes, "rejected": len(share.rejections)})
            _add(work.verdicts, {VERDICTS[INSUFFICIENT]: int(np.count_nonzero(~share.covered))})
        return share

    def _batches(self, taken: Iterator[PartitionBatch]) -> Iterator[_Batch]:
        """Small partitions share a batch, large ones fill several."""
        shares: list[PartitionBatch] = []
        for share in taken:
            shares.append(share)
            if sum(share.count for share in shares) >= PART:
                yield self._assess(shares)
                shares = []
        if shares:
            yield self._assess(shares)

    def _assess(self, shares: Sequence[PartitionBatch]) -> _Batch:
        minute = np.concatenate([share.minute for share in shares])
        return _Batch(shares, self._assessor.submit([share.windows for share in shares], minute, self._judge))

    def _follow(self, batch: _Batch, work: Work) -> None:
        """Waits for the batch, and hands each share its own part of what came of it."""
        assessment = batch.assessment.result()
        work.scored += len(assessment.embeddings)
        start = 0
        with self._timed("alarm"):
            for share in batch.shares:
                self._walk(share, assessment[start : start + share.count], work)
                start += share.count

    def _walk(self, share: PartitionBatch, assessment: InferenceResult, work: Work) -> None:
        """Walks the turns in log order: remember the scores, and step the alarms where the poll is audible."""
        if share.audible:
            counts = np.bincount(assessment.verdicts.kind, minlength=len(VERDICTS)).tolist()
            _add(work.verdicts, dict(zip(VERDICTS, counts, strict=True)))
        due = used = 0
        for turn in share.admission.turns:
            scored = share.scored[due : due + len(turn.rows)]
            mine = assessment[used : used + int(np.count_nonzero(scored))]
            windows = share.admission.windows[due : due + len(turn.rows)]
            due, used = due + len(turn.rows), used + len(mine.embeddings)
            self._scores.begin(turn.rows[turn.fresh])
            self._scores.push(turn.rows[scored], turn.minute[scored], mine.embeddings, mine.verdicts.scores)
            if share.audible:
                self._scores.refresh(turn.rows)
                names = [self.cells.names[row] for row in turn.rows.tolist()]
                opened = self._alarms.having_open(turn.partition, names)
                smoothed, told = self._smoothed(turn, scored, opened), len(self._judge.classes)
                events = self._alarms.step(turn, names, smoothed[:, :told], opened)
                work.events += [replace(event, evidence=self._evidence(event, turn, windows)) for event in events]
                if self._judge.quiet:
                    work.withheld += self._alarms.withheld(turn, names, self._judge.quiet, smoothed[:, told:])

    def _smoothed(self, turn: MicroBatch, scored: NDArray[np.bool_], opened: NDArray[np.bool_]) -> NDArray[np.float32]:
        """The mean scores of the due cells; NaN where nothing can come of them, which spares most of the work."""
        columns = len(self._judge.classes) + len(self._judge.quiet)
        mean = np.full((len(turn.rows), columns), np.nan, np.float32)
        watched = self._scores.reaching(turn.rows, self._judge.threshold)
        at = np.flatnonzero(scored & (watched | opened))
        mean[at] = self._scores.smoothed(turn.rows[at], turn.minute[at])
        return mean

    def _evidence(self, event: Event, turn: MicroBatch, windows: NDArray[np.int8]) -> dict[str, Any]:
        """# windows: of the turn's due cells, [k, 60, F]"""
        embeddings = self._scores.embedding(event.row, event.minute) if event.row >= 0 else None
        if embeddings is None:
            return {}
        at = int(np.flatnonzero(turn.rows == event.row)[0])
        case = AlarmContext(windows[at], embeddings, float(turn.coverage[at]), self._intake.coefficients(event.row))
        return evidence(event, case, self._judge, self._encode, self._catalogue)

    def _persistence(self, judge: Classifier) -> Persistence:
        settings = self._settings
        return Persistence(
            judge.threshold, settings.clear_margin, settings.hold_minutes, settings.unknown_minutes, judge.severities
        )


def _add(totals: dict[str, int], counts: dict[str, int]) -> None:
    for name, count in counts.items():
        totals[name] = totals.get(name, 0) + count


def _parts(records: Records) -> Iterator[Records]:
    for start in range(0, len(records), PART):
        part = slice(start, start + PART)
        yield Records(records.partition, records.offsets[part], records.keys[part], records.values[part])
