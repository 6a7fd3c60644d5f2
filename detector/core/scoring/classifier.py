"""What a minute of a cell is called: normal, a taught fault, unknown, or insufficient.

A nearest neighbour always answers, so a distance alone is never a verdict: a class scores by what its witnesses say, on
a scale per class of what ordinary life reaches, so that one threshold serves every class from the minute it is taught.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from detector.core.encoder import Embeddings
from detector.core.scoring.alarm_budget import split_budget
from detector.core.scoring.class_scores import ScoreCalibration, calibrate, class_evidence
from detector.core.scoring.exemplars import SEVERITIES, ExemplarIndex
from detector.core.scoring.tail_fit import FLOOR, TAIL, TWO_HOURS

VERDICTS = ("normal", "fault", "unknown", "insufficient")
NORMAL, FAULT, UNKNOWN, INSUFFICIENT = range(4)

BLOCKS_PER_1000_CELL_DAYS = 1000 * 1440 / TWO_HOURS

RESEMBLES = float(np.log(TAIL / 1e-3))
"""A window is not unknown that scores as one stretch of ordinary life in a thousand does for something taught. At one
in a hundred too much resembles one class of ten: of faults that nobody had taught against normal, the area under the
curve was .58, .67 and .72 over three draws of two days of life, so .72, .74 and .79; were there no such rule .75, .75
and .83, and a crowd that is to be ignored would be unknown in its weaker hours."""

NOBODY: Mapping[str, float] = MappingProxyType({})
"""Has a budget of its own."""

TERMS_KEPT = 3
"""Calibrations beside the newest: a replay goes back over few expiries."""


@dataclass(frozen=True)
class Decisions:
    """One batch, judged."""

    kind: NDArray[np.int8]
    """Place in `VERDICTS`. # [n]"""
    scores: NDArray[np.float16]
    """As `Judge.columns`. # [n, F + 1 + Q]"""


def threshold(classes: int, budget: float) -> float:
    """The score at which all classes together give `budget` false alarms per 1,000 cells and day.

    Above its location a class's two-hour maxima fall off about exponentially, one scale per factor e, so the rate at
    score s is BLOCKS · TAIL · exp(-s) for each of the classes.
    """
    return float(np.log(BLOCKS_PER_1000_CELL_DAYS * TAIL * classes / budget))


@dataclass(frozen=True)
class SuppressedClass:
    """A column of scores that never becomes an alarm, only a number."""

    reason: str
    """`quarantined`: a held fault was recognised; `ignored`: what would have been an alarm resembles an ignore."""
    name: str


@dataclass(frozen=True)
class _ValidityPeriod:
    """What counts from one expiry to the next."""

    library: ExemplarIndex
    calibration: ScoreCalibration
    resembles: NDArray[np.float32]
    """RESEMBLES of each fault and ignore, whatever its class may spend. # [F + I]"""


class Classifier:
    """One library with its calibration: embeddings in, verdicts out.

    What expires does so by the minute of the window: the same log gives the same verdicts, whenever it is read.
    """

    def __init__(
        self, library: ExemplarIndex, weights: NDArray[np.float32], budget: float, own: Mapping[str, float] = NOBODY
    ) -> None:
        """`budget`: of all classes; `own`: of it, what some have for themselves."""
        self.library = library
        self.classes = [*library.faults, "unknown"]
        self.quiet = [SuppressedClass("ignored", name) for name in library.ignores]
        self.quiet += [SuppressedClass("quarantined", name) for name in library.held]
        self._shares = split_budget(self.classes, budget, own)
        self.threshold = threshold(self._shares.classes, self._shares.budget)
        self._weights = weights
        self._ends = np.array(sorted({e.expires for e in library.exemplars if e.expires is not None}), np.int64)
        self._terms: dict[int, _ValidityPeriod] = {}
        if not len(self._ends):
            self._term(0)  # here rather than in the first batch

    @property
    def calibration(self) -> ScoreCalibration:
        """As long as nothing has expired."""
        return self._term(0).calibration

    @property
    def severities(self) -> dict[str, str]:
        """Of the classes taught with one; of several, the gravest."""
        taught = {(e.name, SEVERITIES.index(e.severity)) for e in self.library.exemplars if e.severity}
        return {name: SEVERITIES[place] for name, place in sorted(taught)}

    def at(self, minute: int) -> ExemplarIndex:
        """The library as it counts for a window of this minute."""
        return self._term(int(np.searchsorted(self._ends, minute, "right"))).library

    def calibration_at(self, minute: int) -> ScoreCalibration:
        """Likewise its calibration."""
        return self._term(int(np.searchsorted(self._ends, minute, "right"))).calibration

    def verdicts(self, embeddings: Embeddings, minute: NDArray[np.int64] | None = None) -> Decisions:
        """# of n, [n] -> of n"""
        columns = self.columns(embeddings, minute)
        scores = columns[:, : len(self.classes)].astype(np.float32)
        kind = np.full(len(embeddings), NORMAL, np.int8)
        kind[scores[:, -1] >= self.threshold] = UNKNOWN
        kind[(scores[:, :-1] >= self.threshold).any(axis=1)] = FAULT
        return Decisions(kind, columns)

    def scores(self, embeddings: Embeddings, minute: NDArray[np.int64] | None = None) -> NDArray[np.float16]:
        """Standardised scores of the faults, then unknown; what resembles something taught is not. # -> [n, F + 1]"""
        return self.columns(embeddings, minute)[:, : len(self.classes)]

    def columns(self, embeddings: Embeddings, minute: NDArray[np.int64] | None = None) -> NDArray[np.float16]:
        """The scores, then those of `quiet`; without a minute, as if nothing expired. # of n, [n] -> [n, F + 1 + Q]"""
        if minute is None or not len(self._ends):
            return self._columns(self._term(0), embeddings)
        number = np.searchsorted(self._ends, minute, "right")
        columns = np.empty((len(embeddings), len(self.classes) + len(self.quiet)), np.float16)
        for one in np.unique(number).tolist():
            columns[number == one] = self._columns(self._term(one), embeddings[number == one])
        return columns

    def _columns(self, term: _ValidityPeriod, embeddings: Embeddings) -> NDArray[np.float16]:
        library, calibration = term.library, term.calibration
        faults, ignores = len(library.faults), len(library.ignores)
        matches = library.match(embeddings)
        standard = calibration.standardise(class_evidence(library, matches, embeddings))
        taught, unknown = standard[:, :-1], standard[:, -1:]
        known = (taught[:, : faults + ignores] >= term.resembles).any(axis=1, keepdims=True)
        told = np.concatenate([taught[:, :faults], np.where(known, FLOOR, unknown)], axis=1)
        quiet = np.full((len(embeddings), len(self.quiet)), FLOOR, np.float32)
        quiet[:, len(self.library.ignores) :] = taught[:, faults + ignores :]
        if ignores:
            free = calibration.standardise(class_evidence(library, matches, embeddings, faults))[:, :faults]
            unless = np.concatenate(
                [np.where((free >= term.resembles[:faults]).any(axis=1, keepdims=True), FLOOR, unknown), free], 1
            )
            places = [self.library.ignores.index(name) for name in library.ignores]
            quiet[:, places] = self._silenced(taught[:, faults : faults + ignores], told, unless.max(axis=1))
        return np.concatenate([told, quiet], axis=1).astype(np.float16)

    def _silenced(
        self, ignores: NDArray[np.float32], told: NDArray[np.float32], unless: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """For the ignore that a window resembles most, what its score would have been without any.

        # [n, I], [n, F + 1], [n] -> [n, I]
        """
        by = (ignores == ignores.max(axis=1, keepdims=True)) & (ignores >= RESEMBLES)
        silent = (told < self.threshold).all(axis=1) & (told.max(axis=1) < unless)
        return np.where(by & silent[:, None], unless[:, None], FLOOR)

    def _term(self, number: int) -> _ValidityPeriod:
        """After so many expiries. Made when a window of it is met, by whichever thread; a few are kept."""
        terms = self._terms
        if number not in terms:
            library = self.library.at(int(self._ends[number - 1])) if number else self.library
            kept = dict(list(terms.items())[-TERMS_KEPT:])
            self._terms = terms = {**kept, number: self._make(library)}
        return terms[number]

    def _make(self, library: ExemplarIndex) -> _ValidityPeriod:
        nobodys = [""] * len(library.ignores)
        eases = self._shares.eases([*library.faults, *nobodys, *library.held, "unknown"])
        calibration = calibrate(library, self._weights)
        compared = len(library.faults) + len(library.ignores)
        return _ValidityPeriod(
            library, replace(calibration, lift=calibration.lift - eases), RESEMBLES + eases[:compared]
        )
