"""What speaks for each class of a window, and how ordinary life speaks for it.

Two witnesses: by how much nearer a window's direction comes to the class's exemplar than this network's normal does,
and by how far it lies from normal the exemplar's way. Each is put on a scale by how far ordinary life reaches, both are
joined, and the sum is put on such a scale again.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detector.core.encoder import Embeddings
from detector.core.scoring.exemplars import ExemplarIndex, Matches
from detector.core.scoring.tail_fit import TailFit, fit_tail

RIVAL = 0.5
"""A rival's lead over normal counts half: wholly, and two classes that resemble each other silence both."""

LARGE = 2.0
"""A direction counts by the window's size, up to twice an ordinary one's: whither so small a thing points is chance.
Without, .38 and .41 of episodes were named at two operators for 5 false alarms, with it .45 and .46."""

DISTANCE_SAYS = 0.25
"""Of what the direction does: many a harmless thing lies far out, roughly an exemplar's way. With equal say .060 of the
episodes bore another's name, so .027, and as many their own."""


@dataclass(frozen=True)
class ScoreCalibration:
    """How ordinary life scores. The columns are the faults, the ignores, the faults held, and unknown.

    Each goes by two witnesses, direction and distance, that are put on one scale, joined, and put on it again; unknown
    has no direction.
    """

    direction: TailFit
    distance: TailFit
    both: TailFit
    lift: NDArray[np.float32]
    """By how much clipping lifts the level: ordinary minutes lie far below the floor, and no longer count as such."""

    def standardise(self, witnesses: "ClassEvidence") -> NDArray[np.float32]:
        """# of [..., C + 1] -> [..., C + 1]"""
        joined = _joined(self.direction, self.distance, witnesses)
        return (self.both.standardise(joined) - self.lift).astype(np.float32)

    def shares(self, witnesses: "ClassEvidence") -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """What direction and distance add to the score, unclipped; what both must first reach is taken off the former.

        # of [..., C + 1] -> [..., C + 1] each
        """
        direction = (witnesses.direction - self.direction.location) / self.direction.scale - self.both.location
        distance = (witnesses.distance - self.distance.location) / self.distance.scale * np.float32(DISTANCE_SAYS)
        return direction / self.both.scale - self.lift, distance / self.both.scale


class ClassEvidence(NamedTuple):
    """What speaks for each column, unstandardised."""

    direction: NDArray[np.float32]
    """A class's margin by the window's size; 0 for unknown: how unlike normal a window's direction is tells little
    (area under the curve .67, of the distance .88, of both together .79). # [..., C + 1]"""
    distance: NDArray[np.float32]
    """How far from normal the class's way; for unknown, the logarithm of how far at all. # [..., C + 1]"""


def margins(matches: Matches, rivals: int | None = None) -> NDArray[np.float32]:
    """How far each class leads normal, less half of its best rival's lead; only the first few are rivals, or all.

    # [n, C] -> [n, C]
    """
    lead = matches.cosine - matches.normal[:, None]
    order = np.sort(np.pad(lead[:, :rivals], ((0, 0), (2, 0)), constant_values=-1), axis=1)  # -1: nobody's lead
    best, second = order[:, -1:], order[:, -2:-1]
    rival = np.where(lead == best, second, best)
    return (lead - RIVAL * np.maximum(rival, 0)).astype(np.float32)


def calibrate(library: ExemplarIndex, weights: NDArray[np.float32]) -> ScoreCalibration:
    """Fits the tail of every column on the bundle's stretches of ordinary life, smoothed as alarms are."""
    normal = library.normal
    told = score_contributions(library, normal.stretches.reshaped(-1))
    by_time = (*normal.stretches.size.shape, told.direction.shape[1])

    def fitted(values: NDArray[np.float32]) -> TailFit:
        smooth = _smoothed(values.reshape(by_time), weights[:: normal.step_minutes])
        return fit_tail(smooth, normal.ends)

    direction, distance = fitted(told.direction), fitted(told.distance)
    joined = _joined(direction, distance, told)
    both = fitted(joined)
    return ScoreCalibration(direction, distance, both, fitted(both.standardise(joined)).location)


def score_contributions(library: ExemplarIndex, embeddings: Embeddings) -> ClassEvidence:
    """# of n -> of [n, C + 1]"""
    return class_evidence(library, library.match(embeddings), embeddings)


def class_evidence(
    library: ExemplarIndex, matches: Matches, embeddings: Embeddings, rivals: int | None = None
) -> ClassEvidence:
    """What their matches say for each column. Held faults are nobody's rivals. # of n -> of [n, C + 1]"""
    rivals = len(library.faults) + len(library.ignores) if rivals is None else rivals
    size = embeddings.size.astype(np.float32)[:, None]
    return ClassEvidence(
        np.pad(margins(matches, rivals) * np.minimum(size, LARGE), ((0, 0), (0, 1))),
        np.concatenate([matches.pull, np.log(np.maximum(size, 1e-3))], axis=1),
    )


def _joined(direction: TailFit, distance: TailFit, witnesses: ClassEvidence) -> NDArray[np.float32]:
    """# of [..., C + 1] -> [..., C + 1]"""
    return direction.standardise(witnesses.direction) + DISTANCE_SAYS * distance.standardise(witnesses.distance)


def _smoothed(raw: NDArray[np.float32], weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """# [S, T, C] -> [S, T - len(weights) + 1, C]"""
    length = raw.shape[1] - len(weights) + 1
    parts = [w * raw[:, len(weights) - 1 - age :][:, :length] for age, w in enumerate(weights)]
    return (np.sum(parts, axis=0) / weights.sum()).astype(np.float32)
