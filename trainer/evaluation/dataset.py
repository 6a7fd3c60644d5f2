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
from detector.labels.builder import label_span
from detector.labels.embedding import STRIDE_MINUTES
from detector.terminal import progress
from trainer.evaluation.selection import EpisodeSelection, is_calm

SINCE_ONSET = (5, 10, 20, 30, 60, 120)
"""Minutes from the begin of the episode to the end of the question's window."""

NORMAL_WINDOWS = 1500
"""Windows of cells without a listed episode: enough for an interval of ± .02 of an AUROC."""

CellStretch = tuple[str, int, NDArray[np.float32]]
"""Cell, first minute and values of a stretch, by sample. # values [m, F]"""


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

    def __init__(self, samples: Samples, period_minutes: int) -> None:
        self._values, self._period = samples.values, period_minutes
        self.names, cell = np.unique(np.array(samples.cells), return_inverse=True)
        self._order = np.lexsort((samples.minute, cell))
        self._minute = samples.minute[self._order]
        self._bounds = np.searchsorted(cell[self._order], np.arange(len(self.names) + 1))
        self.span = (int(self._minute.min()), int(self._minute.max()) + period_minutes)

    def fill(self, cell: str, first: int, values: NDArray[np.float32]) -> None:
        """Write the cell's samples into `values`, whose row 0 is that of minute `first`.

        # values [m, F], changed in place
        """
        at = int(np.searchsorted(self.names, cell))
        if at < len(self.names) and self.names[at] == cell:
            start, stop = self._bounds[at : at + 2]
            last = first + len(values) * self._period
            inside = start + np.searchsorted(self._minute[start:stop], (first, last))
            rows = (self._minute[slice(*inside)] - first) // self._period
            values[rows] = self._values[self._order[slice(*inside)]]


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
    code, granularity = _DeviationEncoder(days.catalogue, baseline), days.catalogue.granularity
    parts = [
        episode_windows(episode, code(*stretch), min_coverage, granularity)
        for episode, stretch in zip(selection.episodes, raw, strict=True)
    ]
    usable = [index for index, (exemplars, _, _) in enumerate(parts) if len(exemplars)]
    sample = rng.permutation(len(calm))[:NORMAL_WINDOWS]
    normal = [(calm[at][0], granularity.expand(code(*calm[at]))) for at in sample.tolist()]
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
    granularity = days.catalogue.granularity
    raw = [
        (e.cell, first, np.full((count, len(days.catalogue)), np.nan, np.float32))
        for e in selection.episodes
        for first, count in [episode_stretch(e, granularity)]
    ]
    calm: list[CellStretch] = []
    by_cell: dict[str, list[Episode]] = {}
    for episode in listed:
        by_cell.setdefault(episode.cell, []).append(episode)
    count = -(-NORMAL_WINDOWS // days.blocks)
    with progress("reading the history", days.total_records, "records") as advance:
        for samples in (samples for block in range(days.blocks) for samples in days.days(block) if len(samples)):
            day = _DayRecords(samples, granularity.period_minutes)
            for cell, first, values in raw:
                if first < day.span[1] and first + len(values) * granularity.period_minutes > day.span[0]:
                    day.fill(cell, first, values)
            calm += _draw_calm(day, by_cell, count, days.catalogue, rng)
            advance(len(samples))
    return raw, calm


def episode_stretch(episode: Episode, granularity: Granularity) -> tuple[int, int]:
    """Return the first minute of the window before an episode, and the number of samples until its use ends."""
    first = granularity.first_minute(episode.begin) - granularity.window_minutes
    last = label_span(episode.begin, episode.end, granularity)[1]
    return first, (last - first) // granularity.period_minutes


@dataclass(frozen=True)
class _DeviationEncoder:
    """Encoder of a cell's values as deviations from its baseline."""

    catalogue: Catalogue
    baseline: Baseline

    def __call__(self, cell: str, first: int, values: NDArray[np.float32]) -> NDArray[np.int8]:
        """# [m, F] -> int8 [m, F]"""
        coefficients = self.baseline.coefficients(np.repeat(self.baseline.rows([cell]), len(values)))
        minute = first + self.catalogue.period_minutes * np.arange(len(values))
        return deviations(values, minute, coefficients, self.catalogue.logarithmic)


def episode_windows(
    episode: Episode, codes: NDArray[np.int8], min_coverage: float, granularity: Granularity
) -> tuple[NDArray[np.int8], NDArray[np.int8], NDArray[np.int64]]:
    """Return exemplar windows, questions, and each question's minutes since the begin. # codes [S + m, F]

    A question's window ends with the sample that is complete so many minutes after the begin, or with the next one.
    """
    period = granularity.period_minutes
    windows = np.lib.stride_tricks.sliding_window_view(codes, granularity.samples, axis=0).swapaxes(1, 2)
    enough = _coverage(windows) >= min_coverage
    begin = granularity.first_minute(episode.begin)
    first = (label_span(episode.begin, episode.end, granularity)[0] - begin + granularity.window_minutes) // period
    exemplars = np.arange(len(windows) - 1, first - 1, -granularity.count(STRIDE_MINUTES))
    seen_samples = np.unique([granularity.count(minutes) for minutes in SINCE_ONSET])
    seen_samples = seen_samples[seen_samples < len(windows)]
    seen_samples = seen_samples[enough[seen_samples]]
    exemplars = exemplars[enough[exemplars]]
    return granularity.expand(windows[exemplars]), granularity.expand(windows[seen_samples]), period * seen_samples


def _coverage(windows: NDArray[np.int8]) -> NDArray[np.float64]:
    """Return the share of samples with any reported value. # [n, S, F] -> [n]"""
    return (windows != ABSENT).any(axis=2).mean(axis=1)


def _draw_calm(
    day: _DayRecords, listed: dict[str, list[Episode]], count: int, catalogue: Catalogue, rng: np.random.Generator
) -> Iterator[CellStretch]:
    """Yield up to `count` windows of a day, far from any listed episode of their cell."""
    granularity = catalogue.granularity
    period, window = granularity.period_minutes, granularity.window_minutes
    if day.span[1] - day.span[0] < window:
        return
    cells = day.names[rng.integers(len(day.names), size=count)].tolist()
    numbers = rng.integers(day.span[0] // period, (day.span[1] - window) // period + 1, count)
    for cell, first in zip(cells, (numbers * period).tolist(), strict=True):
        if is_calm(listed.get(cell, []), first, first + window):
            values = np.full((granularity.samples, len(catalogue)), np.nan, np.float32)
            day.fill(cell, first, values)
            yield cell, first, values
