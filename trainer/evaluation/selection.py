"""Which episodes are asked about, and which one of each class is taught."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detector.backtest.matching import Episode
from detector.core.features import WINDOW

EVENTS = 2
"""Of a class, at least: one to be shown, one to be asked."""

PER_EVENT = 3
"""Cells of one event that are asked: a region's outage is one thing that happened, in a hundred cells."""

PER_CLASS = 40
"""Episodes: from there on the interval is as wide as the few events of other classes make it."""


@dataclass(frozen=True)
class EpisodeSelection:
    episodes: list[Episode]
    event: NDArray[np.int64]
    """Equal where a class struck several cells in the same minute. # [n]"""
    mixed: int
    """Episodes left out because another of another class was in the same cell at the time."""


def select_episodes(listed: Sequence[Episode], rng: np.random.Generator) -> EpisodeSelection:
    """A few cells of each event, a few tens of episodes of each class, each with a cell of its own at the time."""
    by_cell: dict[str, list[Episode]] = {}
    for episode in listed:
        by_cell.setdefault(episode.cell, []).append(episode)
    alone = [one for one in listed if not _is_mixed(one, by_cell[one.cell])]
    events: dict[tuple[str, int], list[Episode]] = {}
    for place in rng.permutation(len(alone)).tolist():
        events.setdefault((alone[place].name, alone[place].begin), []).append(alone[place])
    taken: dict[str, list[tuple[Episode, int]]] = {}
    for number, (key, cells) in enumerate(sorted(events.items())):
        taken.setdefault(key[0], []).extend((one, number) for one in cells[:PER_EVENT])
    chosen: list[tuple[Episode, int]] = []
    for _, found in sorted(taken.items()):
        some = sorted(rng.permutation(len(found))[:PER_CLASS].tolist())
        chosen += [found[place] for place in some]
    return EpisodeSelection([one for one, _ in chosen], np.array([event for _, event in chosen], np.int64),
                  len(listed) - len(alone))  # fmt: skip


def usable_classes(episodes: Sequence[Episode], event: NDArray[np.int64]) -> list[str]:
    """Classes with enough events in different cells, so that one can be shown and another asked. # event [n]"""
    found: dict[str, set[tuple[int, str]]] = {}
    for one, number in zip(episodes, event.tolist(), strict=True):
        found.setdefault(one.name, set()).add((number, one.cell))
    return sorted(
        name
        for name, places in found.items()
        if len({number for number, _ in places}) >= EVENTS and len({cell for _, cell in places}) >= EVENTS
    )


def select_taught(
    episodes: Sequence[Episode], classes: Sequence[str], rng: np.random.Generator
) -> tuple[list[Episode], list[str]]:
    """One random episode of each class; but every third fault class stays untaught, to be called unknown."""
    faults = sorted({one.name for one in episodes if one.kind == "fault" and one.name in classes})
    left = {faults[place] for place in rng.permutation(len(faults))[: len(faults) // 3].tolist()}
    taught = []
    for name in classes:
        if name not in left:
            events = sorted({one.begin for one in episodes if one.name == name})
            begin = events[rng.integers(len(events))]
            cells = [one for one in episodes if (one.name, one.begin) == (name, begin)]
            taught.append(cells[rng.integers(len(cells))])
    return taught, sorted(left)


def is_calm(listed: Sequence[Episode], first: int, last: int) -> bool:
    """Nothing listed from an hour before these minutes to their end."""
    return not any(one.begin < last and first < one.end + WINDOW for one in listed)


def _is_mixed(episode: Episode, there: Sequence[Episode]) -> bool:
    return any(
        one.name != episode.name and one.begin < episode.end and episode.begin < one.end + WINDOW for one in there
    )
