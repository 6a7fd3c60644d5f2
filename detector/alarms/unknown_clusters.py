"""The unknown, sorted: alarms that nothing taught explains, gathered into things that look alike.

Every alarm bears the direction it was judged by, so that a year of them is compared in no time; what another bundle
said has directions of its own, and is left out and counted.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from detector.alarms.journal import Notification
from detector.core.lifecycle import CLEARED, NEW, UNKNOWN

ALIKE = 0.8
"""Cosine to a thing's mean from which an alarm belongs to it: two examples of one class of the simulator lie .7 to .95
apart, and two classes below .6. A guess, to be measured."""


@dataclass
class Sighting:
    """One unknown episode."""

    alarm: str
    cell: str
    onset: int
    until: int | None = None
    """The minute it ended; None = it goes on."""
    named: str = ""
    """What it was called in the end."""


@dataclass
class UnknownCluster:
    """What may be one fault, unnamed so far."""

    sightings: list[Sighting] = field(default_factory=list)
    directions: list[NDArray[np.float32]] = field(default_factory=list)

    @property
    def mean(self) -> NDArray[np.float32]:
        total = np.sum(self.directions, axis=0)
        return np.asarray(total / max(float(np.linalg.norm(total)), 1e-6), np.float32)

    @property
    def medoid(self) -> Sighting:
        """The sighting nearest to all others."""
        return self.sightings[int(np.argmax(np.stack(self.directions) @ self.mean))]

    @property
    def cells(self) -> int:
        return len({one.cell for one in self.sightings})

    @property
    def alike(self) -> float:
        """Mean cosine to the mean."""
        return float((np.stack(self.directions) @ self.mean).mean())


def cluster_unknowns(notices: Sequence[Notification], bundle: str) -> tuple[list[UnknownCluster], int]:
    """The unknown things that one bundle met, the most frequent first, and how many alarms were another's.

    Taken in order of time, each sighting joins what it resembles most, or begins a thing of its own.
    """
    found: list[UnknownCluster] = []
    seen: dict[str, Sighting] = {}
    foreign = 0
    for notice in sorted(notices, key=lambda notice: notice.minute):
        said = notice.said
        if said.specificProblem != UNKNOWN:
            continue
        if notice.change == CLEARED and said.alarmId in seen:
            seen[said.alarmId].until = notice.minute
            seen[said.alarmId].named = str(said.additionalInformation.get("supersededBy", ""))
        if notice.change != NEW or said.alarmId in seen:
            continue
        direction = direction_of(notice, bundle)
        if direction is None:
            foreign += 1
            continue
        seen[said.alarmId] = Sighting(said.alarmId, said.objectInstance, notice.onset)
        _join(found, seen[said.alarmId], direction)
    return sorted(found, key=lambda thing: (-len(thing.sightings), thing.sightings[0].onset)), foreign


def direction_of(notice: Notification, bundle: str) -> NDArray[np.float32] | None:
    """Which way the window lay that raised an alarm; None where another bundle, or an older version, said so. # [D]"""
    told = notice.said.additionalInformation
    if told.get("bundle") != bundle or "embedding" not in told:
        return None
    return np.frombuffer(base64.b64decode(told["embedding"]), "<f2").astype(np.float32)


def _join(found: list[UnknownCluster], sighting: Sighting, direction: NDArray[np.float32]) -> None:
    near = [float(thing.mean @ direction) for thing in found]
    if not near or max(near) < ALIKE:
        found.append(UnknownCluster())
        near.append(1.0)
        near[:-1] = [0.0] * (len(near) - 1)
    thing = found[int(np.argmax(near))]
    thing.sightings.append(sighting)
    thing.directions.append(direction)
