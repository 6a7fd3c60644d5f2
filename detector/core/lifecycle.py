"""Alarm lifecycle: scores that stay high become one alarm with an onset and a clearance, whatever they do in between.

An alarm is raised above the threshold, and cleared when its score has stayed below a lower one for a while. Its
severity only rises. A cell has one fault class at a time: a second fault is named after the first has ended, and a
named fault ends an `unknown`. All of it is a function of the open alarms and of the scores of the last minutes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector.core.ingest.micro_batch import MicroBatch
from detector.core.scoring.score_history import ScoreWindow
from detector.core.vocabulary import CHANGED, CLEARED, NEW, SEVERITIES, SILENT, UNKNOWN, Alarm

_SEVERITY_STEPS = (1.0, 1.5, 2.25)
"""Scores of minor, major and critical alarms, in thresholds: the false-alarm rate falls by a factor at each."""


@dataclass(frozen=True)
class Event:
    """Event: a new, changed or cleared alarm, with the reason."""

    change: str
    partition: int
    alarm: Alarm
    minute: int
    score: float = float("nan")
    row: int = -1
    """Row of the cell, where a window is behind the event; -1 for a silence."""
    superseded_by: str | None = None
    evidence: dict[str, Any] = field(default_factory=dict)
    """Evidence behind the decision, for the reader of the alarm."""
    period_minutes: int = 1

    @property
    def end(self) -> int:
        """First minute after the event's sample: the time at which it can be known."""
        return self.minute + self.period_minutes


@dataclass(frozen=True, kw_only=True)
class Persistence:
    """Conditions under which a score becomes an alarm, and under which the alarm ends."""

    threshold: float
    clear_margin: float
    hold_minutes: int
    unknown_minutes: int
    severities: Mapping[str, str] = field(default_factory=dict)
    """Severities of the classes that were taught with one; of the others the score decides."""

    @property
    def lower_threshold(self) -> float:
        """Threshold below which an episode ends."""
        return self.threshold - self.clear_margin


@dataclass(frozen=True, kw_only=True)
class _DueCell:
    """One due cell of a micro-batch, at its minute."""

    partition: int
    name: str
    position: int
    """Position in the micro-batch."""
    smoothed: NDArray[np.float32]
    """Its smoothed scores of the faults, then of unknown. # [C + 1]"""
    scores: ScoreWindow

    @property
    def row(self) -> int:
        return int(self.scores.rows[self.position])

    @property
    def minute(self) -> int:
        return int(self.scores.minute[self.position])

    def event(self, change: str, alarm: Alarm, score: float) -> Event:
        return Event(
            change=change, partition=self.partition, alarm=alarm, minute=self.minute, score=score, row=self.row
        )

    def clearance(self, alarm: Alarm, superseded_by: str | None = None) -> Event:
        """Return the event of an alarm that ends by another cause than its score."""
        return Event(CLEARED, self.partition, alarm, self.minute, superseded_by=superseded_by)


class AlarmLifecycle:
    """Lifecycle of the alarms of all partitions: the open alarms, and the steps that change them."""

    def __init__(self, classes: Sequence[str], persistence: Persistence) -> None:
        self._open: dict[int, dict[str, dict[str, Alarm]]] = {}
        self.use_classes(classes, persistence)

    def use_classes(self, classes: Sequence[str], persistence: Persistence) -> None:
        """Set the classes of the scores' first columns from now on: faults, then unknown."""
        self._classes = list(classes)
        self._persistence = persistence

    def restore(self, partition: int, alarms: Sequence[Alarm]) -> None:
        """Replace the open alarms of a partition."""
        by_cell: dict[str, dict[str, Alarm]] = {}
        for alarm in alarms:
            by_cell.setdefault(alarm.cell, {})[alarm.name] = alarm
        self._open[partition] = by_cell

    def drop(self, partition: int) -> None:
        """Forget the open alarms of a partition."""
        self._open.pop(partition, None)

    def open_alarms(self) -> list[Alarm]:
        """Return the open alarms of all partitions."""
        return [alarm for cells in self._open.values() for by_name in cells.values() for alarm in by_name.values()]

    def has_open_alarm(self, partition: int, names: Sequence[str]) -> NDArray[np.bool_]:
        """Return which of these cells have an alarm open. # [n]"""
        by_cell = self._open.get(partition)
        if not by_cell:
            return np.zeros(len(names), bool)
        return np.fromiter((name in by_cell for name in names), bool, len(names))

    def step(
        self, batch: MicroBatch, names: Sequence[str], has_alarm: NDArray[np.bool_], scores: ScoreWindow
    ) -> list[Event]:
        """Apply one micro-batch to the alarms, and return the changes in the order of the log.

        # of the due cells: names [k], has_alarm [k] (those with an alarm open), scores of k
        """
        self._open.setdefault(batch.partition, {})
        smoothed = scores.smoothed[:, : len(self._classes)]
        needs_step = (smoothed >= self._persistence.threshold).any(axis=1) | has_alarm
        events: list[Event] = []
        for position in np.flatnonzero(needs_step).tolist():
            cell = _DueCell(
                partition=batch.partition,
                name=names[position],
                position=position,
                smoothed=smoothed[position],
                scores=scores,
            )
            events += self._step_cell(cell, bool(batch.ends_silence[position]))
        if batch.watermark is not None:
            events += self._raise_silences(batch, batch.watermark)
        return events

    def _step_cell(self, cell: _DueCell, ends_silence: bool) -> list[Event]:
        """Step one cell with a high score or an open alarm: clear, then rename, then raise."""
        alarms = self._open[cell.partition].get(cell.name, {})
        events: list[Event] = []
        if SILENT in alarms and ends_silence:
            events.append(cell.clearance(alarms[SILENT]))
        for name in sorted(set(alarms) - {SILENT}):
            events += self._update_alarm(cell, alarms[name])
        self._apply(cell.partition, events)
        raised_events = self._raise_alarm(cell)
        self._apply(cell.partition, raised_events)
        return events + raised_events

    def _update_alarm(self, cell: _DueCell, alarm: Alarm) -> list[Event]:
        """Clear an open alarm, raise its severity, or leave it."""
        if alarm.name not in self._classes:
            return [cell.clearance(alarm, superseded_by="the label was retired")]
        column = self._classes.index(alarm.name)
        score = float(cell.smoothed[column])
        if score < self._persistence.lower_threshold and self._is_low_for_hold(cell, column):
            return [cell.event(CLEARED, alarm, score)]
        severity = self._severity(alarm.name, score)
        if SEVERITIES.index(severity) > SEVERITIES.index(alarm.severity):
            return [cell.event(CHANGED, replace(alarm, severity=severity), score)]
        return []

    def _is_low_for_hold(self, cell: _DueCell, column: int) -> bool:
        """Return True when every minute of the hold was scored and lay below the lower threshold."""
        history = cell.scores.smoothed_history(cell.position, column, self._persistence.hold_minutes)
        return bool((history < self._persistence.lower_threshold).all())

    def _raise_alarm(self, cell: _DueCell) -> list[Event]:
        """Raise an alarm of the strongest fault or of unknown, where the cell's open alarms allow it."""
        alarms = self._open[cell.partition].get(cell.name, {})
        smoothed, threshold = cell.smoothed, self._persistence.threshold
        faults = [name for name in alarms if name not in (SILENT, UNKNOWN)]
        columns = [self._classes.index(name) for name in faults if name in self._classes]
        if any(smoothed[column] >= self._persistence.lower_threshold for column in columns):
            return []
        if len(smoothed) > 1:
            best = int(np.argmax(smoothed[:-1]))
            if smoothed[best] >= threshold and self._classes[best] not in alarms:
                new_event = self._begin_alarm(cell, best)
                superseded_alarms = [alarms[UNKNOWN]] if UNKNOWN in alarms else []
                return [*(cell.clearance(alarm, new_event.alarm.name) for alarm in superseded_alarms), new_event]
        if faults or UNKNOWN in alarms or not smoothed[-1] >= threshold:
            return []
        column = len(smoothed) - 1
        history = cell.scores.smoothed_history(cell.position, column, self._persistence.unknown_minutes)
        return [self._begin_alarm(cell, column)] if (history >= threshold).all() else []

    def _begin_alarm(self, cell: _DueCell, column: int) -> Event:
        """Return the event of a new alarm.

        Its onset is the first of the minutes up to now whose unsmoothed scores are all above the lower threshold.
        """
        minute, score = cell.minute, float(cell.smoothed[column])
        raw_scores = cell.scores.raw_history(cell.position, column, self._persistence.hold_minutes)
        positions_below = np.flatnonzero(~(raw_scores >= self._persistence.lower_threshold))
        samples = len(raw_scores) - (int(positions_below[-1]) + 1 if len(positions_below) else 0)
        onset = minute - (samples - 1) * cell.scores.period_minutes
        name = self._classes[column]
        return cell.event(NEW, Alarm(cell.name, name, min(onset, minute), self._severity(name, score)), score)

    def _severity(self, name: str, score: float) -> str:
        if name in self._persistence.severities:
            return self._persistence.severities[name]
        severities = [
            severity
            for severity, step in zip(SEVERITIES, _SEVERITY_STEPS, strict=True)
            if score >= step * self._persistence.threshold
        ]
        return severities[-1] if severities else SEVERITIES[0]

    def _raise_silences(self, batch: MicroBatch, watermark: int) -> list[Event]:
        alarms = self._open[batch.partition]
        events = [
            Event(NEW, batch.partition, Alarm(cell, SILENT, since, "major"), watermark)
            for cell, since in sorted(zip(batch.silent_cells, batch.silent_since, strict=True))
            if SILENT not in alarms.get(cell, {})
        ]
        self._apply(batch.partition, events)
        return events

    def _apply(self, partition: int, events: Sequence[Event]) -> None:
        by_cell = self._open[partition]
        for event in events:
            alarm = event.alarm
            alarms = by_cell.setdefault(alarm.cell, {})
            if event.change == CLEARED:
                del alarms[alarm.name]
            else:
                alarms[alarm.name] = alarm
            if not alarms:
                del by_cell[alarm.cell]
