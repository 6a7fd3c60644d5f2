"""Selection of the episodes for an evaluation, and of the episode of each class that is taught."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detector.backtest.matching import Episode
from detector.core.features import WINDOW

EVENTS = 2
"""Least number of events of a class: one for the exemplar, one for the question."""

PER_EVENT = 3
"""Largest number of cells per event: a regional outage is one event in a hundred cells."""

PER_CLASS = 40
"""Largest number of episodes per class: with more, the few events of other classes dominate the interval's width."""


@dataclass(frozen=True)
class EpisodeSelection:
    """Selected episodes with their events."""

    episodes: list[Episode]
    event: NDArray[np.int64]
    """Number of each episode's event: a class that begins in the same minute, in any number of cells. # [n]"""
    mixed: int
    """Episodes left out because another class was in the same cell at the time."""


def select_episodes(
    listed: Sequence[Episode], rng: np.random.Generator, window_minutes: int = WINDOW
) -> EpisodeSelection:
    """Select a few cells of each event and a few tens of episodes of each class, without overlaps in a cell."""
    by_cell: dict[str, list[Episode]] = {}
    for episode in listed:
        by_cell.setdefault(episode.cell, []).append(episode)
    separate = [episode for episode in listed if not _is_mixed(episode, by_cell[episode.cell], window_minutes)]
    events: dict[tuple[str, int], list[Episode]] = {}
    for index in rng.permutation(len(separate)).tolist():
        events.setdefault((separate[index].name, separate[index].begin), []).append(separate[index])
    by_class: dict[str, list[tuple[Episode, int]]] = {}
    for number, (key, cells) in enumerate(sorted(events.items())):
        by_class.setdefault(key[0], []).extend((episode, number) for episode in cells[:PER_EVENT])
    selected: list[tuple[Episode, int]] = []
    for _, candidates in sorted(by_class.items()):
        indices = sorted(rng.permutation(len(candidates))[:PER_CLASS].tolist())
        selected += [candidates[index] for index in indices]
    event = np.array([number for _, number in selected], np.int64)
    return EpisodeSelection([episode for episode, _ in selected], event, len(listed) - len(separate))


def usable_classes(episodes: Sequence[Episode], event: NDArray[np.int64]) -> list[str]:
    """Return the classes with enough events in different cells for an exemplar and a question. # event [n]"""
    occurrences: dict[str, set[tuple[int, str]]] = {}
    for episode, number in zip(episodes, event.tolist(), strict=True):
        occurrences.setdefault(episode.name, set()).add((number, episode.cell))
    return sorted(
        name
        for name, pairs in occurrences.items()
        if len({number for number, _ in pairs}) >= EVENTS and len({cell for _, cell in pairs}) >= EVENTS
    )


def select_taught(
    episodes: Sequence[Episode], classes: Sequence[str], rng: np.random.Generator
) -> tuple[list[Episode], list[str]]:
    """Draw one episode of each class to be taught; return these, and every third fault class, which stays untaught."""
    faults = sorted({episode.name for episode in episodes if episode.kind == "fault" and episode.name in classes})
    untaught = {faults[index] for index in rng.permutation(len(faults))[: len(faults) // 3].tolist()}
    taught = []
    for name in classes:
        if name not in untaught:
            events = sorted({episode.begin for episode in episodes if episode.name == name})
            begin = events[rng.integers(len(events))]
            cells = [episode for episode in episodes if (episode.name, episode.begin) == (name, begin)]
            taught.append(cells[rng.integers(len(cells))])
    return taught, sorted(untaught)


def is_calm(listed: Sequence[Episode], first: int, last: int) -> bool:
    """Return whether no listed episode overlaps the window of these minutes or the window before it."""
    return not any(episode.begin < last and first < episode.end + last - first for episode in listed)


def _is_mixed(episode: Episode, in_cell: Sequence[Episode], window_minutes: int) -> bool:
    """Return whether another class was in the cell during this episode or the window before it."""
    return any(
        other.name != episode.name and other.begin < episode.end and episode.begin < other.end + window_minutes
        for other in in_cell
    )
