"""Episodes: scores that stay high become one alarm with a beginning and an end, whatever they do in between.

An alarm is raised above the threshold, cleared when it has stayed below a lower one for a while, and its severity only
rises. A cell bears one name at a time: a second fault is named once the first has gone quiet, and a named fault ends an
`unknown`. All of it is a function of the open alarms and of the scores of the last minutes; nothing else is remembered.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector.core.ingest.micro_batch import MicroBatch
from detector.core.scoring.classifier import SuppressedClass
from detector.core.scoring.exemplars import SEVERITIES
from detector.core.scoring.score_history import ScoreHistory

SILENT = "cell_silent"
UNKNOWN = "unknown"

NEW, CHANGED, CLEARED = "new", "changed", "cleared"
CHANGES = (NEW, CHANGED, CLEARED)

_SEVERITY_STEPS = (1.0, 1.5, 2.25)
"""A score of so many thresholds is minor, major and critical: the false-alarm rate falls by a factor each."""


@dataclass(frozen=True)
class Alarm:
    """One episode of one cell."""

    cell: str
    name: str
    """Fault class, `unknown` or `cell_silent`."""
    onset: int
    """Minute since which it has looked so; with cell and name it identifies the episode."""
    severity: str


@dataclass(frozen=True)
class Event:
    """Something to tell: the alarm as it now is, and why."""

    change: str
    partition: int
    alarm: Alarm
    minute: int
    score: float = float("nan")
    row: int = -1
    """Of the cell, where a window is behind the event; -1 for a silence."""
    superseded_by: str | None = None
    evidence: dict[str, Any] = field(default_factory=dict)
    """What stands behind the verdict, for whoever reads the alarm."""


@dataclass(frozen=True)
class Persistence:
    """When a score becomes an alarm, and when it ends."""

    threshold: float
    clear_margin: float
    hold_minutes: int
    unknown_minutes: int
    severities: Mapping[str, str] = field(default_factory=dict)
    """Of the classes that were taught with one; of the others the score decides."""


@dataclass(frozen=True)
class Withheld:
    """An episode that was recognised and raised nothing."""

    cell: str
    because: SuppressedClass
    minute: int


class AlarmLifecycle:
    """The open alarms of all partitions, and what was withheld."""

    def __init__(self, scores: ScoreHistory, classes: Sequence[str], persistence: Persistence) -> None:
        self._scores = scores
        self._open: dict[int, dict[str, dict[str, Alarm]]] = {}
        self._going: dict[int, set[tuple[str, SuppressedClass]]] = {}
        self.adopt(classes, persistence)

    def adopt(self, classes: Sequence[str], persistence: Persistence) -> None:
        """The columns of the scores from now on, but for the quiet ones: faults, then unknown."""
        self._classes = list(classes)
        self._persistence = persistence

    def restore(self, partition: int, alarms: Sequence[Alarm]) -> None:
        opened: dict[str, dict[str, Alarm]] = {}
        for alarm in alarms:
            opened.setdefault(alarm.cell, {})[alarm.name] = alarm
        self._open[partition] = opened

    def drop(self, partition: int) -> None:
        self._open.pop(partition, None)
        self._going.pop(partition, None)

    def open_alarms(self) -> list[Alarm]:
        return [alarm for cells in self._open.values() for named in cells.values() for alarm in named.values()]

    def having_open(self, partition: int, names: Sequence[str]) -> NDArray[np.bool_]:
        """Which of these cells have an alarm open. # [n]"""
        opened = self._open.get(partition)
        if not opened:
            return np.zeros(len(names), bool)
        return np.fromiter((name in opened for name in names), bool, len(names))

    def step(
        self, turn: MicroBatch, names: Sequence[str], smoothed: NDArray[np.float32], opened: NDArray[np.bool_]
    ) -> list[Event]:
        """What one turn of the log changes. The rest is of the turn's due cells, `opened` which have an alarm open.

        # [k], [k, C + 1], [k]
        """
        self._open.setdefault(turn.partition, {})
        loud = (smoothed >= self._persistence.threshold).any(axis=1) | opened
        events: list[Event] = []
        for at in np.flatnonzero(loud).tolist():
            events += self._look(turn, at, names[at], smoothed[at])
        if turn.frontier is not None:
            events += self._silences(turn)
        return events

    def withheld(
        self, turn: MicroBatch, names: Sequence[str], quiet: Sequence[SuppressedClass], smoothed: NDArray[np.float32]
    ) -> list[Withheld]:
        """The quiet episodes that begin with this turn; one ends below the lower threshold, without a hold.

        # of the turn's due cells: [k], [k, Q]
        """
        going = self._going.setdefault(turn.partition, set())
        if going:
            over = {(names[at], quiet[column]) for at, column in np.argwhere(smoothed >= self._lower).tolist()}
            due = set(names)
            going -= {one for one in going if one[0] in due and one not in over}
        begun = []
        for at, column in np.argwhere(smoothed >= self._persistence.threshold).tolist():
            if (names[at], quiet[column]) not in going:
                going.add((names[at], quiet[column]))
                begun.append(Withheld(names[at], quiet[column], int(turn.minute[at])))
        return begun

    def recall(
        self, partition: int, name: str, quiet: Sequence[SuppressedClass], smoothed: NDArray[np.float32]
    ) -> None:
        """After a replay: the quiet episodes of a cell that go on, lest they be counted once more.

        # its last minutes, oldest first: [m, Q]
        """
        going = np.zeros(len(quiet), bool)
        for now in smoothed:
            begun = (now >= self._persistence.threshold) | (going & (now >= self._lower))
            going = np.where(np.isnan(now), going, begun)
        mine = self._going.setdefault(partition, set())
        mine |= {(name, quiet[column]) for column in np.flatnonzero(going).tolist()}

    def _look(self, turn: MicroBatch, at: int, cell: str, smoothed: NDArray[np.float32]) -> list[Event]:
        """One cell that is loud or has something open: clear, then rename, then raise."""
        minute, row = int(turn.minute[at]), int(turn.rows[at])
        mine = self._open[turn.partition].get(cell, {})
        events: list[Event] = []
        if SILENT in mine and turn.heard[at]:
            events.append(Event(CLEARED, turn.partition, mine[SILENT], minute))
        for name in sorted(set(mine) - {SILENT}):
            events += self._continue(turn.partition, mine[name], row, minute, smoothed)
        self._apply(turn.partition, events)
        raised = self._raise(turn.partition, cell, row, minute, smoothed)
        self._apply(turn.partition, raised)
        return events + raised

    def _continue(
        self, partition: int, alarm: Alarm, row: int, minute: int, smoothed: NDArray[np.float32]
    ) -> list[Event]:
        if alarm.name not in self._classes:
            return [Event(CLEARED, partition, alarm, minute, superseded_by="the label was retired")]
        column = self._classes.index(alarm.name)
        score = float(smoothed[column])
        if score < self._lower and self._quiet(row, minute, column):
            return [Event(CLEARED, partition, alarm, minute, score, row)]
        severity = self._severity(alarm.name, score)
        if SEVERITIES.index(severity) > SEVERITIES.index(alarm.severity):
            return [Event(CHANGED, partition, replace(alarm, severity=severity), minute, score, row)]
        return []

    def _quiet(self, row: int, minute: int, column: int) -> bool:
        """True when every minute of the hold was scored and lay below the lower threshold."""
        history = self._scores.history(row, minute, self._persistence.hold_minutes)[:, column]
        return bool((history < self._lower).all())

    @property
    def _lower(self) -> float:
        """The threshold below which an episode ends."""
        return self._persistence.threshold - self._persistence.clear_margin

    def _raise(self, partition: int, cell: str, row: int, minute: int, smoothed: NDArray[np.float32]) -> list[Event]:
        mine = self._open[partition].get(cell, {})
        settings = self._persistence
        named = [name for name in mine if name not in (SILENT, UNKNOWN)]
        if any(smoothed[self._classes.index(name)] >= self._lower for name in named if name in self._classes):
            return []
        if len(smoothed) > 1:
            best = int(np.argmax(smoothed[:-1]))
            if smoothed[best] >= settings.threshold and self._classes[best] not in mine:
                fault = self._begin(partition, cell, row, minute, best, float(smoothed[best]))
                ended = [mine[UNKNOWN]] if UNKNOWN in mine else []
                return [
                    *(Event(CLEARED, partition, a, minute, superseded_by=fault.alarm.name) for a in ended),
                    fault,
                ]
        if named or UNKNOWN in mine or not smoothed[-1] >= settings.threshold:
            return []
        history = self._scores.history(row, minute, settings.unknown_minutes)[:, len(smoothed) - 1]
        if not (history >= settings.threshold).all():
            return []
        return [self._begin(partition, cell, row, minute, len(smoothed) - 1, float(smoothed[-1]))]

    def _begin(self, partition: int, cell: str, row: int, minute: int, column: int, score: float) -> Event:
        """A new episode. Its onset is the first of the minutes up to now that all scored above the lower threshold."""
        raw = self._scores.raw(row, minute, self._persistence.hold_minutes)[:, column]
        below = np.flatnonzero(~(raw >= self._lower))
        onset = minute - len(raw) + 1 + (int(below[-1]) + 1 if len(below) else 0)
        name = self._classes[column]
        alarm = Alarm(cell, name, min(onset, minute), self._severity(name, score))
        return Event(NEW, partition, alarm, minute, score, row)

    def _severity(self, name: str, score: float) -> str:
        if name in self._persistence.severities:
            return self._persistence.severities[name]
        reached = [
            severity
            for severity, step in zip(SEVERITIES, _SEVERITY_STEPS, strict=True)
            if score >= step * self._persistence.threshold
        ]
        return reached[-1] if reached else SEVERITIES[0]

    def _silences(self, turn: MicroBatch) -> list[Event]:
        assert turn.frontier is not None
        opened = self._open[turn.partition]
        events = [
            Event(NEW, turn.partition, Alarm(cell, SILENT, since, "major"), turn.frontier)
            for cell, since in sorted(zip(turn.silent, turn.silent_since, strict=True))
            if SILENT not in opened.get(cell, {})
        ]
        self._apply(turn.partition, events)
        return events

    def _apply(self, partition: int, events: Sequence[Event]) -> None:
        opened = self._open[partition]
        for event in events:
            alarm = event.alarm
            mine = opened.setdefault(alarm.cell, {})
            if event.change == CLEARED:
                del mine[alarm.name]
            else:
                mine[alarm.name] = alarm
            if not mine:
                del opened[alarm.cell]
