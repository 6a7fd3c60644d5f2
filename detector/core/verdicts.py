"""What a minute of a cell is called: normal, a taught fault, unknown, or insufficient.

A nearest neighbour always answers, so a distance alone is never a verdict. A class scores by how much nearer its
exemplar comes than this network's normal does, less half of what its strongest rival has; scores are put on one scale
per class by what ordinary life reaches, so that one threshold serves every class, from the minute it is taught.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from detector.core.encoder import Embeddings
from detector.core.library import Library, Matches

VERDICTS = ("normal", "fault", "unknown", "insufficient")
NORMAL, FAULT, UNKNOWN, INSUFFICIENT = range(4)

TWO_HOURS = 120
BLOCKS_PER_1000_CELL_DAYS = 1000 * 1440 / TWO_HOURS

TAIL = 0.01
"""Share of two-hour maxima above a class's location: 120 per 1,000 cells and day. Rarer leaves too few to fit."""

FLOOR, CEILING = -8.0, 40.0
"""Scores are clipped here: an hour far from a fault must not outweigh its first minutes, nor one minute an hour."""

RIVAL = 0.5
"""A rival's lead over normal counts half: wholly, and two classes that resemble each other silence both."""


@dataclass(frozen=True)
class Calibration:
    """Per column: the level that ordinary life rarely passes, and by how much it does when it does.

    The columns are the faults, the ignores, then how far from normal a window points and how large it is.
    """

    location: NDArray[np.float32]
    scale: NDArray[np.float32]
    strange: tuple[float, float]
    """Location and scale of the sum of the last two columns, standardised: what `unknown` goes by."""
    shift: NDArray[np.float32] | float = 0.0
    """By how much clipping lifts that level: ordinary minutes lie far below the floor, and no longer count as such."""

    def standardise(self, raw: NDArray[np.float32]) -> NDArray[np.float32]:
        """# [..., C + 2] -> [..., C + 1], unknown last"""
        standard = (raw - self.location) / self.scale
        unknown = (standard[..., -2] + standard[..., -1] - self.strange[0]) / self.strange[1]
        scores = np.clip(np.concatenate([standard[..., :-2], unknown[..., None]], axis=-1), FLOOR, CEILING)
        return (scores - self.shift).astype(np.float32)


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
        raw = _raw(self.library.match(embeddings.direction), embeddings.size)
        standard = self.calibration.standardise(raw)
        taught = standard[:, :-1]
        if taught.shape[1]:
            standard[:, -1] = np.where((taught >= 0).any(axis=1), FLOOR, standard[:, -1])
        keep = [*range(len(self.library.faults)), standard.shape[1] - 1]
        return standard[:, keep].astype(np.float16)


def calibrate(library: Library, weights: NDArray[np.float32]) -> Calibration:
    """Fits the tail of every class on the bundle's stretches of ordinary life, smoothed as alarms are."""
    stretches, step = library.normal.stretches, library.normal.step_minutes
    count, length, dimension = stretches.direction.shape
    matches = library.match(stretches.direction.reshape(-1, dimension))
    raw = _raw(matches, stretches.size.ravel()).reshape(count, length, -1)
    smooth = _smoothed(raw, weights[::step])
    location, scale = _tail(smooth)
    strange, spread = _tail(((smooth - location) / scale)[:, :, -2:].sum(axis=2, keepdims=True))
    first = Calibration(location, scale, (float(strange[0]), float(spread[0])))
    shift, _ = _tail(_smoothed(first.standardise(raw), weights[::step]))
    return replace(first, shift=shift)


def _smoothed(raw: NDArray[np.float32], weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """# [S, T, C] -> [S, T - len(weights) + 1, C]"""
    length = raw.shape[1] - len(weights) + 1
    parts = [w * raw[:, len(weights) - 1 - age :][:, :length] for age, w in enumerate(weights)]
    return (np.sum(parts, axis=0) / weights.sum()).astype(np.float32)


def _tail(smooth: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """An exponential fitted to the largest `TAIL` of the stretches' maxima. # [S, T, C] -> [C], [C]"""
    peaks = np.sort(smooth.max(axis=1), axis=0)
    above = min(max(3, round(TAIL * len(peaks))), len(peaks) - 1)
    location = peaks[-above - 1]
    scale = np.maximum((peaks[-above:] - location).mean(axis=0), 1e-2)
    return location.astype(np.float32), scale.astype(np.float32)


def _raw(matches: Matches, size: NDArray[np.float16]) -> NDArray[np.float32]:
    """Every class's margin, then how far from normal: by direction, and by the logarithm of the size. # [n, C + 2]"""
    large = np.log(np.maximum(size.astype(np.float32), 1e-3))
    return np.concatenate([margins(matches), -matches.normal[:, None], large[:, None]], axis=1)
