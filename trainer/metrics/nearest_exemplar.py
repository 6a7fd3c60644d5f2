"""Nearest-exemplar accuracy and macro-F1 over all classes of a history, with one exemplar of each class.

Exemplar and question come from different events and cells, which the six-way measures do not require. The choice of the
exemplar is luck, so a figure is the mean over many draws. Its interval is a bootstrap over events: windows of one
event are not independent and count as one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detector.backtest.matching import share

DRAWS = 200
"""Draws of exemplars for a figure."""

REPLICATES, REDRAWS = 200, 8
"""Replicates of the bootstrap, and draws of exemplars in each."""

Figure = tuple[float, float, float]
"""Value and its 95 % interval; NaN if it is undefined."""

UNDEFINED: Figure = (float("nan"), float("nan"), float("nan"))


@dataclass(frozen=True, kw_only=True)
class QuestionSheet:
    """Class, event and cell of every question [Q] and of every possible exemplar [E], by number."""

    classes: Sequence[str]
    """Names of the classes, by number."""
    question_class: NDArray[np.int64]
    """# [Q]"""
    question_event: NDArray[np.int64]
    question_cell: NDArray[np.int64]
    exemplar_class: NDArray[np.int64]
    """# [E]"""
    exemplar_event: NDArray[np.int64]
    exemplar_cell: NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class OneShotResult:
    """Figures of one method."""

    macro_f1: dict[str, Figure]
    """Macro-F1, by group of questions."""
    accuracy: dict[str, Figure]
    """Mean over classes of the share of questions named right, by group of questions."""
    by_class: dict[str, Figure]
    """Share of questions named right, by class."""
    confusion: NDArray[np.float64]
    """Shares of the names (columns) given to each class (rows); each row adds up to 1. # [C, C]"""
    votes: NDArray[np.float64]
    """Number of draws in which each question was given each name. # [Q, C]"""


def evaluate_nearest_exemplar(
    similarity: NDArray[np.float32],
    sheet: QuestionSheet,
    groups: Mapping[str, NDArray[np.bool_]],
    rng: np.random.Generator,
) -> OneShotResult:
    """Return the figures of a method from its similarities, for each group of questions. # [Q, E], groups of [Q]"""
    ones = np.ones(int(max(sheet.question_event.max(initial=0), sheet.exemplar_event.max(initial=0))) + 1)
    votes = _count_votes(similarity, sheet, _exemplar_pools(sheet, ones), DRAWS, rng)
    tables = {name: _confusion(votes, sheet, ones, mask) for name, mask in groups.items()}
    replicates: dict[str, list[NDArray[np.float64]]] = {name: [] for name in groups}
    for _ in range(REPLICATES):
        weight = _resample_events(sheet, len(ones), rng)
        redrawn = _count_votes(similarity, sheet, _exemplar_pools(sheet, weight), REDRAWS, rng)
        for name, mask in groups.items():
            replicates[name].append(_confusion(redrawn, sheet, weight, mask))
    overall = _confusion(votes, sheet, ones, np.ones(len(votes), bool))
    return OneShotResult(
        macro_f1={
            name: _figure(macro_f1(table), [macro_f1(replicate) for replicate in replicates[name]])
            for name, table in tables.items()
        },
        accuracy={
            name: _figure(_accuracy(table), [_accuracy(replicate) for replicate in replicates[name]])
            for name, table in tables.items()
        },
        by_class={name: _class_accuracy(overall, sheet, number) for number, name in enumerate(sheet.classes)},
        confusion=overall,
        votes=votes,
    )


def macro_f1(table: NDArray[np.float64]) -> float:
    """Return macro-F1 over the classes with questions, all of equal weight. # [C, C], rows of sum 1 or NaN"""
    known = ~np.isnan(table).any(axis=1)
    if not known.any():
        return float("nan")
    right = np.diag(table)[known]
    return float(np.mean(2 * right / (1 + table[known].sum(axis=0)[known])))


def _accuracy(table: NDArray[np.float64]) -> float:
    right = np.diag(table)
    return float(np.nanmean(right)) if not np.isnan(right).all() else float("nan")


def _figure(value: float, replicates: Sequence[float]) -> Figure:
    known = np.array(replicates)[~np.isnan(replicates)]
    if np.isnan(value) or not len(known):
        return UNDEFINED
    low, high = np.quantile(known, (0.025, 0.975)).tolist()
    return value, min(value, low), max(value, high)


def _class_accuracy(table: NDArray[np.float64], sheet: QuestionSheet, number: int) -> Figure:
    """Return a class's accuracy with Wilson's interval over its events.

    A bootstrap over three events that were all named right would give an interval of width 0.
    """
    events = len(np.unique(sheet.question_event[sheet.question_class == number]))
    value = float(table[number, number])
    return UNDEFINED if np.isnan(value) else share(value * events, events)


def _resample_events(sheet: QuestionSheet, events: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw as many events of each class as there are, and return how often each was drawn. # -> [events]"""
    weight = np.zeros(events)
    for number in range(len(sheet.classes)):
        of_class = np.unique(sheet.exemplar_event[sheet.exemplar_class == number])
        np.add.at(weight, of_class[rng.integers(len(of_class), size=len(of_class))], 1)
    return weight


def _exemplar_pools(
    sheet: QuestionSheet, weight: NDArray[np.float64]
) -> list[tuple[NDArray[np.int64], NDArray[np.float64]]]:
    """Return each class's exemplars and their probabilities: equal for events, and for the cells of an event."""
    pools = []
    for number in range(len(sheet.classes)):
        rows = np.flatnonzero((sheet.exemplar_class == number) & (weight[sheet.exemplar_event] > 0))
        _, event, cells = np.unique(sheet.exemplar_event[rows], return_inverse=True, return_counts=True)
        chance = weight[sheet.exemplar_event[rows]] / cells[event]
        pools.append((rows, chance / chance.sum()))
    return pools


def _count_votes(
    similarity: NDArray[np.float32],
    sheet: QuestionSheet,
    pools: Sequence[tuple[NDArray[np.int64], NDArray[np.float64]]],
    draws: int,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Return how often each question was given each name.

    A question is left out of a draw whose exemplar of its class shares its event or cell. # -> [Q, C]
    """
    drawn = np.stack([rng.choice(rows, draws, p=chance) for rows, chance in pools], axis=1)  # [draws, C]
    by_exemplar = np.ascontiguousarray(similarity.T)
    votes = np.zeros((len(similarity), len(pools)))
    question = np.arange(len(similarity))
    for exemplars in drawn:
        own_class = exemplars[sheet.question_class]
        fair = (sheet.exemplar_event[own_class] != sheet.question_event) & (
            sheet.exemplar_cell[own_class] != sheet.question_cell
        )
        name = by_exemplar[exemplars].argmax(axis=0)
        votes[question[fair], name[fair]] += 1
    return votes


def _confusion(
    votes: NDArray[np.float64], sheet: QuestionSheet, weight: NDArray[np.float64], mask: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return the shares of the names given to each class; events of a class weigh alike. # -> [C, C], NaN if unasked"""
    times = votes.sum(axis=1)
    used = mask & (times > 0)
    questions_of_event = np.bincount(sheet.question_event[used], minlength=len(weight))
    each = np.where(used, weight[sheet.question_event] / np.maximum(questions_of_event[sheet.question_event], 1), 0)
    rows = votes / np.maximum(times, 1)[:, None] * each[:, None]
    table = np.stack([rows[sheet.question_class == number].sum(axis=0) for number in range(len(sheet.classes))])
    total = table.sum(axis=1, keepdims=True)
    return np.where(total > 0, table / np.where(total > 0, total, 1), np.nan)
