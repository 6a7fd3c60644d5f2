"""Training examples from a network's own history: windows of manually labelled episodes.

A real network does not show how a window would have looked without the fault. The twin is therefore the same cell at
the same time of day, on the nearest day without a listed episode. Window and twin therefore also differ by
the variation between days. A transplanted change contains some of this variation, and the effect is overestimated.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from detector.backtest.matching import Episode
from detector.core.features import ABSENT, WINDOW, Baseline
from detector.history.parquet import HistoryError
from trainer.data.examples import (
    ONSET_MINUTES,
    Examples,
    cut_windows,
    join_networks,
    measure_effect,
    stack_examples,
)
from trainer.data.history import History

EPISODES = 2
"""Least number of episodes of a class: two windows of one episode are similar not only because of their fault."""

PER_EPISODE = 6
"""Windows of an episode, evenly over its first two hours: as many as a simulated class has at the home operator."""

DAYS = (*range(1, 8), *range(-1, -8, -1))
"""Days between a window and its twin, in the order of the search: first before the episode, then after it."""

REPORTED = 0.5
"""Least share of minutes with any reported value, in a window and in its twin."""


@dataclass(frozen=True, kw_only=True)
class LabelledEpisodes:
    """Examples of labelled classes; class numbers are positions in `names`."""

    names: list[str]
    examples: Examples
    skipped: list[str]
    """One sentence for each episode or class that could not be used."""


def cut_labelled_episodes(
    history: History, baseline: Baseline, episodes: Sequence[Episode], source: str
) -> LabelledEpisodes:
    """Cut the windows of every class with at least two usable episodes.

    Raises HistoryError for an episode outside this history; `source` names the episodes' file in the message.
    """
    _refuse_foreign_episodes(history, episodes, source)
    by_class: dict[str, list[Examples]] = {}
    skipped = []
    for episode in {episode.key: episode for episode in episodes}.values():
        ends = _window_ends(history, episode)
        days = _free_days(history, ends, episode, episodes)
        part = _cut_episode(history, baseline, episode, ends, days) if len(ends) else None
        if part is None:
            reason = "no window and its twin were reported" if len(ends) else "the history begins too late for a window"
            skipped.append(f"{episode.name} of {episode.cell} at {episode.begin}: {reason}.")
        else:
            by_class.setdefault(episode.name, []).append(part)
    names = sorted(name for name, parts in by_class.items() if len(parts) >= EPISODES)
    skipped += [
        f"{name}: has {len(by_class.get(name, []))} of the {EPISODES} usable episodes that a class needs."
        for name in sorted({episode.name for episode in episodes} - set(names))
    ]
    parts = [
        replace(part, label=np.full(len(part.label), number, np.int64))
        for number, name in enumerate(names)
        for part in by_class[name]
    ]
    examples = stack_examples([_no_examples(history), *parts])
    return LabelledEpisodes(names=names, examples=examples, skipped=skipped)


def add_labelled_episodes(
    examples: Examples, labelled: LabelledEpisodes, named: Sequence[str]
) -> tuple[Examples, list[str]]:
    """Return simulated and labelled examples together, and the names of all named classes.

    The first classes of the simulated examples are `named`. A labelled class with the name of a simulated one joins
    it. Other labelled classes come after the named ones, and procedural classes get higher numbers.
    """
    names = [*named, *(name for name in labelled.names if name not in named)]
    shifted = np.where(examples.label < len(named), examples.label, examples.label + len(names) - len(named))
    numbers = np.array([names.index(name) for name in labelled.names], np.int64)
    renumbered = replace(labelled.examples, label=numbers[labelled.examples.label])
    return join_networks([replace(examples, label=shifted), renumbered]), names


def _refuse_foreign_episodes(history: History, episodes: Sequence[Episode], source: str) -> None:
    cells = set(history.cells)
    for episode in episodes:
        if episode.cell not in cells:
            raise HistoryError(
                f"{source}: cell {episode.cell!r} is not in the history (cells: {len(cells)}). Give the history in"
                " which these episodes happened."
            )
        if episode.end <= history.span[0] or episode.begin >= history.span[1]:
            raise HistoryError(
                f"{source}: {episode.name} of {episode.cell} from minute {episode.begin} to {episode.end} lies outside"
                f" the history ({history.span[0]} to {history.span[1]}). Give the history in which it happened."
            )


def _window_ends(history: History, episode: Episode) -> NDArray[np.int64]:
    """Return the last minutes of an episode's windows: barely visible to fully developed. # [at most PER_EPISODE]"""
    window = history.catalogue.granularity.window_minutes
    last = min(episode.end, episode.begin + ONSET_MINUTES[1], history.span[1]) - 1
    first = max(min(episode.begin + ONSET_MINUTES[0] - 1, last), history.span[0] + window - 1)
    return np.unique(np.linspace(first, last, PER_EPISODE).astype(np.int64)) if first <= last else np.empty(0, np.int64)


def _free_days(history: History, ends: NDArray[np.int64], episode: Episode, episodes: Sequence[Episode]) -> list[int]:
    """Return by how many days the windows can be moved back without leaving the history or overlapping an episode."""
    listed = [other for other in episodes if other.cell == episode.cell]
    window = history.catalogue.granularity.window_minutes
    free = []
    for day in DAYS if len(ends) else ():
        first, last = int(ends[0]) - window + 1 - 1440 * day, int(ends[-1]) - 1440 * day
        is_inside = history.span[0] <= first and last < history.span[1]
        if is_inside and not any(other.begin <= last and first < other.end + window for other in listed):
            free.append(day)
    return free


def _cut_episode(
    history: History, baseline: Baseline, episode: Episode, ends: NDArray[np.int64], days: Sequence[int]
) -> Examples | None:
    """Return the windows with twins of the first reported day; None if windows or twins were not reported."""
    cell = np.full(len(ends), list(history.cells).index(episode.cell))
    windows = cut_windows(history, baseline, cell, ends)
    if not _is_reported(windows):
        return None
    for day in days:
        twins = cut_windows(history, baseline, cell, ends - 1440 * day)
        if _is_reported(twins):
            number = np.zeros(len(ends), np.int64)
            effect = measure_effect(windows, twins)
            return Examples(windows=windows, twins=twins, label=number, effect=effect, network=number)
    return None


def _is_reported(windows: NDArray[np.int8]) -> bool:
    return bool(((windows != ABSENT).any(axis=2).mean(axis=1) >= REPORTED).all())


def _no_examples(history: History) -> Examples:
    windows = np.empty((0, WINDOW, len(history.catalogue)), np.int8)
    number = np.empty(0, np.int64)
    return Examples(windows=windows, twins=windows, label=number, effect=np.empty(0, np.float32), network=number)
