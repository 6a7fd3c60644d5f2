"""Search of a history for episodes like a given one: window by window, over all cells and hours.

The search works on columns, or it would take all night. A cell's day becomes five-minute sums once, and one product of
them gives the size of every window. Only windows about as far from normal as the episode are encoded.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detector.bundle.format import Bundle
from detector.core.encoder import Encode
from detector.core.features import ABSENT, STEPS, WINDOW, deviations
from detector.core.granularity import DAY_MINUTES
from detector.core.ingest.samples import Samples
from detector.core.networks.inputs import shift_projection
from detector.core.scoring.exemplars import Exemplar
from detector.history.parquet import HistoryFiles
from detector.labels.embedding import exemplar_of, label_windows
from detector.labels.label import Label
from detector.terminal import progress

STRIDE = 5
"""Steps of the encoder from window to window: neighbouring windows share the rest. A step is a minute, where a sample
stands for one."""

WINDOW_STRIDES, LATE_STRIDES = WINDOW // STRIDE, 3
"""Strides of a window, and of its last quarter."""

TAIL_STEPS = WINDOW - STRIDE
"""Steps of a day that the next day's first windows need."""

CHUNK_CELLS = 64
"""Cells of a day that are searched together: 12 MB of codes at 130 features, and 70 MB of deviations meanwhile."""

LEAST_SIZE = 0.5
"""Least size of an encoded window, as a share of the episode's: the same fault on a calmer cell. A guess."""

LARGEST_SHARE = 0.1
"""Largest share of a chunk's windows that is encoded; those most in the episode's direction come first."""

APART_MINUTES = 60
"""Least distance of two episodes of a cell in minutes; nearer windows are one episode."""


@dataclass(frozen=True)
class SearchQuery:
    """Episode that is searched for: its exemplar, the mean size of its windows, and its minutes."""

    exemplar: Exemplar
    size: float
    begin: int
    end: int


@dataclass(frozen=True)
class SearchMatch:
    """Window of the history that resembles the episode."""

    cell: str
    minute: int
    """Minute of the window's last sample."""
    distance: float
    """1 - cosine: 0 is the same direction, 1 has nothing in common."""
    size: float


@dataclass(frozen=True)
class Day:
    """Reported minutes of some cells as columns; of two versions of a minute the later row counts."""

    names: Sequence[str]
    cell: NDArray[np.int64]
    """Index of each row's cell in `names`. # [n]"""
    minute: NDArray[np.int64]
    values: NDArray[np.float32]
    """# [n, F]"""


def days_of_samples(parts: Sequence[Samples]) -> Iterator[Day]:
    """Yield the samples of a partition, at least one, day by day in their order.

    The memory of a search grows with the minutes that a Day spans, and one wrong clock spans decades.
    """
    cells = [name for samples in parts for name in samples.cells]
    names = sorted(set(cells))
    index = {name: position for position, name in enumerate(names)}
    cell = np.fromiter((index[name] for name in cells), np.int64, len(cells))
    minute = np.concatenate([samples.minute for samples in parts])
    values = np.concatenate([samples.values for samples in parts])
    for day in np.unique(minute // DAY_MINUTES).tolist():
        rows = np.flatnonzero(minute // DAY_MINUTES == day)
        yield Day(names, cell[rows], minute[rows], values[rows])


def days_of_files(files: HistoryFiles) -> Iterator[Day]:
    """Yield the row groups in the order of the files' paths; a thread reads the next one meanwhile."""

    def read(group: tuple[Path, int]) -> Day:
        keys = files.keys(*group)
        return Day(keys.names, keys.cell.astype(np.int64), keys.minute, files.values(*group))

    with ThreadPoolExecutor(1) as reader:
        pending: deque[Future[Day]] = deque()
        for group in list(files.groups(files.paths)):
            pending.append(reader.submit(read, group))
            if len(pending) > 1:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()


@dataclass(frozen=True)
class _Chunk:
    """Codes of some cells on a grid of consecutive steps from `first` on; a sample fills several of them."""

    names: Sequence[str]
    first: int
    codes: NDArray[np.int8]
    """# [c, M, F]"""


def search_query(label: Label, begin: int, end: int, bundle: Bundle, encode: Encode) -> SearchQuery:
    """Return the query of an episode that is given as a label. Raises LabelError."""
    windows = encode(label_windows(label, bundle.catalogue))
    size = float(windows.size.astype(np.float64).mean())
    return SearchQuery(exemplar_of(label, windows), size, begin, end)


class Search:
    """Search of a history, day by day. A window that spans midnight belongs to the later day.

    `records`, `windows` and `encoded` count the minutes, the windows with enough coverage, and the encoded windows.
    """

    def __init__(self, bundle: Bundle, encode: Encode, query: SearchQuery, min_coverage: float) -> None:
        self._bundle, self._encode, self._query = bundle, encode, query
        granularity = bundle.catalogue.granularity
        self._step_minutes, self._fill = granularity.step_minutes, WINDOW // granularity.samples
        self._least_steps = min_coverage * WINDOW
        projection = shift_projection(bundle.weights)
        self._toward, self._axes = projection["shift_projection"], float(projection["axes"])
        self._tails: dict[str, tuple[int, NDArray[np.int8]]] = {}
        """End of each cell's day before: its first step, and the codes of less than a window."""
        self.records = self.windows = self.encoded = 0

    def all_matches(self, days: Iterable[Day], records: int | None, pool: ThreadPoolExecutor) -> list[SearchMatch]:
        """Return what `matches` finds in all days, which have so many records; None = unknown."""
        found: list[SearchMatch] = []
        with progress("searching the past", records, "records") as advance:
            for day in days:
                found += self.matches(day, pool)
                advance(len(day.minute))
        return found

    def matches(self, day: Day, pool: ThreadPoolExecutor) -> Iterator[SearchMatch]:
        """Yield the windows of one day, or less, that resemble the episode. Days must be given in their order."""
        self.records += len(day.minute)
        order = np.argsort(day.cell, kind="stable")
        present = np.unique(day.cell)
        parts = [present[start : start + CHUNK_CELLS] for start in range(0, len(present), CHUNK_CELLS)]
        bounds = np.searchsorted(day.cell[order], [part[0] for part in parts] + [len(day.names)])
        rows = [order[begin:end] for begin, end in pairwise(bounds.tolist())]
        candidates = pool.map(lambda part: self._candidates(self._chunk(day, *part)), zip(parts, rows, strict=True))
        for chunk_candidates in candidates:
            yield from self._compare(*chunk_candidates)

    def _chunk(self, day: Day, cells: NDArray[np.int64], rows: NDArray[np.int64]) -> _Chunk:
        """Return the codes of some cells on a grid that begins with the tail of the day before.

        # cells: indices into the names, ascending; rows: rows of these cells, by cell
        """
        names = [day.names[cell] for cell in cells.tolist()]
        step = day.minute[rows] // self._step_minutes
        recent = int(step.min()) - WINDOW
        tails = [tail if tail and tail[0] >= recent else None for tail in map(self._tails.get, names)]
        first = min([int(step.min()), *(tail[0] for tail in tails if tail)]) // STRIDE * STRIDE
        length = -(-(int(step.max()) + self._fill - first) // STRIDE) * STRIDE
        codes = np.full((len(names), length, day.values.shape[1]), ABSENT, np.int8)
        for number, tail in enumerate(tails):
            if tail:
                codes[number, tail[0] - first : tail[0] - first + len(tail[1])] = tail[1]
        bounds = np.searchsorted(day.cell[rows], np.append(cells, cells[-1] + 1))
        usual = self._bundle.baseline.coefficients(self._bundle.baseline.rows(names))
        for number, (begin, end) in enumerate(pairwise(bounds.tolist())):
            cell_rows, cell_steps = rows[begin:end], step[begin:end, None] + np.arange(self._fill)
            coefficients = np.broadcast_to(usual[number], (len(cell_rows), *usual.shape[1:]))
            logarithmic = self._bundle.catalogue.logarithmic
            cell_codes = deviations(day.values[cell_rows], day.minute[cell_rows], coefficients, logarithmic)
            codes[number, cell_steps - first] = cell_codes[:, None]
        tail_length = min(TAIL_STEPS, length)
        for number, name in enumerate(names):
            self._tails[name] = first + length - tail_length, codes[number, -tail_length:].copy()
        return _Chunk(names, first, codes)

    def _candidates(self, chunk: _Chunk) -> tuple[list[str], NDArray[np.int64], NDArray[np.int8]]:
        """Return the windows to encode: their cells, last samples' minutes and codes. # -> [n], [n], [n, 60, F]"""
        cells, length, features = chunk.codes.shape
        if length < WINDOW:
            return [], np.empty(0, np.int64), np.empty((0, WINDOW, features), np.int8)
        present = chunk.codes != ABSENT
        steps = (cells, length // STRIDE, STRIDE, features)
        sums = np.where(present, chunk.codes, np.int8(0)).reshape(steps).sum(axis=2, dtype=np.int32)
        reports = present.any(axis=2).reshape(steps[:3]).sum(axis=2)
        size, alignment = self._departures(np.cumsum(np.pad(sums, ((0, 0), (1, 0), (0, 0))), axis=1, dtype=np.int32))
        count = np.cumsum(np.pad(reports, ((0, 0), (1, 0))), axis=1)
        reported = count[:, WINDOW_STRIDES:] - count[:, :-WINDOW_STRIDES]
        covered = (reported >= self._least_steps) & self._ends_sample(chunk.first, reported.shape[1])
        self.windows += int(covered.sum())
        cell, step = np.nonzero(covered & (size >= LEAST_SIZE * self._query.size) & (alignment > 0))
        most = max(1, round(LARGEST_SHARE * size.size))
        best = np.sort(np.argsort(-alignment[cell, step], kind="stable")[:most])
        cell, step = cell[best], step[best]
        span = step[:, None] * STRIDE + np.arange(WINDOW)
        minute = (chunk.first + step * STRIDE + WINDOW - self._fill) * self._step_minutes
        return [chunk.names[number] for number in cell.tolist()], minute, chunk.codes[cell[:, None], span]

    def _ends_sample(self, first: int, windows: int) -> NDArray[np.bool_]:
        """Return which windows end with a sample, as the daemon's do. # -> [windows]"""
        return (first + np.arange(windows) * STRIDE + WINDOW) % self._fill == 0

    def _departures(self, sums: NDArray[np.int32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the size of each window, and the cosine of its shift to the episode's, as `departure` of the
        networks computes them.

        # sums up to each step: [c, K + 1, F] -> [c, K - 11] each
        """
        hour = (sums[:, WINDOW_STRIDES:] - sums[:, :-WINDOW_STRIDES]).astype(np.float32)
        late = (sums[:, WINDOW_STRIDES:] - sums[:, WINDOW_STRIDES - LATE_STRIDES : -LATE_STRIDES]).astype(np.float32)
        late *= np.float32(WINDOW / (STRIDE * LATE_STRIDES))
        mean = (hour + late) * np.float32(1 / (2 * WINDOW * STEPS)) - self._bundle.weights["centre"]
        shift = (mean.reshape(-1, mean.shape[2]) @ self._toward).reshape(*mean.shape[:2], -1)
        length = np.sqrt(np.square(shift).sum(axis=2))
        direction = self._query.exemplar.shift.astype(np.float32)
        direction /= max(float(np.linalg.norm(direction)), 1e-6)
        return length / np.float32(np.sqrt(self._axes)), (shift @ direction) / np.maximum(length, 1e-6)

    def _compare(self, names: list[str], minute: NDArray[np.int64], windows: NDArray[np.int8]) -> Iterator[SearchMatch]:
        if not names:
            return
        self.encoded += len(names)
        embeddings = self._encode(windows)
        # vecdot, not @: the last bits of a matrix product depend on how many windows are compared together.
        exemplar = self._query.exemplar.direction.astype(np.float32)
        cosine = np.vecdot(embeddings.direction.astype(np.float32), exemplar)
        for row in np.flatnonzero(cosine > 0).tolist():
            yield SearchMatch(
                cell=names[row],
                minute=int(minute[row]),
                distance=round(1 - float(cosine[row]), 4),
                size=round(float(embeddings.size[row]), 2),
            )


def nearest_matches(
    windows: Sequence[SearchMatch], query: SearchQuery, window_minutes: int = WINDOW
) -> list[SearchMatch]:
    """Return the nearest window of each episode, the nearest first; the query's own episode is left out."""
    runs: list[list[SearchMatch]] = []
    for window in sorted(windows, key=lambda window: (window.cell, window.minute)):
        last = runs[-1][-1] if runs else None
        if last and last.cell == window.cell and window.minute - last.minute < max(APART_MINUTES, window_minutes):
            runs[-1].append(window)
        else:
            runs.append([window])
    foreign = [run for run in runs if not any(_overlaps_query(window, query, window_minutes) for window in run)]
    best = [min(run, key=lambda window: window.distance) for run in foreign]
    return sorted(best, key=lambda window: (window.distance, window.cell, window.minute))


def _overlaps_query(window: SearchMatch, query: SearchQuery, window_minutes: int) -> bool:
    return window.cell == query.exemplar.cell and query.begin <= window.minute < query.end + window_minutes
