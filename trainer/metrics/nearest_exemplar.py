"""One example of each class, every question of other events and cells: how many are named right, and how surely.

Which episode is shown is luck, so a figure is the mean over many draws of examples. Its interval is a bootstrap over
events: windows of one event share its fate, and count as one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detector.backtest.matching import share

DRAWS = 200
"""Of examples, for a figure."""

REPLICATES, REDRAWS = 200, 8
"""Of the bootstrap, and draws of examples in each."""

Figure = tuple[float, float, float]
"""A value and its 95 % interval; NaN where there is nothing to say."""

UNDEFINED: Figure = (float("nan"), float("nan"), float("nan"))


@dataclass(frozen=True)
class QuestionSheet:
    """Who is who: classes by number, events and cells likewise, over questions [Q] and examples [E]."""

    classes: Sequence[str]
    asked: NDArray[np.int64]
    """Class. # [Q]"""
    asked_event: NDArray[np.int64]
    asked_cell: NDArray[np.int64]
    shown: NDArray[np.int64]
    """Class. # [E]"""
    shown_event: NDArray[np.int64]
    shown_cell: NDArray[np.int64]


@dataclass(frozen=True)
class OneShotResult:
    """The figures of one method."""

    macro_f1: dict[str, Figure]
    """By group of questions."""
    right: dict[str, Figure]
    """Mean over classes of the share of questions named right, by group."""
    by_class: dict[str, Figure]
    confusion: NDArray[np.float64]
    """What was asked, what was said: shares, each row adding up to 1. # [C, C]"""
    said: NDArray[np.float64]
    """How often each question was given each name. # [Q, C]"""


def evaluate_nearest_exemplar(
    similarity: NDArray[np.float32],
    sheet: QuestionSheet,
    groups: Mapping[str, NDArray[np.bool_]],
    rng: np.random.Generator,
) -> OneShotResult:
    """# similarity [Q, E], groups of [Q]"""
    ones = np.ones(int(max(sheet.asked_event.max(initial=0), sheet.shown_event.max(initial=0))) + 1)
    said = _said(similarity, sheet, _pools(sheet, ones), DRAWS, rng)
    tables = {name: _table(said, sheet, ones, mask) for name, mask in groups.items()}
    spread: dict[str, list[NDArray[np.float64]]] = {name: [] for name in groups}
    for _ in range(REPLICATES):
        weight = _resampled(sheet, len(ones), rng)
        again = _said(similarity, sheet, _pools(sheet, weight), REDRAWS, rng)
        for name, mask in groups.items():
            spread[name].append(_table(again, sheet, weight, mask))
    whole = _table(said, sheet, ones, np.ones(len(said), bool))
    return OneShotResult(
        {name: _figure(macro_f1(table), [macro_f1(one) for one in spread[name]]) for name, table in tables.items()},
        {name: _figure(_right(table), [_right(one) for one in spread[name]]) for name, table in tables.items()},
        {name: _of_class(whole, sheet, place) for place, name in enumerate(sheet.classes)},
        whole,
        said,
    )


def macro_f1(table: NDArray[np.float64]) -> float:
    """Over the classes that were asked about, all alike in weight. # [C, C] with rows of sum 1, or NaN -> share"""
    known = ~np.isnan(table).any(axis=1)
    if not known.any():
        return float("nan")
    right = np.diag(table)[known]
    return float(np.mean(2 * right / (1 + table[known].sum(axis=0)[known])))


def _right(table: NDArray[np.float64]) -> float:
    right = np.diag(table)
    return float(np.nanmean(right)) if not np.isnan(right).all() else float("nan")


def _figure(value: float, replicates: Sequence[float]) -> Figure:
    known = np.array(replicates)[~np.isnan(replicates)]
    if np.isnan(value) or not len(known):
        return UNDEFINED
    low, high = np.quantile(known, (0.025, 0.975)).tolist()
    return value, min(value, low), max(value, high)


def _of_class(table: NDArray[np.float64], sheet: QuestionSheet, place: int) -> Figure:
    """Wilson's interval over its events: a bootstrap of three that were all right would be sure of itself."""
    events = len(np.unique(sheet.asked_event[sheet.asked == place]))
    value = float(table[place, place])
    return UNDEFINED if np.isnan(value) else share(value * events, events)


def _resampled(sheet: QuestionSheet, events: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """How often each event was drawn, as many as there are of each class. # [events]"""
    weight = np.zeros(events)
    for place in range(len(sheet.classes)):
        there = np.unique(sheet.shown_event[sheet.shown == place])
        np.add.at(weight, there[rng.integers(len(there), size=len(there))], 1)
    return weight


def _pools(sheet: QuestionSheet, weight: NDArray[np.float64]) -> list[tuple[NDArray[np.int64], NDArray[np.float64]]]:
    """Per class, examples and how likely each is: events alike, cells alike within an event."""
    pools = []
    for place in range(len(sheet.classes)):
        rows = np.flatnonzero((sheet.shown == place) & (weight[sheet.shown_event] > 0))
        _, event, cells = np.unique(sheet.shown_event[rows], return_inverse=True, return_counts=True)
        chance = weight[sheet.shown_event[rows]] / cells[event]
        pools.append((rows, chance / chance.sum()))
    return pools


def _said(
    similarity: NDArray[np.float32],
    sheet: QuestionSheet,
    pools: Sequence[tuple[NDArray[np.int64], NDArray[np.float64]]],
    draws: int,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """How often each question was given each name; a draw whose own example shares its event or cell is none of its.

    # -> [Q, C]
    """
    chosen = np.stack([rng.choice(rows, draws, p=chance) for rows, chance in pools], axis=1)  # [draws, C]
    by_example = np.ascontiguousarray(similarity.T)
    said = np.zeros((len(similarity), len(pools)))
    question = np.arange(len(similarity))
    for examples in chosen:
        own = examples[sheet.asked]
        fair = (sheet.shown_event[own] != sheet.asked_event) & (sheet.shown_cell[own] != sheet.asked_cell)
        name = by_example[examples].argmax(axis=0)
        said[question[fair], name[fair]] += 1
    return said


def _table(
    said: NDArray[np.float64], sheet: QuestionSheet, weight: NDArray[np.float64], mask: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """What the questions of each class were called; within a class events count alike. # -> [C, C], NaN if unasked"""
    times = said.sum(axis=1)
    used = mask & (times > 0)
    of_event = np.bincount(sheet.asked_event[used], minlength=len(weight))
    each = np.where(used, weight[sheet.asked_event] / np.maximum(of_event[sheet.asked_event], 1), 0)
    rows = said / np.maximum(times, 1)[:, None] * each[:, None]
    table = np.stack([rows[sheet.asked == place].sum(axis=0) for place in range(len(sheet.classes))])
    total = table.sum(axis=1, keepdims=True)
    return np.where(total > 0, table / np.where(total > 0, total, 1), np.nan)
