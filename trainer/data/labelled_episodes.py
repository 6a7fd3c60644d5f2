"""Windows to learn from out of a network's own past: episodes that people have named.

Had the fault not been is not to be seen in a real network, so the twin is the same cell at the same time of day, on the
nearest day on which nothing is listed for it. Twin and window then also differ by their days: a change moved to another
cell carries a little of that along, and the effect is taken for larger than it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from detector.backtest.matching import Episode
from detector.core.features import ABSENT, WINDOW, Baseline
from detector.history.parquet import HistoryError
from trainer.data.examples import ONSET_MINUTES, Examples, cut_windows, join_networks, measure_effect, stack_examples
from trainer.data.history import History

EPISODES = 2
"""Of a class, at least: two windows of one episode are alike for more reasons than their fault."""

PER_EPISODE = 6
"""Windows, evenly over its first two hours: as many as a simulated class has at home."""

DAYS = (*range(1, 8), *range(-1, -8, -1))
"""Where to look for the twin: how many days before; if none is free, after."""

REPORTED = 0.5
"""Share of minutes with any value at all that a window and its twin must have."""


@dataclass(frozen=True)
class LabelledEpisodes:
    """Class numbers count the names."""

    names: list[str]
    examples: Examples
    skipped: list[str]
    """What could not be used, and why: one sentence each."""


def cut_labelled_episodes(
    history: History, baseline: Baseline, episodes: Sequence[Episode], source: str
) -> LabelledEpisodes:
    """The usable episodes of every class that has two. Raises HistoryError for one that is not of this history."""
    _refuse_strangers(history, episodes, source)
    found: dict[str, list[Examples]] = {}
    skipped = []
    for episode in {one.key: one for one in episodes}.values():
        told = f"{episode.name} of {episode.cell} at {episode.begin}"
        ends = _ends(history, episode)
        days = _free_days(history, ends, episode, episodes)
        part = _cut(history, baseline, episode, ends, days) if len(ends) else None
        if part is None:
            why = "no window with its twin was reported" if len(ends) else "the history begins too late for a window"
            skipped.append(f"{told}: {why}.")
        else:
            found.setdefault(episode.name, []).append(part)
    names = sorted(name for name, parts in found.items() if len(parts) >= EPISODES)
    skipped += [
        f"{name}: {len(found.get(name, []))} of the {EPISODES} usable episodes that a class needs."
        for name in sorted({episode.name for episode in episodes} - set(names))
    ]
    parts = [
        replace(part, label=np.full(len(part.label), number, np.int64))
        for number, name in enumerate(names)
        for part in found[name]
    ]
    return LabelledEpisodes(names, stack_examples([_nothing(history), *parts]), skipped)


def add_labelled_episodes(
    examples: Examples, lessons: LabelledEpisodes, named: Sequence[str]
) -> tuple[Examples, list[str]]:
    """Simulated examples, whose first classes are `named`, with the lessons; and the names of all named classes.

    A class of the same name is the same class; procedural ones make room for the others.
    """
    names = [*named, *(name for name in lessons.names if name not in named)]
    moved = np.where(examples.label < len(named), examples.label, examples.label + len(names) - len(named))
    place = np.array([names.index(name) for name in lessons.names], np.int64)
    taught = replace(lessons.examples, label=place[lessons.examples.label])
    return join_networks([replace(examples, label=moved), taught]), names


def _refuse_strangers(history: History, episodes: Sequence[Episode], source: str) -> None:
    cells = set(history.cells)
    for episode in episodes:
        if episode.cell not in cells:
            raise HistoryError(
                f"{source}: cell {episode.cell!r} is not among the {len(cells)} of the history; give the history that"
                " these episodes befell."
            )
        if episode.end <= history.span[0] or episode.begin >= history.span[1]:
            raise HistoryError(
                f"{source}: {episode.name} of {episode.cell} from minute {episode.begin} to {episode.end} lies outside"
                f" the history ({history.span[0]} to {history.span[1]}); give the history that it befell."
            )


def _ends(history: History, episode: Episode) -> NDArray[np.int64]:
    """Last minutes of an episode's windows: from barely visible to long under way. # -> [at most PER_EPISODE]"""
    last = min(episode.end, episode.begin + ONSET_MINUTES[1], history.span[1]) - 1
    first = max(min(episode.begin + ONSET_MINUTES[0] - 1, last), history.span[0] + WINDOW - 1)
    return np.unique(np.linspace(first, last, PER_EPISODE).astype(np.int64)) if first <= last else np.empty(0, np.int64)


def _free_days(history: History, ends: NDArray[np.int64], episode: Episode, episodes: Sequence[Episode]) -> list[int]:
    """By how many days the windows can be moved back into the history without meeting anything that is listed."""
    listed = [other for other in episodes if other.cell == episode.cell]
    free = []
    for day in DAYS if len(ends) else ():
        first, last = int(ends[0]) - WINDOW + 1 - 1440 * day, int(ends[-1]) - 1440 * day
        inside = history.span[0] <= first and last < history.span[1]
        if inside and not any(other.begin <= last and first < other.end + WINDOW for other in listed):
            free.append(day)
    return free


def _cut(
    history: History, baseline: Baseline, episode: Episode, ends: NDArray[np.int64], days: Sequence[int]
) -> Examples | None:
    """The windows beside the first free day's that was reported."""
    cell = np.full(len(ends), list(history.cells).index(episode.cell))
    windows = cut_windows(history, baseline, cell, ends)
    if not _is_reported(windows):
        return None
    for day in days:
        twins = cut_windows(history, baseline, cell, ends - 1440 * day)
        if _is_reported(twins):
            number = np.zeros(len(ends), np.int64)
            return Examples(windows, twins, number, measure_effect(windows, twins), number)
    return None


def _is_reported(windows: NDArray[np.int8]) -> bool:
    return bool(((windows != ABSENT).any(axis=2).mean(axis=1) >= REPORTED).all())


def _nothing(history: History) -> Examples:
    none = np.empty((0, WINDOW, len(history.catalogue)), np.int8)
    number = np.empty(0, np.int64)
    return Examples(none, none, number, np.empty(0, np.float32), number)
