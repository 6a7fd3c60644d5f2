"""Classifier: the decision for a minute of a cell: normal, a taught fault, unknown, or insufficient.

A nearest neighbour always exists, so a distance alone is never a decision. A class scores by its evidence, on a scale
per class of the values that normal life reaches. So one threshold serves every class from the minute it is taught.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from detector.core.encoder import Embeddings
from detector.core.scoring.alarm_budget import split_budget
from detector.core.scoring.class_scores import ScoreCalibration, calibrate, class_evidence
from detector.core.scoring.exemplars import ExemplarIndex
from detector.core.scoring.tail_fit import FLOOR, TAIL, TWO_HOURS
from detector.core.vocabulary import SEVERITIES

VERDICTS = ("normal", "fault", "unknown", "insufficient")
NORMAL, FAULT, UNKNOWN, INSUFFICIENT = range(4)

BLOCKS_PER_1000_CELL_DAYS = 1000 * 1440 / TWO_HOURS

RESEMBLANCE_SCORE = float(np.log(TAIL / 1e-3))
"""A window is not unknown if it scores for something taught as one stretch of normal life in a thousand does.

At one in a hundred too much resembles one class of ten: of faults that nobody had taught against normal, the area under
the curve was .58, .67 and .72 over three draws of two days of life, with this score .72, .74 and .79; without such a
rule .75, .75 and .83, and a crowd that is to be ignored would be unknown in its weaker hours."""

NO_CLASS_BUDGETS: Mapping[str, float] = MappingProxyType({})
"""No class has a budget of its own."""

OLDER_PERIODS_CACHED = 3
"""Calibrations cached beside the newest: a replay goes back over few expiries."""


@dataclass(frozen=True)
class Decisions:
    """Decisions on one batch of windows."""

    kind: NDArray[np.int8]
    """Position in `VERDICTS`. # [n]"""
    scores: NDArray[np.float16]
    """Scores as of `Classifier.score_columns`. # [n, F + 1 + Q]"""


def threshold(classes: int, budget: float) -> float:
    """Return the score at which all classes together give `budget` false alarms per 1,000 cells and day.

    Above its location a class's two-hour maxima fall off about exponentially, one scale per factor e, so the rate at
    score s is BLOCKS · TAIL · exp(-s) for each of the classes.
    """
    return float(np.log(BLOCKS_PER_1000_CELL_DAYS * TAIL * classes / budget))


@dataclass(frozen=True)
class SuppressedClass:
    """Suppressed class: a column of scores that never becomes an alarm, only a count."""

    reason: str
    """`quarantined`: a quarantined fault was recognised; `ignored`: a possible alarm resembles an ignore."""
    name: str


@dataclass(frozen=True)
class _ValidityPeriod:
    """Exemplars and calibration that are valid from one expiry to the next."""

    index: ExemplarIndex
    calibration: ScoreCalibration
    resemblance_scores: NDArray[np.float32]
    """RESEMBLANCE_SCORE of each fault and ignore, whatever its class may spend. # [F + I]"""


class Classifier:
    """Classifier: one exemplar index with its calibration; takes embeddings, returns decisions.

    Exemplars expire by the minute of the window: the same log gives the same decisions, whenever it is read.
    """

    def __init__(
        self,
        exemplar_index: ExemplarIndex,
        weights: NDArray[np.float32],
        budget: float,
        class_budgets: Mapping[str, float] = NO_CLASS_BUDGETS,
    ) -> None:
        """Calibrate for the budget of all classes; `class_budgets` is the part that some of them have alone."""
        self.exemplar_index = exemplar_index
        self.classes = [*exemplar_index.faults, "unknown"]
        self.suppressed_classes = [SuppressedClass("ignored", name) for name in exemplar_index.ignores]
        self.suppressed_classes += [SuppressedClass("quarantined", name) for name in exemplar_index.quarantined_faults]
        self._budget_split = split_budget(self.classes, budget, class_budgets)
        self.threshold = threshold(self._budget_split.classes, self._budget_split.budget)
        self._weights = weights
        expiries = {exemplar.expires for exemplar in exemplar_index.exemplars if exemplar.expires is not None}
        self._expiries = np.array(sorted(expiries), np.int64)
        self._periods: dict[int, _ValidityPeriod] = {}
        if not len(self._expiries):
            self._period(0)  # here rather than in the first batch

    @property
    def calibration(self) -> ScoreCalibration:
        """Calibration before the first expiry."""
        return self._period(0).calibration

    @property
    def severities(self) -> dict[str, str]:
        """Severities of the classes that were taught with one; of several, the gravest."""
        grades = {
            (exemplar.name, SEVERITIES.index(exemplar.severity))
            for exemplar in self.exemplar_index.exemplars
            if exemplar.severity
        }
        return {name: SEVERITIES[grade] for name, grade in sorted(grades)}

    def index_at(self, minute: int) -> ExemplarIndex:
        """Return the exemplar index that is valid for a window of this minute."""
        return self._period(self._period_number(minute)).index

    def calibration_at(self, minute: int) -> ScoreCalibration:
        """Return the calibration that is valid for a window of this minute."""
        return self._period(self._period_number(minute)).calibration

    def decide(self, embeddings: Embeddings, minute: NDArray[np.int64] | None = None) -> Decisions:
        """Decide on each window: normal, fault or unknown. # of n, [n] -> of n"""
        columns = self.score_columns(embeddings, minute)
        scores = columns[:, : len(self.classes)].astype(np.float32)
        kind = np.full(len(embeddings), NORMAL, np.int8)
        kind[scores[:, -1] >= self.threshold] = UNKNOWN
        kind[(scores[:, :-1] >= self.threshold).any(axis=1)] = FAULT
        return Decisions(kind, columns)

    def score_classes(self, embeddings: Embeddings, minute: NDArray[np.int64] | None = None) -> NDArray[np.float16]:
        """Return the standardised scores of the faults, then of unknown. # of n, [n] -> [n, F + 1]

        Unknown has the lowest score where a window resembles something taught.
        """
        return self.score_columns(embeddings, minute)[:, : len(self.classes)]

    def score_columns(self, embeddings: Embeddings, minute: NDArray[np.int64] | None = None) -> NDArray[np.float16]:
        """Return the scores of `classes`, then those of `suppressed_classes`; without a minute, nothing has expired.

        # of n, [n] -> [n, F + 1 + Q]
        """
        if minute is None or not len(self._expiries):
            return self._score_in_period(self._period(0), embeddings)
        number = np.searchsorted(self._expiries, minute, "right")
        columns = np.empty((len(embeddings), len(self.classes) + len(self.suppressed_classes)), np.float16)
        for period in np.unique(number).tolist():
            columns[number == period] = self._score_in_period(self._period(period), embeddings[number == period])
        return columns

    def _score_in_period(self, period: _ValidityPeriod, embeddings: Embeddings) -> NDArray[np.float16]:
        index, calibration = period.index, period.calibration
        faults, ignores = len(index.faults), len(index.ignores)
        matches = index.match(embeddings)
        standardised_scores = calibration.standardise(class_evidence(index, matches, embeddings))
        taught_scores, unknown_scores = standardised_scores[:, :-1], standardised_scores[:, -1:]
        resembles = (taught_scores[:, : faults + ignores] >= period.resemblance_scores).any(axis=1, keepdims=True)
        scores = np.concatenate([taught_scores[:, :faults], np.where(resembles, FLOOR, unknown_scores)], axis=1)
        suppressed_scores = np.full((len(embeddings), len(self.suppressed_classes)), FLOOR, np.float32)
        suppressed_scores[:, len(self.exemplar_index.ignores) :] = taught_scores[:, faults + ignores :]
        if ignores:
            evidence = class_evidence(index, matches, embeddings, faults)
            fault_scores = calibration.standardise(evidence)[:, :faults]
            resembles = (fault_scores >= period.resemblance_scores[:faults]).any(axis=1, keepdims=True)
            scores_without_ignores = np.concatenate([np.where(resembles, FLOOR, unknown_scores), fault_scores], 1)
            positions = [self.exemplar_index.ignores.index(name) for name in index.ignores]
            suppressed_scores[:, positions] = self._ignore_scores(
                taught_scores[:, faults : faults + ignores], scores, scores_without_ignores.max(axis=1)
            )
        return np.concatenate([scores, suppressed_scores], axis=1).astype(np.float16)

    def _ignore_scores(
        self, ignores: NDArray[np.float32], scores: NDArray[np.float32], best_score: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Return, for the ignore that a window resembles most, its best score without any ignores; else FLOOR.

        # [n, I], [n, F + 1], [n] -> [n, I]
        """
        is_nearest = (ignores == ignores.max(axis=1, keepdims=True)) & (ignores >= RESEMBLANCE_SCORE)
        is_suppressed = (scores < self.threshold).all(axis=1) & (scores.max(axis=1) < best_score)
        return np.where(is_nearest & is_suppressed[:, None], best_score[:, None], FLOOR)

    def _period_number(self, minute: int) -> int:
        return int(np.searchsorted(self._expiries, minute, "right"))

    def _period(self, number: int) -> _ValidityPeriod:
        """Return the period after this many expiries. It is made for its first window, by any thread, and cached."""
        periods = self._periods
        if number not in periods:
            index = self.exemplar_index.at(int(self._expiries[number - 1])) if number else self.exemplar_index
            recent_periods = dict(list(periods.items())[-OLDER_PERIODS_CACHED:])
            self._periods = periods = {**recent_periods, number: self._make_period(index)}
        return periods[number]

    def _make_period(self, index: ExemplarIndex) -> _ValidityPeriod:
        without_budget = [""] * len(index.ignores)
        names = [*index.faults, *without_budget, *index.quarantined_faults, "unknown"]
        offsets = self._budget_split.score_offsets(names)
        calibration = calibrate(index, self._weights)
        rivals = len(index.faults) + len(index.ignores)
        return _ValidityPeriod(
            index=index,
            calibration=replace(calibration, zero_level=calibration.zero_level - offsets),
            resemblance_scores=RESEMBLANCE_SCORE + offsets[:rivals],
        )
