"""What a minute of a cell is called: normal, a taught fault, unknown, or insufficient.

A nearest neighbour always answers, so a distance alone is never a verdict. A class scores by how much nearer its
exemplar comes than this network's normal does, less half of what its strongest rival has, and by how far the window
lies from normal the exemplar's way; scores are put on one scale per class by what ordinary life reaches, so that one
threshold serves every class, from the minute it is taught.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detector.core.encoder import Embeddings
from detector.core.library import Library, Matches

VERDICTS = ("normal", "fault", "unknown", "insufficient")
NORMAL, FAULT, UNKNOWN, INSUFFICIENT = range(4)

TWO_HOURS = 120
BLOCKS_PER_1000_CELL_DAYS = 1000 * 1440 / TWO_HOURS

TAIL, FAR_TAIL = 0.05, 0.01
"""Shares of two-hour maxima above a class's location, 600 per 1,000 cells and day, and above the level that says how
fast they fall off. The past they are measured on holds faults that nobody labelled, some of a whole region: these reach
deep into the rarest 1 %, hardly above it. With the mean excess above the rarest 1 %, .48 and .32 of episodes were named
at two operators; with these .51 and .38, and of 5 false alarms promised came 5.4 and 1.3. With 2.5 % as the second, .52
and .44, 6.7 and 2.2: but life has odd cells, and a clean past then promises too much."""

FLOOR, CEILING = -8.0, 40.0
"""Scores are clipped here: an hour far from a fault must not outweigh its first minutes, nor one minute an hour."""

RESEMBLES = float(np.log(TAIL / FAR_TAIL))
"""A window is not unknown that scores as one stretch of ordinary life in a hundred does for something taught."""

RIVAL = 0.5
"""A rival's lead over normal counts half: wholly, and two classes that resemble each other silence both."""


@dataclass(frozen=True)
class Tail:
    """Per column: the level that ordinary life rarely passes, and by how much it does when it does."""

    location: NDArray[np.float32]
    scale: NDArray[np.float32]

    def standardise(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Clipped. # [..., C + 1] -> [..., C + 1]"""
        return np.clip((values - self.location) / self.scale, FLOOR, CEILING)


@dataclass(frozen=True)
class Calibration:
    """How ordinary life scores. The columns are the faults, the ignores, and unknown.

    Each goes by two witnesses, direction and distance, that are put on one scale, added, and put on it again; unknown
    has no direction.
    """

    direction: Tail
    distance: Tail
    both: Tail
    lift: NDArray[np.float32]
    """By how much clipping lifts the level: ordinary minutes lie far below the floor, and no longer count as such."""

    def standardise(self, witnesses: "Witnesses") -> NDArray[np.float32]:
        """# of [..., C + 1] -> [..., C + 1]"""
        added = self.direction.standardise(witnesses.direction) + self.distance.standardise(witnesses.distance)
        return (self.both.standardise(added) - self.lift).astype(np.float32)


class Witnesses(NamedTuple):
    """What speaks for each column, unstandardised."""

    direction: NDArray[np.float32]
    """A class's margin; 0 for unknown: how unlike normal a window's direction is tells little (area under the curve
    .67, of the distance .88, of both together .79). # [..., C + 1]"""
    distance: NDArray[np.float32]
    """How far from normal the class's way; for unknown, the logarithm of how far at all. # [..., C + 1]"""


@dataclass(frozen=True)
class Verdicts:
    """One batch, judged."""

    kind: NDArray[np.int8]
    """Place in `VERDICTS`. # [n]"""
    scores: NDArray[np.float16]
    """Faults in the library's order, then unknown. # [n, C + 1]"""


def margins(matches: Matches) -> NDArray[np.float32]:
    """How far each class leads normal, less half of its best rival's lead. # [n, C] -> [n, C]"""
    lead = matches.cosine - matches.normal[:, None]
    if lead.shape[1] < 2:
        return lead
    order = np.sort(lead, axis=1)
    best, second = order[:, -1:], order[:, -2:-1]
    rival = np.where(lead == best, second, best)
    return (lead - RIVAL * np.maximum(rival, 0)).astype(np.float32)


def threshold(classes: int, budget: float) -> float:
    """The score at which all classes together give `budget` false alarms per 1,000 cells and day.

    Above its location a class's two-hour maxima fall off about exponentially, one scale per factor e, so the rate at
    score s is BLOCKS · TAIL · exp(-s) for each of the classes.
    """
    return float(np.log(BLOCKS_PER_1000_CELL_DAYS * TAIL * classes / budget))


class Judge:
    """One library with its calibration: embeddings in, verdicts out."""

    def __init__(self, library: Library, weights: NDArray[np.float32], budget: float) -> None:
        self.library = library
        self.classes = [*library.faults, "unknown"]
        self.threshold = threshold(len(self.classes), budget)
        self.calibration = calibrate(library, weights)

    def verdicts(self, embeddings: Embeddings) -> Verdicts:
        scores = self.scores(embeddings).astype(np.float32)
        kind = np.full(len(embeddings), NORMAL, np.int8)
        kind[scores[:, -1] >= self.threshold] = UNKNOWN
        kind[(scores[:, :-1] >= self.threshold).any(axis=1)] = FAULT
        return Verdicts(kind, scores.astype(np.float16))

    def scores(self, embeddings: Embeddings) -> NDArray[np.float16]:
        """Standardised scores of the faults, then unknown; what resembles something taught is not. # [n, C + 1]"""
        standard = self.calibration.standardise(testify(self.library, embeddings))
        taught = standard[:, :-1]
        if taught.shape[1]:
            standard[:, -1] = np.where((taught >= RESEMBLES).any(axis=1), FLOOR, standard[:, -1])
        keep = [*range(len(self.library.faults)), standard.shape[1] - 1]
        return standard[:, keep].astype(np.float16)


def calibrate(library: Library, weights: NDArray[np.float32]) -> Calibration:
    """Fits the tail of every column on the bundle's stretches of ordinary life, smoothed as alarms are."""
    stretches, step = library.normal.stretches, library.normal.step_minutes
    told = testify(library, stretches.reshaped(-1))
    by_time = (*stretches.size.shape, told.direction.shape[1])
    witnesses = Witnesses(told.direction.reshape(by_time), told.distance.reshape(by_time))
    direction, distance = (_tail(_smoothed(values, weights[::step])) for values in witnesses)
    added = direction.standardise(witnesses.direction) + distance.standardise(witnesses.distance)
    both = _tail(_smoothed(added, weights[::step]))
    standard = both.standardise(added)
    return Calibration(direction, distance, both, _tail(_smoothed(standard, weights[::step])).location)


def testify(library: Library, embeddings: Embeddings) -> Witnesses:
    """# of n -> of [n, C + 1]"""
    matches = library.match(embeddings)
    large = np.log(np.maximum(embeddings.size.astype(np.float32), 1e-3))
    return Witnesses(
        np.pad(margins(matches), ((0, 0), (0, 1))),
        np.concatenate([matches.pull, large[:, None]], axis=1),
    )


def _smoothed(raw: NDArray[np.float32], weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """# [S, T, C] -> [S, T - len(weights) + 1, C]"""
    length = raw.shape[1] - len(weights) + 1
    parts = [w * raw[:, len(weights) - 1 - age :][:, :length] for age, w in enumerate(weights)]
    return (np.sum(parts, axis=0) / weights.sum()).astype(np.float32)


def _tail(smooth: NDArray[np.float32]) -> Tail:
    """An exponential through two quantiles of the stretches' maxima: what lies beyond the second, a fault perhaps, has
    no say, as far out as it may lie. # [S, T, C] -> of [C]
    """
    peaks = np.sort(smooth.max(axis=1), axis=0)
    first, second = (peaks[-min(max(least, round(part * len(peaks))), len(peaks) - 1) - 1] for part, least in _TAILS)
    scale = np.maximum((second - first) / np.log(TAIL / FAR_TAIL), 1e-2)
    return Tail(first.astype(np.float32), scale.astype(np.float32))


_TAILS = ((TAIL, 5), (FAR_TAIL, 1))
"""With the fewest peaks that may lie above each, however few there are."""
