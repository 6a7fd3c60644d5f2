"""Windows of an evaluation: exemplars, questions and normal windows, cut from a history in one pass.

Memory holds one file and these windows. An exemplar has the same windows as a label: every fifth window of an episode.
A question is a single window that ends a given number of minutes after the begin of an episode, while it lasts.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detector.backtest.matching import Episode
from detector.backtest.replay import Days
from detector.core.features import ABSENT, WINDOW, Baseline, Catalogue, deviations
from detector.core.granularity import Granularity
from detector.core.ingest.samples import Samples
from detector.labels.builder import label_span, longest_minutes
from detector.labels.embedding import STRIDE_MINUTES
from detector.terminal import progress
from trainer.evaluation.selection import EpisodeSelection, is_calm

SINCE_ONSET = (5, 10, 20, 30, 60, 120)
"""Minutes from the begin of the episode to the end of the question's window."""

NORMAL_WINDOWS = 1500
"""Windows of cells without a listed episode: enough for an interval of ± .02 of an AUROC."""

CellStretch = tuple[str, int, NDArray[np.float32]]
"""Cell, first minute and values of a stretch. # values [m, F]"""


@dataclass(frozen=True, kw_only=True)
class EvaluationWindows:
    """Columns over episodes [E], exemplar windows [S], questions [Q] and normal windows [N]."""

    episodes: list[Episode]
    event: NDArray[np.int64]
    """Event of each episode; episodes of one event are in several cells. # [E]"""
    exemplar_windows: NDArray[np.int8]
    """# [S, 60, F]"""
    exemplar_episode: NDArray[np.int64]
    """Index of each window's episode, ascending. # [S]"""
    question_windows: NDArray[np.int8]
    """# [Q, 60, F]"""
    question_episode: NDArray[np.int64]
    """Index of the question's episode, ascending. # [Q]"""
    minutes_seen: NDArray[np.int64]
    """Minutes of the episode inside or before the question's window. # [Q]"""
    normal_windows: NDArray[np.int8]
    """# [N, 60, F]"""
    normal_cell: list[str]
    """Cell of each normal window. # [N]"""


class _DayRecords:
    """Records of one day of a block, found by cell and minute; the last record of a minute counts."""

    def __init__(self, samples: Samples) -> None:
        self._values = samples.values
        self.names, cell = np.unique(np.array(samples.cells), return_inverse=True)
        self._order = np.lexsort((samples.minute, cell))
        self._minute = samples.minute[self._order]
        self._bounds = np.searchsorted(cell[self._order], np.arange(len(self.names) + 1))
        self.span = (int(self._minute.min()), int(self._minute.max()) + 1)

    def fill(self, cell: str, first: int, values: NDArray[np.float32]) -> None:
        """Write the cell's minutes into `values`, whose row 0 is minute `first`. # values [m, F], changed in place"""
        at = int(np.searchsorted(self.names, cell))
        if at < len(self.names) and self.names[at] == cell:
            start, stop = self._bounds[at : at + 2]
            inside = start + np.searchsorted(self._minute[start:stop], (first, first + len(values)))
            values[self._minute[slice(*inside)] - first] = self._values[self._order[slice(*inside)]]


def cut_evaluation_windows(
    days: Days,
    baseline: Baseline,
    selection: EpisodeSelection,
    *,
    listed: Sequence[Episode],
    min_coverage: float,
    rng: np.random.Generator,
) -> EvaluationWindows:
    """Cut the windows of the selected episodes, and normal windows far from any listed episode.

    Windows with a reported share below `min_coverage`, and episodes without an exemplar window, are left out.
    """
    raw, calm = _read_stretches(days, selection, listed, rng)
    code = _DeviationEncoder(days.catalogue, baseline)
    parts = [
        _episode_windows(episode, code(*stretch), min_coverage)
        for episode, stretch in zip(selection.episodes, raw, strict=True)
    ]
    usable = [index for index, (exemplars, _, _) in enumerate(parts) if len(exemplars)]
    sample = rng.permutation(len(calm))[:NORMAL_WINDOWS]
    normal = [(calm[at][0], code(*calm[at])) for at in sample.tolist()]
    normal = [(cell, codes) for cell, codes in normal if _coverage(codes[None])[0] >= min_coverage]
    no_windows = np.empty((0, WINDOW, len(days.catalogue)), np.int8)
    return EvaluationWindows(
        episodes=[selection.episodes[index] for index in usable],
        event=selection.event[usable],
        exemplar_windows=np.concatenate([no_windows, *(parts[index][0] for index in usable)]),
        exemplar_episode=np.repeat(np.arange(len(usable)), [len(parts[index][0]) for index in usable]),
        question_windows=np.concatenate([no_windows, *(parts[index][1] for index in usable)]),
        question_episode=np.repeat(np.arange(len(usable)), [len(parts[index][1]) for index in usable]),
        minutes_seen=np.concatenate([np.empty(0, np.int64), *(parts[index][2] for index in usable)]),
        normal_windows=np.stack([codes for _, codes in normal]) if normal else no_windows,
        normal_cell=[cell for cell, _ in normal],
    )


def _read_stretches(
    days: Days, selection: EpisodeSelection, listed: Sequence[Episode], rng: np.random.Generator
) -> tuple[list[CellStretch], list[CellStretch]]:
    """Return the stretches of the selected episodes, and calm windows drawn from every day."""
    longest = longest_minutes(days.catalogue.granularity)
    spans = [(e.cell, e.begin - WINDOW, min(e.end, e.begin + longest)) for e in selection.episodes]
    raw = [
        (cell, first, np.full((last - first, len(days.catalogue)), np.nan, np.float32)) for cell, first, last in spans
    ]
    calm: list[CellStretch] = []
    by_cell: dict[str, list[Episode]] = {}
    for episode in listed:
        by_cell.setdefault(episode.cell, []).append(episode)
    count = -(-NORMAL_WINDOWS // days.blocks)
    with progress("reading the history", days.total_records, "records") as advance:
        for samples in (samples for block in range(days.blocks) for samples in days.days(block) if len(samples)):
            day = _DayRecords(samples)
            for cell, first, values in raw:
                if first < day.span[1] and first + len(values) > day.span[0]:
                    day.fill(cell, first, values)
            calm += _draw_calm(day, by_cell, count, len(days.catalogue), rng)
            advance(len(samples))
    return raw, calm


@dataclass(frozen=True)
class _DeviationEncoder:
    """Encoder of a cell's values as deviations from its baseline."""

    catalogue: Catalogue
    baseline: Baseline

    def __call__(self, cell: str, first: int, values: NDArray[np.float32]) -> NDArray[np.int8]:
        """# [m, F] -> int8 [m, F]"""
        coefficients = self.baseline.coefficients(np.repeat(self.baseline.rows([cell]), len(values)))
        return deviations(values, first + np.arange(len(values)), coefficients, self.catalogue.logarithmic)


def _episode_windows(
    episode: Episode, codes: NDArray[np.int8], min_coverage: float
) -> tuple[NDArray[np.int8], NDArray[np.int8], NDArray[np.int64]]:
    """Return exemplar windows, questions, and each question's minutes since the begin. # codes [60 + m, F]"""
    windows = np.lib.stride_tricks.sliding_window_view(codes, WINDOW, axis=0).swapaxes(1, 2)
    enough = _coverage(windows) >= min_coverage
    first = label_span(episode.begin, episode.end, Granularity())[0] - (episode.begin - WINDOW)
    exemplars = np.arange(len(windows) - 1, first - 1, -STRIDE_MINUTES)
    seen_minutes = np.array([minutes for minutes in SINCE_ONSET if minutes < len(windows)], np.int64)
    seen_minutes = seen_minutes[enough[seen_minutes]]
    return windows[exemplars[enough[exemplars]]], windows[seen_minutes], seen_minutes


def _coverage(windows: NDArray[np.int8]) -> NDArray[np.float64]:
    """Return the share of minutes with any reported value. # [n, 60, F] -> [n]"""
    return (windows != ABSENT).any(axis=2).mean(axis=1)


def _draw_calm(
    day: _DayRecords, listed: dict[str, list[Episode]], count: int, features: int, rng: np.random.Generator
) -> Iterator[CellStretch]:
    """Yield up to `count` windows of a day, far from any listed episode of their cell."""
    if day.span[1] - day.span[0] < WINDOW:
        return
    cells = day.names[rng.integers(len(day.names), size=count)].tolist()
    for cell, first in zip(cells, rng.integers(day.span[0], day.span[1] - WINDOW + 1, count).tolist(), strict=True):
        if is_calm(listed.get(cell, []), first, first + WINDOW):
            values = np.full((WINDOW, features), np.nan, np.float32)
            day.fill(cell, first, values)
            yield cell, first, values
