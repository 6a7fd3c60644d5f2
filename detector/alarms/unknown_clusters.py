"""Clusters of unknown alarms: episodes that no label explains, grouped by the direction of their embeddings.

Every alarm bears the direction of the window that raised it, so a year of alarms is compared without any encoding.
Another bundle has other directions: its alarms are left out and counted.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from detector.alarms.journal import NotificationRecord
from detector.core.lifecycle import CLEARED, NEW, UNKNOWN

LEAST_COSINE = 0.8
"""Cosine to a cluster's mean from which an alarm belongs to it. Two examples of one class of the simulator have .7 to
.95, two classes below .6. A guess, to be measured."""


@dataclass
class Sighting:
    """Unknown episode of one cell."""

    alarm: str
    cell: str
    onset: int
    until: int | None = None
    """Minute of its clearance; None = it is open."""
    named: str = ""
    """Class that superseded `unknown`; empty = none."""


@dataclass
class UnknownCluster:
    """Unknown episodes that look alike and may be one fault without a name."""

    sightings: list[Sighting] = field(default_factory=list)
    directions: list[NDArray[np.float32]] = field(default_factory=list)
    """Unit vector of each sighting. # [D] each"""

    @property
    def mean(self) -> NDArray[np.float32]:
        """Direction of the cluster: the normalised sum of all directions. # [D]"""
        total = np.sum(self.directions, axis=0)
        return np.asarray(total / max(float(np.linalg.norm(total)), 1e-6), np.float32)

    @property
    def medoid(self) -> Sighting:
        """Sighting nearest to the mean."""
        return self.sightings[int(np.argmax(np.stack(self.directions) @ self.mean))]

    @property
    def cells(self) -> int:
        """Number of different cells."""
        return len({sighting.cell for sighting in self.sightings})

    @property
    def similarity(self) -> float:
        """Mean cosine of the sightings to the mean."""
        return float((np.stack(self.directions) @ self.mean).mean())


def cluster_unknowns(notifications: Sequence[NotificationRecord], bundle: str) -> tuple[list[UnknownCluster], int]:
    """Return the clusters of one bundle's unknown alarms, the largest first, and the number of other bundles' alarms.

    In order of time, each sighting joins the cluster that it resembles most, or begins a new one.
    """
    clusters: list[UnknownCluster] = []
    sightings: dict[str, Sighting] = {}
    foreign = 0
    for notification in sorted(notifications, key=lambda notification: notification.minute):
        body = notification.body
        if body.specificProblem != UNKNOWN:
            continue
        if notification.change == CLEARED and body.alarmId in sightings:
            sightings[body.alarmId].until = notification.minute
            sightings[body.alarmId].named = body.additionalInformation.supersededBy
        if notification.change != NEW or body.alarmId in sightings:
            continue
        direction = direction_of(notification, bundle)
        if direction is None:
            foreign += 1
            continue
        sightings[body.alarmId] = Sighting(body.alarmId, body.objectInstance, notification.onset)
        _join(clusters, sightings[body.alarmId], direction)
    return sorted(clusters, key=lambda cluster: (-len(cluster.sightings), cluster.sightings[0].onset)), foreign


def direction_of(notification: NotificationRecord, bundle: str) -> NDArray[np.float32] | None:
    """Return the direction of the window that raised an alarm; None for another bundle or an older version. # [D]"""
    information = notification.body.additionalInformation
    if information.bundle != bundle or not information.embedding or len(information.embedding) % 2:
        return None
    return np.frombuffer(information.embedding, "<f2").astype(np.float32)


def _join(clusters: list[UnknownCluster], sighting: Sighting, direction: NDArray[np.float32]) -> None:
    """Add the sighting to the nearest cluster, or to a new one where none is near enough."""
    cosines = [float(cluster.mean @ direction) for cluster in clusters]
    if not cosines or max(cosines) < LEAST_COSINE:
        cluster = UnknownCluster()
        clusters.append(cluster)
    else:
        cluster = clusters[int(np.argmax(cosines))]
    cluster.sightings.append(sighting)
    cluster.directions.append(direction)
