"""Pipeline: the steps from records to alarms, as a sequence of stages.

The stages are decode, scale, window (all three in `intake`), encode, match, decide, and alarm. The first three process
a poll's partitions one after the other. The windows of several partitions share an encoder batch; the results are split
by partition again for the alarms. While one batch is encoded and matched, the records of the next batch are decoded.
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
from detector.core.ingest.value_faults import FaultCounts
from detector.core.lifecycle import Alarm, AlarmLifecycle, Event, Persistence
from detector.core.scoring.classifier import INSUFFICIENT, VERDICTS, Classifier
from detector.core.scoring.score_history import ScoreHistory
from detector.core.settings import Settings
from detector.core.suppression import SuppressedEpisode, SuppressionTracker

MAX_BATCH = 1024
"""Number of records that are decoded, and of windows that are encoded, at a time.

This is the encoder's largest batch, and a quarter of a full poll while the consumer catches up."""


@dataclass
class PollResult:
    """Events, rejections and counts of one poll."""

    events: list[Event] = field(default_factory=list)
    rejections: list[tuple[Records, Rejection]] = field(default_factory=list)
    outcomes: dict[str, int] = field(default_factory=dict)
    """Number of records by outcome."""
    verdicts: dict[str, int] = field(default_factory=dict)
    """Number of decisions by verdict."""
    window_count: int = 0
    """Number of windows that were encoded."""
    suppressed_episodes: list[SuppressedEpisode] = field(default_factory=list)
    faults: FaultCounts = field(default_factory=FaultCounts)
    """Faults of values in the records."""


@dataclass(frozen=True)
class _InferenceBatch:
    """Partition batches whose windows are encoded together."""

    batches: Sequence[PartitionBatch]
    result: Future[InferenceResult]


class Pipeline:
    """State of all assigned partitions. Its input is records, its output events."""

    def __init__(
        self,
        catalogue: Catalogue,
        baseline: Baseline,
        encode: Encode,
        classifier: Classifier,
        settings: Settings,
        stage_timer: Callable[[str], AbstractContextManager[None]] = lambda stage: nullcontext(),
    ) -> None:
        self._classifier = classifier
        self._worker, self._encode = InferenceWorker(encode, stage_timer), encode
        self._settings, self._stage_timer, self._catalogue = settings, stage_timer, catalogue
        self._intake = Intake(catalogue, baseline, settings, stage_timer)
        self.cells = self._intake.cells
        stretches = classifier.exemplar_index.normal.stretches
        self._scores = ScoreHistory(
            settings.max_cells,
            dimension=stretches.direction.shape[-1],
            shift=stretches.shift.shape[-1],
            weights=settings.weights,
            keep_minutes=settings.keep_minutes,
            period_minutes=settings.period_minutes,
        )
        self._alarms = AlarmLifecycle(classifier.classes, self._persistence(classifier))
        self._suppression = SuppressionTracker(classifier, settings.clear_margin)
        self.use_classifier(classifier)

    def use_classifier(self, classifier: Classifier) -> None:
        """Replace the classifier, and score the stored minutes again."""
        self._classifier = classifier
        columns = len(classifier.classes) + len(classifier.suppressed_classes)
        self._scores.use_classifier(classifier.score_columns, columns)
        self._alarms.use_classes(classifier.classes, self._persistence(classifier))
        self._suppression.use_classifier(classifier)

    def assign(self, partition: int, checkpoint: Checkpoint | None, alarms: Sequence[Alarm]) -> None:
        """Take over a partition. Its records begin at the checkpoint's replay offset, or anywhere without a checkpoint.

        Until `catch_up` only those windows are encoded whose scores can still matter after it.
        """
        self.revoke(partition)
        self._intake.assign(partition, checkpoint)
        self._alarms.restore(partition, alarms)

    def catch_up(self, partition: int) -> None:
        """End the replay of a partition that has reached its committed offset."""
        self._intake.catch_up(partition)
        if self._classifier.suppressed_classes:
            self._restore_suppressed(partition)

    def _restore_suppressed(self, partition: int) -> None:
        """Restore the suppressed episodes from the stored scores, except the minutes that the first mean needs.

        An episode that was below the threshold for longer is counted again.
        """
        rows = self.cells.rows_of(partition)
        self._scores.refresh(rows)
        minutes = self._settings.keep_minutes - self._settings.score_minutes
        for row in rows[self._scores.may_reach(rows, self._classifier.threshold)].tolist():
            history = self._scores.smoothed_history(row, self._scores.newest_minute(row), minutes)
            self._suppression.restore(partition, self.cells.names[row], history)

    def revoke(self, partition: int) -> None:
        """Drop the state of a partition."""
        self._intake.revoke(partition)
        self._alarms.drop(partition)
        self._suppression.drop(partition)

    def checkpoint(self, partition: int) -> Checkpoint | None:
        """Return the checkpoint for the next commit of a partition; None while its watermark has no minute."""
        return self._intake.checkpoint(partition)

    def watermarks(self) -> dict[int, int]:
        """Return the watermark of each assigned partition."""
        return self._intake.watermarks()

    def feed_period(self) -> float | None:
        """Return the minutes between two samples of a cell as the feed shows them; None while too little was seen."""
        return self._intake.feed_period()

    def open_alarms(self) -> list[Alarm]:
        """Return the open alarms of all partitions."""
        return self._alarms.open_alarms()

    def process(self, poll: Sequence[tuple[Records, bool]]) -> PollResult:
        """Process one poll: each partition's records in offset order, with True if live, False if replayed.

        Only live records publish alarms. While a batch of windows is encoded, the records of the next batch are
        decoded. Alarms keep the order of the log.
        """
        result = PollResult()
        batches = (
            self._ingest(part, publishes_alarms, result)
            for records, publishes_alarms in poll
            for part in _parts(records)
        )
        self._run(batches, [records.partition for records, _ in poll], result)
        result.faults = self._intake.take_faults()
        return result

    def process_samples(self, samples: Samples, first_offset: int) -> PollResult:
        """Process decoded records, such as a history's, as if they followed one another in the log."""
        result = PollResult()
        rows = np.arange(len(samples))
        samples = replace(samples, index=rows)
        parts = (select(samples, rows[start : start + MAX_BATCH]) for start in range(0, len(rows), MAX_BATCH))
        batches = (self._count(self._intake.admit(part, first_offset + rows, True), result) for part in parts)
        self._run(batches, [samples.partition], result)
        return result

    def _run(self, batches: Iterator[PartitionBatch], partitions: Sequence[int], result: PollResult) -> None:
        """Ingest one batch while the previous batch is encoded."""
        queue: deque[_InferenceBatch] = deque()
        for batch in self._submit_batches(batches):
            queue.append(batch)
            if len(queue) > 1:
                self._finish(queue.popleft(), result)
        for batch in queue:
            self._finish(batch, result)
        for partition in partitions:
            self._intake.free_idle_rows(partition)

    def _ingest(self, records: Records, publishes_alarms: bool, result: PollResult) -> PartitionBatch:
        batch = self._intake.process(records, publishes_alarms)
        if publishes_alarms:
            result.rejections += [(records, rejection) for rejection in batch.rejections]
        else:
            _add(result.outcomes, {"replayed": len(records)})
        return self._count(batch, result)

    def _count(self, batch: PartitionBatch, result: PollResult) -> PartitionBatch:
        """Count the records by outcome, and empty the score history of new cells' rows."""
        self._scores.reset(batch.new_rows)
        if batch.publishes_alarms:
            _add(result.outcomes, {**batch.admission.outcomes, "rejected": len(batch.rejections)})
            _add(result.verdicts, {VERDICTS[INSUFFICIENT]: int(np.count_nonzero(~batch.is_covered))})
        return batch

    def _submit_batches(self, batches: Iterator[PartitionBatch]) -> Iterator[_InferenceBatch]:
        """Submit windows to the encoder: small partitions share a batch, large ones fill several."""
        group: list[PartitionBatch] = []
        for batch in batches:
            group.append(batch)
            if sum(batch.count for batch in group) >= MAX_BATCH:
                yield self._submit(group)
                group = []
        if group:
            yield self._submit(group)

    def _submit(self, batches: Sequence[PartitionBatch]) -> _InferenceBatch:
        minute = np.concatenate([batch.minute for batch in batches])
        windows = [batch.windows for batch in batches]
        return _InferenceBatch(batches, self._worker.submit(windows, minute, self._classifier))

    def _finish(self, batch: _InferenceBatch, result: PollResult) -> None:
        """Wait for a batch, and apply to each partition its own part of the result."""
        inference = batch.result.result()
        result.window_count += len(inference.embeddings)
        start = 0
        with self._stage_timer("alarm"):
            for partition_batch in batch.batches:
                self._apply(partition_batch, inference[start : start + partition_batch.count], result)
                start += partition_batch.count

    def _apply(self, batch: PartitionBatch, inference: InferenceResult, result: PollResult) -> None:
        """Store the scores of each micro-batch in log order, and step the alarms if the batch publishes alarms."""
        if batch.publishes_alarms:
            counts = np.bincount(inference.decisions.kind, minlength=len(VERDICTS)).tolist()
            _add(result.verdicts, dict(zip(VERDICTS, counts, strict=True)))
        due_start = scored_start = 0
        for micro_batch in batch.admission.micro_batches:
            is_scored = batch.is_scored[due_start : due_start + len(micro_batch.rows)]
            part = inference[scored_start : scored_start + int(np.count_nonzero(is_scored))]
            windows = batch.admission.windows[due_start : due_start + len(micro_batch.rows)]
            due_start, scored_start = due_start + len(micro_batch.rows), scored_start + len(part.embeddings)
            self._scores.reset(micro_batch.rows[micro_batch.starts_anew])
            rows, minute = micro_batch.rows[is_scored], micro_batch.minute[is_scored]
            self._scores.push(rows, minute, part.embeddings, part.decisions.scores)
            if batch.publishes_alarms:
                self._step_alarms(micro_batch, is_scored, windows, result)

    def _step_alarms(
        self, batch: MicroBatch, is_scored: NDArray[np.bool_], windows: NDArray[np.int8], result: PollResult
    ) -> None:
        """Step the alarm lifecycle once. Scores are smoothed only where an alarm is open or can follow.

        # of the micro-batch: is_scored [k], windows [k, 60, F]
        """
        self._scores.refresh(batch.rows)
        names = [self.cells.names[row] for row in batch.rows.tolist()]
        has_alarm = self._alarms.has_open_alarm(batch.partition, names)
        can_alarm = self._scores.may_reach(batch.rows, self._classifier.threshold)
        scores = self._scores.window(batch.rows, batch.minute, is_scored & (can_alarm | has_alarm))
        events = self._alarms.step(batch, names, has_alarm, scores)
        period = self._settings.period_minutes
        result.events += [
            replace(event, evidence=self._evidence(event, batch, windows), period_minutes=period) for event in events
        ]
        result.suppressed_episodes += self._suppression.step(batch, names, scores)

    def _evidence(self, event: Event, batch: MicroBatch, windows: NDArray[np.int8]) -> dict[str, Any]:
        """Return the evidence of an event. # windows of the micro-batch [k, 60, F]"""
        embeddings = self._scores.embedding(event.row, event.minute) if event.row >= 0 else None
        if embeddings is None:
            return {}
        position = int(np.flatnonzero(batch.rows == event.row)[0])
        context = AlarmContext(
            codes=windows[position],
            embeddings=embeddings,
            coverage=float(batch.coverage[position]),
            coefficients=self._intake.coefficients(event.row),
        )
        return evidence(event, context, self._classifier, self._encode, self._catalogue)

    def _persistence(self, classifier: Classifier) -> Persistence:
        return Persistence(
            threshold=classifier.threshold,
            clear_margin=self._settings.clear_margin,
            hold_minutes=self._settings.hold_minutes,
            unknown_minutes=self._settings.unknown_minutes,
            severities=classifier.severities,
        )


def _add(totals: dict[str, int], counts: dict[str, int]) -> None:
    for name, count in counts.items():
        totals[name] = totals.get(name, 0) + count


def _parts(records: Records) -> Iterator[Records]:
    for start in range(0, len(records), MAX_BATCH):
        part = slice(start, start + MAX_BATCH)
        yield records.part(part)
