"""Alarm intervals of a replay: alarms from onset to clearance, and the comparison of two replays."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from detector.core.encoder import Embeddings, Encode
from detector.core.lifecycle import CLEARED, SILENT, Event


@dataclass
class AlarmInterval:
    """Alarm of a replay, from its onset to its clearance."""

    cell: str
    name: str
    onset: int
    raised: int
    """Minute in which it was raised."""
    score: float
    """Highest score of its events."""
    until: int | None = None
    """Minute of its clearance; None = open at the end of the replay."""
    before: list[str] = field(default_factory=list)
    """Class names of the alarms in the same cell and time without the label."""

    def overlaps(self, onset: int, until: int | None) -> bool:
        """Return whether the interval has a minute in common with another one; None = open."""
        return (until is None or self.onset < until) and (self.until is None or onset < self.until)

    def coincides(self, alarm: "AlarmInterval") -> bool:
        """Return whether the other alarm has the same cell and overlaps, whatever its class is."""
        return self.cell == alarm.cell and self.overlaps(alarm.onset, alarm.until)


class CachingEncoder:
    """Encoder that embeds the same batch of windows once; the evidence of an alarm asks for its window again."""

    def __init__(self, encode: Encode) -> None:
        self._encode = encode
        self._cache: dict[bytes, Embeddings] = {}

    def __call__(self, windows: NDArray[np.int8], /) -> Embeddings:
        key = blake2b(windows.tobytes(), digest_size=16).digest()
        if key not in self._cache:
            self._cache[key] = self._encode(windows)
        return self._cache[key]


def alarm_intervals(events: Iterable[Event]) -> list[AlarmInterval]:
    """Return the alarms of a replay in the order in which they were raised, without silences."""
    intervals: list[AlarmInterval] = []
    open_intervals: dict[tuple[str, str], AlarmInterval] = {}
    for event in events:
        alarm, key = event.alarm, (event.alarm.cell, event.alarm.name)
        if alarm.name == SILENT:
            continue
        if event.change == CLEARED:
            open_intervals.pop(key).until = event.minute
        elif key in open_intervals:
            open_intervals[key].score = max(open_intervals[key].score, round(event.score, 2))
        else:
            open_intervals[key] = AlarmInterval(
                cell=alarm.cell, name=alarm.name, onset=alarm.onset, raised=event.minute, score=round(event.score, 2)
            )
            intervals.append(open_intervals[key])
    return intervals


def set_previous_names(alarms: Iterable[AlarmInterval], previous: Iterable[AlarmInterval]) -> None:
    """Set `before` of each alarm to the class names of the previous replay's alarms that coincide with it."""
    candidates = list(previous)
    for alarm in alarms:
        alarm.before = [candidate.name for candidate in candidates if candidate.coincides(alarm)]


def suppressed_by(previous: Iterable[AlarmInterval], alarms: Iterable[AlarmInterval]) -> list[AlarmInterval]:
    """Return the previous replay's alarms that coincide with no alarm now, the highest score first."""
    remaining = list(alarms)
    return by_score(alarm for alarm in previous if not any(alarm.coincides(other) for other in remaining))


def by_score(alarms: Iterable[AlarmInterval]) -> list[AlarmInterval]:
    """Return the alarms sorted, the highest score first."""
    return sorted(alarms, key=lambda alarm: (-alarm.score, alarm.cell, alarm.onset))
