"""The windows that are shown, asked and compared with, cut from a history in one pass: memory needs a file and they.

An example is what a label's would be: every fifth window of an episode. A question is a single window, so many minutes
after an episode began, while it lasts.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detector.backtest.matching import Episode
from detector.backtest.replay import Days
from detector.core.features import ABSENT, WINDOW, Baseline, Catalogue, deviations
from detector.core.ingest.samples import Samples
from detector.labels.builder import LONGEST_MINUTES, label_span
from detector.labels.label import STRIDE
from trainer.evaluation.selection import EpisodeSelection, is_calm

SINCE_ONSET = (5, 10, 20, 30, 60, 120)
"""Minutes of its episode that a question has seen."""

NORMAL_WINDOWS = 1500
"""Windows of cells to which nothing listed happens: enough for an interval of ± .02 of an AUROC."""


@dataclass(frozen=True)
class EvaluationWindows:
    """Columns over episodes [E], windows shown [S], questions [Q] and normal windows [N]."""

    episodes: list[Episode]
    event: NDArray[np.int64]
    """Which episodes are one event, in several cells. # [E]"""
    shown: NDArray[np.int8]
    """# [S, 60, F]"""
    shown_of: NDArray[np.int64]
    """Its episode, rising. # [S]"""
    asked: NDArray[np.int8]
    """# [Q, 60, F]"""
    asked_of: NDArray[np.int64]
    since: NDArray[np.int64]
    """Minutes of the episode that the question has seen. # [Q]"""
    normal: NDArray[np.int8]
    """# [N, 60, F]"""
    normal_cell: list[str]


class _Day:
    """One day's records of a block, found by cell and minute; of two of a minute, the later."""

    def __init__(self, samples: Samples) -> None:
        self._values = samples.values
        self.names, place = np.unique(np.array(samples.cells), return_inverse=True)
        self._order = np.lexsort((samples.minute, place))
        self._minute = samples.minute[self._order]
        self._bounds = np.searchsorted(place[self._order], np.arange(len(self.names) + 1))
        self.span = (int(self._minute.min()), int(self._minute.max()) + 1)

    def fill(self, cell: str, first: int, values: NDArray[np.float32]) -> None:
        """What there is of the cell's minutes from `first` on. # values [m, F], changed in place"""
        at = int(np.searchsorted(self.names, cell))
        if at < len(self.names) and self.names[at] == cell:
            start, stop = self._bounds[at : at + 2]
            inside = start + np.searchsorted(self._minute[start:stop], (first, first + len(values)))
            values[self._minute[slice(*inside)] - first] = self._values[self._order[slice(*inside)]]


def cut_evaluation_windows(
    days: Days,
    baseline: Baseline,
    choice: EpisodeSelection,
    listed: Sequence[Episode],
    min_coverage: float,
    rng: np.random.Generator,
) -> EvaluationWindows:
    """Of the chosen episodes, and of anywhere else. A window with less than `min_coverage` reported is left out.

    An episode without an example is left out, too.
    """
    spans = [(e.cell, e.begin - WINDOW, min(e.end, e.begin + LONGEST_MINUTES)) for e in choice.episodes]
    raw = [np.full((last - first, len(days.catalogue)), np.nan, np.float32) for _, first, last in spans]
    calm: list[tuple[str, int, NDArray[np.float32]]] = []
    by_cell: dict[str, list[Episode]] = {}
    for episode in listed:
        by_cell.setdefault(episode.cell, []).append(episode)
    for day in (_Day(samples) for block in range(days.blocks) for samples in days.days(block) if len(samples)):
        for (cell, first, last), values in zip(spans, raw, strict=True):
            if first < day.span[1] and last > day.span[0]:
                day.fill(cell, first, values)
        calm += _calm(day, by_cell, -(-NORMAL_WINDOWS // days.blocks), len(days.catalogue), rng)
    code = _Coder(days.catalogue, baseline)
    parts = [_of_episode(e, code(e.cell, first, values), min_coverage)
             for e, (_, first, _), values in zip(choice.episodes, spans, raw, strict=True)]  # fmt: skip
    usable = [place for place, (shown, _, _) in enumerate(parts) if len(shown)]
    kept = rng.permutation(len(calm))[:NORMAL_WINDOWS]
    normal = [(calm[at][0], code(*calm[at])) for at in kept.tolist()]
    normal = [(cell, codes) for cell, codes in normal if _coverage(codes[None])[0] >= min_coverage]
    nothing = np.empty((0, WINDOW, len(days.catalogue)), np.int8)
    return EvaluationWindows(
        [choice.episodes[place] for place in usable],
        choice.event[usable],
        np.concatenate([nothing, *(parts[place][0] for place in usable)]),
        np.repeat(np.arange(len(usable)), [len(parts[place][0]) for place in usable]),
        np.concatenate([nothing, *(parts[place][1] for place in usable)]),
        np.repeat(np.arange(len(usable)), [len(parts[place][1]) for place in usable]),
        np.concatenate([np.empty(0, np.int64), *(parts[place][2] for place in usable)]),
        np.stack([codes for _, codes in normal]) if normal else nothing,
        [cell for cell, _ in normal],
    )


@dataclass(frozen=True)
class _Coder:
    """Values of a cell as deviations from what is usual for it."""

    catalogue: Catalogue
    baseline: Baseline

    def __call__(self, cell: str, first: int, values: NDArray[np.float32]) -> NDArray[np.int8]:
        """# [m, F] -> int8 [m, F]"""
        coefficients = self.baseline.coefficients(np.repeat(self.baseline.rows([cell]), len(values)))
        return deviations(values, first + np.arange(len(values)), coefficients, self.catalogue.logarithmic)


def _of_episode(
    episode: Episode, codes: NDArray[np.int8], min_coverage: float
) -> tuple[NDArray[np.int8], NDArray[np.int8], NDArray[np.int64]]:
    """Windows shown and asked, and how much of the episode the latter have seen. # codes [60 + m, F]"""
    windows = np.lib.stride_tricks.sliding_window_view(codes, WINDOW, axis=0).swapaxes(1, 2)
    enough = _coverage(windows) >= min_coverage
    first = label_span(episode.begin, episode.end)[0] - (episode.begin - WINDOW)
    shown = np.arange(len(windows) - 1, first - 1, -STRIDE)
    since = np.array([minutes for minutes in SINCE_ONSET if minutes < len(windows)], np.int64)
    since = since[enough[since]]
    return windows[shown[enough[shown]]], windows[since], since


def _coverage(windows: NDArray[np.int8]) -> NDArray[np.float64]:
    """Share of minutes with anything reported. # [n, 60, F] -> [n]"""
    return (windows != ABSENT).any(axis=2).mean(axis=1)


def _calm(
    day: _Day, listed: dict[str, list[Episode]], count: int, features: int, rng: np.random.Generator
) -> Iterator[tuple[str, int, NDArray[np.float32]]]:
    """Up to `count` windows of a day, and whose they are, far from anything listed for their cell."""
    if day.span[1] - day.span[0] < WINDOW:
        return
    cells = day.names[rng.integers(len(day.names), size=count)].tolist()
    for cell, first in zip(cells, rng.integers(day.span[0], day.span[1] - WINDOW + 1, count).tolist(), strict=True):
        if is_calm(listed.get(cell, []), first, first + WINDOW):
            values = np.full((WINDOW, features), np.nan, np.float32)
            day.fill(cell, first, values)
            yield cell, first, values
