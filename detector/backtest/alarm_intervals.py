"""What a replay lets be heard: alarms from their onset to their end, and whether two of them are the same trouble."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from detector.core.encoder import Embeddings, Encode
from detector.core.lifecycle import CLEARED, SILENT, Event


@dataclass
class AlarmInterval:
    """One alarm of the past, from its onset to its end; None = open at the end of the look."""

    cell: str
    name: str
    onset: int
    raised: int
    score: float
    until: int | None = None
    before: list[str] = field(default_factory=list)
    """What it was called without the label."""

    def overlaps(self, onset: int, until: int | None) -> bool:
        return (until is None or self.onset < until) and (self.until is None or onset < self.until)

    def shares(self, other: "AlarmInterval") -> bool:
        """The same cell at the same time, whatever it is called."""
        return self.cell == other.cell and self.overlaps(other.onset, other.until)


class CachingEncoder:
    """An encoder that embeds the same batch of windows once, in whatever order they are asked for: what stands behind
    an alarm is asked of it, too.
    """

    def __init__(self, encode: Encode) -> None:
        self._encode = encode
        self._made: dict[bytes, Embeddings] = {}

    def __call__(self, windows: NDArray[np.int8], /) -> Embeddings:
        name = blake2b(windows.tobytes(), digest_size=16).digest()
        if name not in self._made:
            self._made[name] = self._encode(windows)
        return self._made[name]


def alarm_intervals(events: Iterable[Event]) -> list[AlarmInterval]:
    """Alarms, silences aside."""
    told: list[AlarmInterval] = []
    going: dict[tuple[str, str], AlarmInterval] = {}
    for event in events:
        alarm, key = event.alarm, (event.alarm.cell, event.alarm.name)
        if alarm.name == SILENT:
            continue
        if event.change == CLEARED:
            going.pop(key).until = event.minute
        elif key in going:
            going[key].score = max(going[key].score, round(event.score, 2))
        else:
            going[key] = AlarmInterval(alarm.cell, alarm.name, alarm.onset, event.minute, round(event.score, 2))
            told.append(going[key])
    return told


def remember(after: Iterable[AlarmInterval], before: Iterable[AlarmInterval]) -> None:
    """Notes of each alarm what its trouble was called before."""
    known = list(before)
    for one in after:
        one.before = [old.name for old in known if old.shares(one)]


def suppressed_by(before: Iterable[AlarmInterval], after: Iterable[AlarmInterval]) -> list[AlarmInterval]:
    """The alarms that are none any more, the clearest first."""
    left = list(after)
    return clearest(old for old in before if not any(old.shares(new) for new in left))


def clearest(told: Iterable[AlarmInterval]) -> list[AlarmInterval]:
    return sorted(told, key=lambda one: (-one.score, one.cell, one.onset))
