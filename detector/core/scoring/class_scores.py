"""Class scores: the evidence for each class in a window, standardised on this network's normal data.

There are two kinds of evidence. Direction: by how much the window's direction is nearer to the class's exemplar than to
this network's normal. Distance: the window's distance from normal along the exemplar's shift. Each is standardised on
normal data, both are added, and the sum is standardised again.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detector.core.encoder import Embeddings
from detector.core.scoring.exemplars import ExemplarIndex, Matches
from detector.core.scoring.tail_fit import TailFit, fit_tail

RIVAL_WEIGHT = 0.5
"""Weight of a rival's lead over normal. With 1, two classes that resemble each other would silence both."""

MAX_SIZE_WEIGHT = 2.0
"""A direction is weighted by the window's size, up to twice a normal window's: a small shift has a random direction.
Without the weight, .38 and .41 of episodes were named at two operators for 5 false alarms, with it .45 and .46."""

DISTANCE_WEIGHT = 0.25
"""Weight of the distance against the direction: many harmless windows are far from normal, roughly along an
exemplar's shift. With equal weight .060 of the episodes got another class's name, with this weight .027, and as many
got their own."""


@dataclass(frozen=True)
class ScoreCalibration:
    """Tail fits that standardise the scores on normal data.

    The columns are the faults, the ignores, the quarantined faults, and unknown. Direction and distance are
    standardised and added, and the sum is standardised again. Unknown has no direction.
    """

    direction: TailFit
    distance: TailFit
    combined: TailFit
    zero_level: NDArray[np.float32]
    """Level that is subtracted from the clipped scores, so that their tail fit has location 0. # [C + 1]

    Clipping raises normal minutes to the floor and thereby the location. A class budget lowers the level.
    """

    def standardise(self, evidence: "ClassEvidence") -> NDArray[np.float32]:
        """Return the clipped scores. # of [..., C + 1] -> [..., C + 1]"""
        combined = _combine(self.direction, self.distance, evidence)
        return (self.combined.standardise(combined) - self.zero_level).astype(np.float32)

    def contributions(self, evidence: "ClassEvidence") -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the contributions of direction and distance to the score, unclipped.

        The location of the sum is subtracted from the contribution of direction.

        # of [..., C + 1] -> [..., C + 1] each
        """
        direction = (evidence.direction - self.direction.location) / self.direction.scale - self.combined.location
        distance = (evidence.distance - self.distance.location) / self.distance.scale * np.float32(DISTANCE_WEIGHT)
        return direction / self.combined.scale - self.zero_level, distance / self.combined.scale


class ClassEvidence(NamedTuple):
    """Evidence for each column, before standardisation."""

    direction: NDArray[np.float32]
    """A class's margin times the window's size. 0 for unknown: a direction's distance from normal is weak evidence
    (area under the curve .67, of the distance .88, of both together .79). # [..., C + 1]"""
    distance: NDArray[np.float32]
    """Distance from normal along the class's shift; for unknown, the logarithm of the total distance. # [..., C + 1]"""


def margins(matches: Matches, rivals: int | None = None) -> NDArray[np.float32]:
    """Return each class's lead over normal minus half of its best rival's lead; only the first `rivals` are rivals.

    # [n, C] -> [n, C]
    """
    lead = matches.cosine - matches.normal[:, None]
    order = np.sort(
        np.pad(lead[:, :rivals], ((0, 0), (2, 0)), constant_values=-1), axis=1
    )  # -1: placeholder for a missing rival
    best, second = order[:, -1:], order[:, -2:-1]
    rival = np.where(lead == best, second, best)
    return (lead - RIVAL_WEIGHT * np.maximum(rival, 0)).astype(np.float32)


def calibrate(index: ExemplarIndex, weights: NDArray[np.float32]) -> ScoreCalibration:
    """Fit the tail of every column on the bundle's stretches of normal data, smoothed like the scores of alarms."""
    normal = index.normal
    evidence = score_contributions(index, normal.stretches.reshaped(-1))
    by_time = (*normal.stretches.size.shape, evidence.direction.shape[1])

    def fit(values: NDArray[np.float32]) -> TailFit:
        smooth = _smooth(values.reshape(by_time), weights[:: normal.step_samples])
        return fit_tail(smooth, normal.ends)

    direction, distance = fit(evidence.direction), fit(evidence.distance)
    sums = _combine(direction, distance, evidence)
    combined = fit(sums)
    return ScoreCalibration(direction, distance, combined, fit(combined.standardise(sums)).location)


def score_contributions(index: ExemplarIndex, embeddings: Embeddings) -> ClassEvidence:
    """Match embeddings with the exemplars, and return the evidence for each column. # of n -> of [n, C + 1]"""
    return class_evidence(index, index.match(embeddings), embeddings)


def class_evidence(
    index: ExemplarIndex, matches: Matches, embeddings: Embeddings, rivals: int | None = None
) -> ClassEvidence:
    """Return the evidence for each column from the matches. Quarantined faults are not rivals. # of n -> of [n, C + 1]

    # rivals: number of first columns that are rivals of each other; without it the faults and the ignores
    """
    rivals = len(index.faults) + len(index.ignores) if rivals is None else rivals
    size = embeddings.size.astype(np.float32)[:, None]
    return ClassEvidence(
        direction=np.pad(margins(matches, rivals) * np.minimum(size, MAX_SIZE_WEIGHT), ((0, 0), (0, 1))),
        distance=np.concatenate([matches.shift_projection, np.log(np.maximum(size, 1e-3))], axis=1),
    )


def _combine(direction: TailFit, distance: TailFit, evidence: ClassEvidence) -> NDArray[np.float32]:
    """Return the weighted sum of both standardised columns. # of [..., C + 1] -> [..., C + 1]"""
    return direction.standardise(evidence.direction) + DISTANCE_WEIGHT * distance.standardise(evidence.distance)


def _smooth(scores: NDArray[np.float32], weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the weighted means over time. # [S, T, C] -> [S, T - len(weights) + 1, C]"""
    length = scores.shape[1] - len(weights) + 1
    parts = [w * scores[:, len(weights) - 1 - age :][:, :length] for age, w in enumerate(weights)]
    return (np.sum(parts, axis=0) / weights.sum()).astype(np.float32)
