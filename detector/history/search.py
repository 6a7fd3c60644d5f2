"""When and where did this happen before? An episode held against every hour of a past.

Columnar, or it would take all night: a cell's day becomes five-minute sums once, from which the size of every window
follows by one product; only windows that lie about as far from normal as the episode does meet the encoder.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detector.bundle.format import Bundle
from detector.core.encoder import Encode
from detector.core.features import ABSENT, STEPS, WINDOW, deviations
from detector.core.ingest.samples import Samples
from detector.core.networks.inputs import shift_projection
from detector.core.scoring.exemplars import Exemplar
from detector.history.parquet import HistoryFiles
from detector.labels.label import Label, exemplar_of, label_windows

STRIDE = 5
"""Minutes from window to window: neighbours share the rest."""

STEPS_WIDE, STEPS_LATE = WINDOW // STRIDE, 3

KEPT = WINDOW - STRIDE
"""Minutes of a day that the next one's first windows need."""

CELLS_AT_ONCE = 64
"""Of a day: 12 MB of codes at 130 features, and 70 MB of deviations while they are made."""

LEAST_SIZE = 0.5
"""Of the episode's size, what a window must have to be looked at: the same fault on a calmer cell. A guess."""

LARGEST_SHARE = 0.1
"""Of the windows of a chunk that may meet the encoder, those that lie the episode's way first."""

APART_MINUTES = 60
"""Windows of a cell closer than this are one episode."""


@dataclass(frozen=True)
class SearchResult:
    """What is looked for."""

    exemplar: Exemplar
    size: float
    begin: int
    end: int


@dataclass(frozen=True)
class SearchMatch:
    """One window of the past, or the nearest one of an episode."""

    cell: str
    minute: int
    """Its last."""
    distance: float
    """1 - cosine: 0 is the same direction, 1 nothing in common."""
    size: float


@dataclass(frozen=True)
class Day:
    """What some cells reported, as columns; of two versions of a minute the later in the order counts."""

    names: Sequence[str]
    place: NDArray[np.int64]
    """Of each row's cell among the names. # [n]"""
    minute: NDArray[np.int64]
    values: NDArray[np.float32]
    """# [n, F]"""


def day_of(parts: Sequence[Samples]) -> Day:
    """Samples of a partition, end to end; at least one."""
    cells = [name for samples in parts for name in samples.cells]
    names = sorted(set(cells))
    number = {name: place for place, name in enumerate(names)}
    place = np.fromiter((number[name] for name in cells), np.int64, len(cells))
    minute = np.concatenate([samples.minute for samples in parts])
    return Day(names, place, minute, np.concatenate([samples.values for samples in parts]))


def filed_days(files: HistoryFiles) -> Iterator[Day]:
    """A row group at a time, in the order of the files' paths, each read while the one before is looked through."""

    def read(group: tuple[Path, int]) -> Day:
        keys = files.keys(*group)
        return Day(keys.names, keys.place.astype(np.int64), keys.minute, files.values(*group))

    with ThreadPoolExecutor(1) as reader:
        waiting: deque[Future[Day]] = deque()
        for group in list(files.groups(files.paths)):
            waiting.append(reader.submit(read, group))
            if len(waiting) > 1:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


@dataclass(frozen=True)
class _Chunk:
    """Some cells' codes over a span of time, every minute in its place."""

    names: Sequence[str]
    first: int
    codes: NDArray[np.int8]
    """# [c, M, F]"""


def search(label: Label, begin: int, end: int, bundle: Bundle, encode: Encode) -> SearchResult:
    """An episode as it would be taught. Raises LabelError."""
    windows = encode(label_windows(label, bundle.catalogue))
    size = float(windows.size.astype(np.float64).mean())
    return SearchResult(exemplar_of(label, windows), size, begin, end)


class Search:
    """Looks through a past day by day. A window that spans midnight is seen with the later day."""

    def __init__(self, bundle: Bundle, encode: Encode, sought: SearchResult, min_coverage: float) -> None:
        self._bundle, self._encode, self._sought = bundle, encode, sought
        self._least = min_coverage * WINDOW
        made = shift_projection(bundle.weights)
        self._toward, self._axes = made["shift_projection"], float(made["axes"])
        self._tails: dict[str, tuple[int, NDArray[np.int8]]] = {}
        """Of the cells of the day before: their first minute, and the codes of less than a window."""
        self.records = self.windows = self.encoded = 0

    def look(self, day: Day, pool: ThreadPoolExecutor) -> Iterator[SearchMatch]:
        """The windows of one day, or less, that resemble the episode, each for itself; days in their order."""
        self.records += len(day.minute)
        order = np.argsort(day.place, kind="stable")
        present = np.unique(day.place)
        parts = [present[start : start + CELLS_AT_ONCE] for start in range(0, len(present), CELLS_AT_ONCE)]
        bounds = np.searchsorted(day.place[order], [part[0] for part in parts] + [len(day.names)])
        rows = [order[begin:end] for begin, end in pairwise(bounds.tolist())]
        for found in pool.map(lambda part: self._sift(self._chunk(day, *part)), zip(parts, rows, strict=True)):
            yield from self._compare(*found)

    def _chunk(self, day: Day, cells: NDArray[np.int64], rows: NDArray[np.int64]) -> _Chunk:
        """Codes on a grid that begins with what is kept of the day before. # cells: places; rows: by cell"""
        names = [day.names[place] for place in cells.tolist()]
        minute = day.minute[rows]
        recent = int(minute.min()) - WINDOW
        tails = [tail if tail and tail[0] >= recent else None for tail in map(self._tails.get, names)]
        first = min([int(minute.min()), *(tail[0] for tail in tails if tail)]) // STRIDE * STRIDE
        length = -(-(int(minute.max()) + 1 - first) // STRIDE) * STRIDE
        codes = np.full((len(names), length, day.values.shape[1]), ABSENT, np.int8)
        for place, tail in enumerate(tails):
            if tail:
                codes[place, tail[0] - first : tail[0] - first + len(tail[1])] = tail[1]
        bounds = np.searchsorted(day.place[rows], np.append(cells, cells[-1] + 1))
        usual = self._bundle.baseline.coefficients(self._bundle.baseline.rows(names))
        for number, (begin, end) in enumerate(pairwise(bounds.tolist())):
            own, when = rows[begin:end], minute[begin:end]
            every = np.broadcast_to(usual[number], (len(own), *usual.shape[1:]))
            told = deviations(day.values[own], when, every, self._bundle.catalogue.logarithmic)
            codes[number, when - first] = told
        kept = min(KEPT, length)
        for number, name in enumerate(names):
            self._tails[name] = first + length - kept, codes[number, -kept:].copy()
        return _Chunk(names, first, codes)

    def _sift(self, chunk: _Chunk) -> tuple[list[str], NDArray[np.int64], NDArray[np.int8]]:
        """The windows worth encoding: cells, last minutes, codes. # -> [n], [n], [n, 60, F]"""
        cells, length, features = chunk.codes.shape
        if length < WINDOW:
            return [], np.empty(0, np.int64), np.empty((0, WINDOW, features), np.int8)
        there = chunk.codes != ABSENT
        steps = (cells, length // STRIDE, STRIDE, features)
        sums = np.where(there, chunk.codes, np.int8(0)).reshape(steps).sum(axis=2, dtype=np.int32)
        heard = there.any(axis=2).reshape(steps[:3]).sum(axis=2)
        size, way = self._departures(np.cumsum(np.pad(sums, ((0, 0), (1, 0), (0, 0))), axis=1, dtype=np.int32))
        count = np.cumsum(np.pad(heard, ((0, 0), (1, 0))), axis=1)
        reported = count[:, STEPS_WIDE:] - count[:, :-STEPS_WIDE]
        self.windows += int((reported >= self._least).sum())
        large = (reported >= self._least) & (size >= LEAST_SIZE * self._sought.size) & (way > 0)
        cell, step = np.nonzero(large)
        most = max(1, round(LARGEST_SHARE * size.size))
        kept = np.sort(np.argsort(-way[cell, step], kind="stable")[:most])
        cell, step = cell[kept], step[kept]
        span = step[:, None] * STRIDE + np.arange(WINDOW)
        minute = chunk.first + step * STRIDE + WINDOW - 1
        return [chunk.names[at] for at in cell.tolist()], minute, chunk.codes[cell[:, None], span]

    def _departures(self, sums: NDArray[np.int32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """How far each window lies from normal, and how much of it is the episode's way, as `views.departure` has it.

        # sums up to each step: [c, K + 1, F] -> [c, K - 11] each
        """
        hour = (sums[:, STEPS_WIDE:] - sums[:, :-STEPS_WIDE]).astype(np.float32)
        late = (sums[:, STEPS_WIDE:] - sums[:, STEPS_WIDE - STEPS_LATE : -STEPS_LATE]).astype(np.float32)
        late *= np.float32(WINDOW / (STRIDE * STEPS_LATE))
        mean = (hour + late) * np.float32(1 / (2 * WINDOW * STEPS)) - self._bundle.weights["centre"]
        shift = (mean.reshape(-1, mean.shape[2]) @ self._toward).reshape(*mean.shape[:2], -1)
        length = np.sqrt(np.square(shift).sum(axis=2))
        wanted = self._sought.exemplar.shift.astype(np.float32)
        wanted /= max(float(np.linalg.norm(wanted)), 1e-6)
        return length / np.float32(np.sqrt(self._axes)), (shift @ wanted) / np.maximum(length, 1e-6)

    def _compare(self, names: list[str], minute: NDArray[np.int64], windows: NDArray[np.int8]) -> Iterator[SearchMatch]:
        if not names:
            return
        self.encoded += len(names)
        embeddings = self._encode(windows)
        # vecdot, not @: the last bits of a matrix product depend on how many windows are compared together.
        exemplar = self._sought.exemplar.direction.astype(np.float32)
        cosine = np.vecdot(embeddings.direction.astype(np.float32), exemplar)
        for at in np.flatnonzero(cosine > 0).tolist():
            yield SearchMatch(
                names[at], int(minute[at]), round(1 - float(cosine[at]), 4), round(float(embeddings.size[at]), 2)
            )


def episodes(windows: Sequence[SearchMatch], sought: SearchResult) -> list[SearchMatch]:
    """The nearest window of each cell's each episode, the nearest first; the one that was asked about is none."""
    runs: list[list[SearchMatch]] = []
    for found in sorted(windows, key=lambda one: (one.cell, one.minute)):
        last = runs[-1][-1] if runs else None
        if last and last.cell == found.cell and found.minute - last.minute < APART_MINUTES:
            runs[-1].append(found)
        else:
            runs.append([found])
    best = [min(run, key=lambda one: one.distance) for run in runs if not any(_is_own(one, sought) for one in run)]
    return sorted(best, key=lambda one: (one.distance, one.cell, one.minute))


def _is_own(found: SearchMatch, sought: SearchResult) -> bool:
    return found.cell == sought.exemplar.cell and sought.begin <= found.minute < sought.end + WINDOW
