"""The slow, obvious twins: one record at a time, plain Python, nothing clever.

They say what `Watermark`, `Windows`, `ScoreHistory`, `AlarmLifecycle` and the losses promise. Where the fast ones
differ, one of both is wrong.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from detector.core.encoder import Encode
from detector.core.features import ABSENT, CLIP, STEPS
from detector.core.scoring.classifier import Classifier
from detector.core.settings import Settings
from detector.core.vocabulary import SEVERITIES, SILENT, UNKNOWN
from tests.builders import Told

WINDOW = 60
SAMPLES = {1: 60, 5: 12, 15: 4, 30: 4, 60: 4}
"""Samples of a window, by the period."""

Window = tuple[tuple[int, ...], ...]


class Watermark:
    """The newest minute that a quorum of the cells that count has reached."""

    def __init__(self, quorum_cells: int, ahead_minutes: int, period: int = 1) -> None:
        self.quorum_cells, self.ahead_minutes = quorum_cells, ahead_minutes
        self.lone_streak = 1440 // period
        self.minute: int | None = None
        self.claims: dict[str, int] = {}
        self.streak: list[str] = []

    def observe(self, cell: str, minute: int) -> bool:
        """Says whether the watermark rose."""
        stood = self.minute
        ahead = stood is not None and minute > stood + self.ahead_minutes
        claim = self.claims.get(cell, minute)
        had_run_ahead = stood is not None and claim > stood + self.ahead_minutes
        self.claims[cell] = minute if had_run_ahead and not ahead else max(claim, minute)
        self.streak = [*self.streak, cell] if ahead else []
        speakers = len(set(self.streak))
        if speakers == self.quorum_cells or len(self.streak) >= (60 if speakers > 1 else self.lone_streak):
            self.claims = {cell: claim for cell, claim in self.claims.items() if cell in self.streak}
        needed = max(1, min((len(self.claims) + 1) // 2, self.quorum_cells))
        self.minute = sorted(self.claims.values(), reverse=True)[needed - 1]
        if self.minute != stood:
            self.streak = []
        return stood is None or self.minute > stood


@dataclass
class Cell:
    """What is remembered of one cell."""

    last_activity: int = -1
    last: int | None = None
    silence_start: int = -1
    refused_at: int = -1
    reported: dict[int, tuple[float | None, ...]] = field(default_factory=dict)
    scores: dict[int, np.ndarray] = field(default_factory=dict)


class Network:
    """One partition, from its records to its alarms."""

    def __init__(self, settings: Settings, encode: Encode, judge: Classifier) -> None:
        self.settings, self.encode, self.judge = settings, encode, judge
        self.period, self.samples = settings.period_minutes, SAMPLES[settings.period_minutes]
        self.watermark = Watermark(settings.quorum_cells, settings.ahead_minutes, self.period)
        self.cells: dict[str, Cell] = {}
        self.alarms: dict[tuple[str, str], tuple[int, str]] = {}
        self.outcomes: list[str] = []
        self.windows: list[tuple[str, int, Window]] = []
        self.events: list[tuple[str, str, str, int, str, int]] = []

    def take(self, told: Told) -> None:
        stood = self.watermark.minute
        cell = self.cells.setdefault(told.cell, Cell())
        outcome = self._admit(cell, told)
        self.outcomes.append(outcome)
        if outcome in ("too_far_ahead", "too_late") and stood is not None:
            cell.refused_at = stood
        if outcome == "in_order":
            self._judge(told, cell, stood)
        rose = self.watermark.observe(told.cell, told.minute)
        assert self.watermark.minute is not None
        cell.last_activity = self.watermark.minute if stood is None else stood
        if rose:
            self._advance(stood)
        for other in self.cells.values():
            other.last_activity = min(other.last_activity, self.watermark.minute)
            other.refused_at = min(other.refused_at, self.watermark.minute)

    def _admit(self, cell: Cell, told: Told) -> str:
        settings, stood, minute = self.settings, self.watermark.minute, told.minute
        if stood is not None:
            if minute > stood + settings.ahead_minutes:
                return "too_far_ahead"
            if minute < stood - settings.behind_minutes:
                return "too_late"
            if cell.last is not None and cell.last > stood + settings.ahead_minutes:
                cell.last, cell.reported, cell.scores = None, {}, {}
        if cell.last is None or minute > cell.last:
            cell.last = minute
            cell.reported = {
                m: values for m, values in cell.reported.items() if m > minute - self.samples * self.period
            }
            cell.reported[minute] = told.values
            return "in_order"
        if cell.last - minute > settings.late_minutes:
            return "too_late"
        known = cell.reported.get(minute)
        cell.reported[minute] = told.values
        if known is None:
            return "late"
        return "duplicate" if known == told.values else "restated"

    def _judge(self, told: Told, cell: Cell, stood: int | None) -> None:
        features = len(told.values)
        window = tuple(
            codes(cell.reported.get(told.minute - age * self.period, (None,) * features))
            for age in range(self.samples - 1, -1, -1)
            for _ in range(WINDOW // self.samples)
        )
        self.windows.append((told.cell, told.minute, window))
        scored = len(cell.reported) / self.samples >= self.settings.min_coverage
        if scored:
            embedding = self.encode(np.array([window], np.int8))
            cell.scores[told.minute] = self.judge.score_classes(embedding)[0]
        heard = stood is None or told.minute > stood - self.settings.silent_minutes
        if heard and (told.cell, SILENT) in self.alarms:
            self._tell("cleared", told.cell, SILENT, told.minute)
        if scored:
            self._look(told.cell, cell, told.minute)

    def _advance(self, stood: int | None) -> None:
        """The watermark rose: who is silent, and who is forgotten."""
        settings, watermark = self.settings, self.watermark.minute
        assert watermark is not None
        for cell in self.cells.values():
            if stood is not None and watermark - stood > settings.ahead_minutes:
                cell.silence_start = watermark
        for name, cell in sorted(self.cells.items()):
            last_heard = max(cell.last or -1, cell.silence_start, cell.refused_at)
            silent = cell.last is not None and watermark - last_heard >= settings.silent_minutes
            if silent and (name, SILENT) not in self.alarms:
                self._tell("new", name, SILENT, watermark, (cell.last or 0) + self.period, "major")
        horizon = watermark - settings.tolerance.memory_minutes
        for name, cell in list(self.cells.items()):
            if cell.last is not None and cell.last <= horizon:
                cell.last, cell.reported, cell.scores = None, {}, {}
            claim = self.watermark.claims.get(name, -1)
            if cell.last_activity < horizon and not horizon <= claim <= watermark + settings.ahead_minutes:
                del self.cells[name]
                self.watermark.claims.pop(name, None)
                self.watermark.streak = [other for other in self.watermark.streak if other != name]

    def _look(self, name: str, cell: Cell, minute: int) -> None:
        """Clear what has been quiet, raise what is loud. Every score here is a smoothed one."""
        settings, threshold = self.settings, self.judge.threshold
        lower = threshold - settings.clear_margin
        now = self._smoothed(cell, minute)
        if now is None:
            return
        columns = {fault: column for column, fault in enumerate(self.judge.classes)}
        for fault in sorted(columns):
            if (name, fault) not in self.alarms:
                continue
            hold = [self._smoothed(cell, minute - age) for age in range(0, settings.hold_minutes, self.period)]
            onset, severity = self.alarms[name, fault]
            if all(one is not None and one[columns[fault]] < lower for one in hold):
                self._tell("cleared", name, fault, minute, onset, severity)
            elif SEVERITIES.index(self._severity(now[columns[fault]])) > SEVERITIES.index(severity):
                self._tell("changed", name, fault, minute, onset, self._severity(now[columns[fault]]))
        bears = [fault for fault in columns if fault != UNKNOWN and (name, fault) in self.alarms]
        if any(now[columns[fault]] >= lower for fault in bears):
            return
        best = max(columns, key=lambda fault: now[columns[fault]] if fault != UNKNOWN else -np.inf)
        if best != UNKNOWN and now[columns[best]] >= threshold and best not in bears:
            if (name, UNKNOWN) in self.alarms:
                self._tell("cleared", name, UNKNOWN, minute, *self.alarms[name, UNKNOWN])
            self._begin(name, cell, best, columns[best], minute, now)
            return
        patience = [self._smoothed(cell, minute - age) for age in range(0, settings.unknown_minutes, self.period)]
        patient = all(one is not None and one[-1] >= threshold for one in patience)
        if not bears and (name, UNKNOWN) not in self.alarms and patient:
            self._begin(name, cell, UNKNOWN, columns[UNKNOWN], minute, now)

    def _begin(self, name: str, cell: Cell, fault: str, column: int, minute: int, now: np.ndarray) -> None:
        """The episode began with the first of the minutes up to now that all scored above the lower threshold."""
        lower = self.judge.threshold - self.settings.clear_margin
        onset = minute
        for earlier in range(minute, minute - self.settings.hold_minutes, -self.period):
            if earlier not in cell.scores or not cell.scores[earlier][column] >= lower:
                break
            onset = earlier
        self._tell("new", name, fault, minute, onset, self._severity(now[column]))

    def _severity(self, score: float) -> str:
        steps = [step for step in (1.0, 1.5, 2.25) if score >= step * self.judge.threshold]
        return SEVERITIES[max(len(steps) - 1, 0)]

    def _smoothed(self, cell: Cell, minute: int) -> np.ndarray | None:
        """The weighted mean of the scores there are, if they make up half of the weight."""
        weights = self.settings.weights
        there = [
            (weights[age], cell.scores[minute - age * self.period])
            for age in range(len(weights))
            if minute - age * self.period in cell.scores
        ]
        total = sum(weight for weight, _ in there)
        if total < weights.sum() / 2:
            return None
        return sum(weight * score.astype(np.float32) for weight, score in there) / total

    def _tell(self, change: str, cell: str, fault: str, minute: int, onset: int = 0, severity: str = "") -> None:
        if change == "cleared":
            onset, severity = self.alarms.pop((cell, fault))
        else:
            self.alarms[cell, fault] = (onset, severity)
        self.events.append((change, cell, fault, onset, severity, minute))


def play(settings: Settings, encode: Encode, judge: Classifier, log: Sequence[Told]) -> Network:
    network = Network(settings, encode, judge)
    for told in log:
        network.take(told)
    return network


def codes(values: Sequence[float | None]) -> tuple[int, ...]:
    """Deviations of a minute whose usual is 0 and whose spread is 1."""
    return tuple(ABSENT if v is None else round(min(max(v, -CLIP), CLIP) * STEPS) for v in values)


def deviation(
    value: float, minute: int, spread: float, mean: float, harmonics: Sequence[tuple[float, float]], log: bool
) -> float:
    """One value of one feature against its cell's day, in spreads; NaN where nothing was reported."""
    angle = 2 * np.pi * (minute % 1440) / 1440
    usual = mean + sum(c * np.cos(k * angle) + s * np.sin(k * angle) for k, (c, s) in enumerate(harmonics, start=1))
    reported = np.log1p(max(value, 0)) if log and not np.isnan(value) else value
    return float((reported - usual) / spread)


def nearest_cosine(query: np.ndarray, members: np.ndarray) -> tuple[int, float]:
    cosines = [float(np.dot(query.astype(np.float64), member.astype(np.float64))) for member in members]
    return int(np.argmax(cosines)), max(cosines)


def strongest_pull(query: np.ndarray, members: np.ndarray) -> float:
    """How far the query lies the way of any of these, each taken as a way alone; one that is nowhere pulls nothing."""
    ways = [member.astype(np.float64) for member in members]
    lengths = [float(np.sqrt(sum(number**2 for number in way))) for way in ways]
    return max(
        sum(float(q) * float(w) for q, w in zip(query, way, strict=True)) / length if length > 0 else 0.0
        for way, length in zip(ways, lengths, strict=True)
    )


def square(left: np.ndarray, right: np.ndarray) -> float:
    return float(sum((float(a) - float(b)) ** 2 for a, b in zip(left, right, strict=True)))


def fellows(label: Sequence[int], anchor: int) -> list[int]:
    return [row for row in range(len(label)) if label[row] == label[anchor] and row != anchor]


def strangers(label: Sequence[int], anchor: int) -> list[int]:
    return [row for row in range(len(label)) if label[row] != label[anchor]]


def mean(costs: Sequence[float]) -> float:
    return sum(costs) / len(costs) if costs else 0.0


def triplets(embedding: np.ndarray, label: Sequence[int], anchors: int, mining: str) -> list[tuple[int, int, int]]:
    """Anchor, positive and negative; for `random` all that may be drawn."""
    found = []
    for anchor in range(anchors):
        near = {row: square(embedding[anchor], embedding[row]) for row in range(len(label))}
        positives, negatives = fellows(label, anchor), strangers(label, anchor)
        if not positives or not negatives:
            continue
        if mining == "random":
            found += [(anchor, positive, negative) for positive in positives for negative in negatives]
        elif mining == "batch-hard":
            found.append((anchor, max(positives, key=near.__getitem__), min(negatives, key=near.__getitem__)))
        else:
            for positive in positives:
                further = [row for row in negatives if near[row] > near[positive]]
                chosen = min(further, key=near.__getitem__) if further else max(negatives, key=near.__getitem__)
                found.append((anchor, positive, chosen))
    return found


def over_triplets(
    cost: Callable[..., float], embedding: np.ndarray, label: Sequence[int], anchors: int, mining: str, **options: float
) -> list[float]:
    costs: list[list[float]] = [[] for _ in range(anchors)]
    for anchor, positive, negative in triplets(embedding, label, anchors, mining):
        costs[anchor].append(cost(embedding[anchor], embedding[positive], embedding[negative], **options))
    return [mean(one) for one in costs]


def triplet(anchor: np.ndarray, positive: np.ndarray, negative: np.ndarray, margin: float) -> float:
    return max(0.0, square(anchor, positive) - square(anchor, negative) + margin)


def soft_margin(anchor: np.ndarray, positive: np.ndarray, negative: np.ndarray) -> float:
    return float(np.log(1 + np.exp(np.sqrt(square(anchor, positive)) - np.sqrt(square(anchor, negative)))))


def lossless_triplet(
    anchor: np.ndarray, positive: np.ndarray, negative: np.ndarray, beta: float | None, epsilon: float
) -> float:
    dimension = len(anchor)
    beta = dimension if beta is None else beta
    pull = -np.log(-square(anchor, positive) / beta + 1 + epsilon)
    push = -np.log(-(dimension - square(anchor, negative)) / beta + 1 + epsilon)
    return float(pull + push)


def contrastive(embedding: np.ndarray, label: Sequence[int], anchors: int, margin: float) -> list[float]:
    costs = []
    for anchor in range(anchors):
        near = [square(embedding[anchor], other) for other in embedding]
        pull = [near[row] / 2 for row in fellows(label, anchor)]
        push = [max(0.0, margin - float(np.sqrt(near[row]))) ** 2 / 2 for row in strangers(label, anchor)]
        costs.append((mean(pull) + mean(push)) / 2)
    return costs


def similarity(
    embedding: np.ndarray, label: Sequence[int], anchors: int, join: str, weight: np.ndarray, bias: np.ndarray
) -> list[float]:
    costs = []
    for anchor in range(anchors):
        chance = []
        for other in embedding:
            joined = {
                "concatenation": [*embedding[anchor], *other],
                "difference": [abs(a - b) for a, b in zip(embedding[anchor], other, strict=True)],
                "distance": [np.sqrt(square(embedding[anchor], other))],
            }[join]
            logit = sum(float(w) * float(x) for w, x in zip(weight[:, 0], joined, strict=True)) + float(bias[0])
            chance.append(1 / (1 + np.exp(-logit)))
        pull = [-float(np.log(chance[row])) for row in fellows(label, anchor)]
        push = [-float(np.log(1 - chance[row])) for row in strangers(label, anchor)]
        costs.append((mean(pull) + mean(push)) / 2)
    return costs


def prototypical(embedding: np.ndarray, label: Sequence[int], anchors: int) -> list[float]:
    costs = []
    for anchor in range(anchors):
        near = {}
        for name in set(label):
            members = [row for row in range(len(label)) if label[row] == name and row != anchor]
            if members:
                prototype = sum(embedding[row].astype(float) for row in members) / len(members)
                near[name] = square(embedding[anchor], prototype)
        if label[anchor] not in near:
            costs.append(0.0)
            continue
        costs.append(near[label[anchor]] + float(np.log(sum(np.exp(-value) for value in near.values()))))
    return costs


def multi_similarity(
    embedding: np.ndarray, label: Sequence[int], anchors: int, alpha: float, beta: float, base: float, epsilon: float
) -> list[float]:
    costs = []
    for anchor in range(anchors):
        cosine = [float(np.dot(embedding[anchor].astype(float), other.astype(float))) for other in embedding]
        positives, negatives = fellows(label, anchor), strangers(label, anchor)
        hard = [row for row in positives if any(cosine[row] < cosine[other] + epsilon for other in negatives)]
        near = [row for row in negatives if any(cosine[row] > cosine[other] - epsilon for other in positives)]
        pull = np.log(1 + sum(np.exp(-alpha * (cosine[row] - base)) for row in hard)) / alpha
        push = np.log(1 + sum(np.exp(beta * (cosine[row] - base)) for row in near)) / beta
        costs.append(float(pull + push))
    return costs


def auroc(above: np.ndarray, below: np.ndarray) -> float:
    """The share of pairs in which the first is larger; equal ones count half."""
    return float(np.mean([1.0 if a > b else 0.5 if a == b else 0.0 for a in above for b in below]))


def warped_distance(one: np.ndarray, other: np.ndarray, most: int) -> float:
    """Dynamic time warping by its recursion, all features together, less than `most` minutes apart. # [T, F], [T, F]"""
    length = len(one)
    cost = np.full((length + 1, length + 1), np.inf)
    cost[0, 0] = 0
    for i in range(length):
        for j in range(length):
            if abs(i - j) < most:
                step = float(((one[i].astype(float) - other[j]) ** 2).sum())
                cost[i + 1, j + 1] = step + min(cost[i, j], cost[i, j + 1], cost[i + 1, j])
    return float(np.sqrt(cost[length, length]))
