"""When and where did this happen before? An episode held against every hour of a past.

Columnar, or it would take all night: a cell's day becomes five-minute sums once, from which the size of every window
follows by one product; only windows that lie about as far from normal as the episode does meet the encoder.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detector.bundle import Bundle
from detector.core.encoder import Encode
from detector.core.features import ABSENT, STEPS, deviations
from detector.core.library import Exemplar
from detector.core.networks.views import toward
from detector.core.samples import Samples
from detector.core.turns import WINDOW
from detector.labels import Label, exemplar_of, label_windows

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
class Sought:
    """What is looked for."""

    exemplar: Exemplar
    size: float
    begin: int
    end: int


@dataclass(frozen=True)
class Found:
    """One window of the past, or the nearest one of an episode."""

    cell: str
    minute: int
    """Its last."""
    distance: float
    """1 - cosine: 0 is the same direction, 1 nothing in common."""
    size: float


@dataclass(frozen=True)
class _Chunk:
    """Some cells' codes over a span of time, every minute in its place."""

    names: Sequence[str]
    first: int
    codes: NDArray[np.int8]
    """# [c, M, F]"""


def seek(label: Label, begin: int, end: int, bundle: Bundle, encode: Encode) -> Sought:
    """An episode as it would be taught. Raises LabelError."""
    windows = encode(label_windows(label, bundle.catalogue))
    size = float(windows.size.astype(np.float64).mean())
    return Sought(exemplar_of(label, windows), size, begin, end)


class Search:
    """Looks through a past day by day. A window that spans midnight is seen with the later day."""

    def __init__(self, bundle: Bundle, encode: Encode, sought: Sought, min_coverage: float) -> None:
        self._bundle, self._encode, self._sought = bundle, encode, sought
        self._least = min_coverage * WINDOW
        made = toward(bundle.weights)
        self._toward, self._axes = made["toward"], float(made["axes"])
        self._tails: dict[str, tuple[int, NDArray[np.int8]]] = {}
        """Of the cells of the day before: their first minute, and the codes of less than a window."""
        self.records = self.windows = self.encoded = 0

    def look(self, day: Samples, pool: ThreadPoolExecutor) -> Iterator[Found]:
        """The windows of one day that resemble the episode, each for itself."""
        self.records += len(day)
        number = {name: place for place, name in enumerate(sorted(set(day.cells)))}
        places = np.fromiter((number[name] for name in day.cells), np.int64, len(day))
        names = list(number)
        order = np.argsort(places, kind="stable")
        edges = np.searchsorted(places[order], np.arange(0, len(names) + CELLS_AT_ONCE, CELLS_AT_ONCE))
        parts = [
            (names[start * CELLS_AT_ONCE : (start + 1) * CELLS_AT_ONCE], order[edges[start] : edges[start + 1]])
            for start in range(len(edges) - 1)
        ]
        chunks = pool.map(lambda part: self._sift(self._chunk(day, *part)), parts)
        for names_of, minute, windows in chunks:
            yield from self._compare(names_of, minute, windows)

    def _chunk(self, day: Samples, names: Sequence[str], rows: NDArray[np.int64]) -> _Chunk:
        """These cells' codes on a grid that begins with what is kept of the day before."""
        minute = day.minute[rows]
        recent = int(minute.min()) - WINDOW
        tails = [tail if (tail := self._tails.get(name)) and tail[0] >= recent else None for name in names]
        first = min([int(minute.min()), *(tail[0] for tail in tails if tail)]) // STRIDE * STRIDE
        length = -(-(int(minute.max()) + 1 - first) // STRIDE) * STRIDE
        codes = np.full((len(names), length, day.values.shape[1]), ABSENT, np.int8)
        for place, tail in enumerate(tails):
            if tail:
                codes[place, tail[0] - first : tail[0] - first + len(tail[1])] = tail[1]
        at = {name: place for place, name in enumerate(names)}
        mine = np.fromiter((at[day.cells[row]] for row in rows.tolist()), np.int64, len(rows))
        baseline = self._bundle.baseline
        for place, usual in enumerate(baseline.coefficients(baseline.rows(list(names)))):
            own = np.flatnonzero(mine == place)
            every = np.broadcast_to(usual, (len(own), *usual.shape))
            told = deviations(day.values[rows[own]], minute[own], every, self._bundle.catalogue.logarithmic)
            codes[place, minute[own] - first] = told
        for number, name in enumerate(names):
            self._tails[name] = first + length - KEPT, codes[number, -KEPT:].copy()
        return _Chunk(names, first, codes)

    def _sift(self, chunk: _Chunk) -> tuple[list[str], NDArray[np.int64], NDArray[np.int8]]:
        """The windows worth encoding: cells, last minutes, codes. # -> [n], [n], [n, 60, F]"""
        cells, length, features = chunk.codes.shape
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
        hour = (sums[:, STEPS_WIDE:] - sums[:, :-STEPS_WIDE]) / np.float32(WINDOW * STEPS)
        late = (sums[:, STEPS_WIDE:] - sums[:, STEPS_WIDE - STEPS_LATE : -STEPS_LATE]) / np.float32(15 * STEPS)
        shift = ((hour + late) / 2 - self._bundle.weights["centre"]) @ self._toward
        length = np.sqrt(np.square(shift).sum(axis=2))
        wanted = self._sought.exemplar.shift.astype(np.float32)
        wanted /= max(float(np.linalg.norm(wanted)), 1e-6)
        return length / np.float32(np.sqrt(self._axes)), (shift @ wanted) / np.maximum(length, 1e-6)

    def _compare(self, names: list[str], minute: NDArray[np.int64], windows: NDArray[np.int8]) -> Iterator[Found]:
        if not names:
            return
        self.encoded += len(names)
        embeddings = self._encode(windows)
        cosine = embeddings.direction.astype(np.float32) @ self._sought.exemplar.direction.astype(np.float32)
        for at in np.flatnonzero(cosine > 0).tolist():
            yield Found(
                names[at], int(minute[at]), round(1 - float(cosine[at]), 4), round(float(embeddings.size[at]), 2)
            )


def episodes(windows: Sequence[Found], sought: Sought) -> list[Found]:
    """The nearest window of each cell's each episode, the nearest first; the one that was asked about is none."""
    best: list[Found] = []
    last: Found | None = None
    for found in sorted(windows, key=lambda one: (one.cell, one.minute)):
        own = found.cell == sought.exemplar.cell
        if own and sought.begin <= found.minute < sought.end + WINDOW:
            continue
        if last and last.cell == found.cell and found.minute - last.minute < APART_MINUTES:
            best[-1] = min(best[-1], found, key=lambda one: one.distance)
        else:
            best.append(found)
        last = found
    return sorted(best, key=lambda one: (one.distance, one.cell, one.minute))
