"""The canary: a made-up cell whose one fault is played through the daemon's own road, and must be recognised.

A quiet night and a detector that sees nothing look the same from outside. So a cell that is no cell has a fault once an
hour, and all of the road is asked whether it is seen: decoding, baseline, windows, encoder, search, verdict, alarm
rule. It asks nothing of the network: its life is the bundle's golden windows, which are ordinary, against the fleet's
baseline; its fault is one feature, moved; its library is its own, and holds the one example that it teaches itself.
Nothing leaves this room but whether the fault was recognised.
"""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from time import monotonic, perf_counter

import numpy as np
from numpy.typing import NDArray

from detector.bundle.format import Bundle
from detector.core.encoder import Encode
from detector.core.features import ABSENT, STEPS, WINDOW, day_basis, deviations
from detector.core.ingest.samples import EARLIEST_MINUTE, Records, records_of
from detector.core.lifecycle import NEW
from detector.core.pipeline import Pipeline
from detector.core.scoring.classifier import Classifier
from detector.core.scoring.exemplars import ExemplarIndex
from detector.core.settings import Settings
from detector.errors import LabelError
from detector.labels.builder import LabelMeta, LabelWindow, build_label, label_span
from detector.labels.label import embed_label

CELL, CLASS = "canary", "canary"

ONSET = EARLIEST_MINUTE + 12 * 60
"""The same noon each time, in the year 2000: what differs from play to play is the machine."""

FAULT_MINUTES = 60
"""As long as an episode that is taught without an end."""

FAR = 4.0
"""Spreads by which its feature moves: of a minute's noise much, of a fault little (the simulator's reach tens)."""

FEATURES_TRIED, FAULTS_TRIED = 64, 8
"""So many of the catalogue are moved, up and down, to see which lead farthest from normal; so many of those are
rehearsed, the farthest first."""


@dataclass(frozen=True)
class _Scenario:
    """A fault, and all that is to recognise it."""

    pipeline: Pipeline
    records: Records


class Canary:
    """What is played on one bundle."""

    def __init__(self, bundle: Bundle, encode: Encode, settings: Settings, threads: int) -> None:
        self._bundle, self._encode, self._threads = bundle, encode, threads
        self._settings = replace(settings, max_cells=1)
        self._usual = bundle.baseline.coefficients(bundle.baseline.rows([CELL]))[0]
        fullest = np.argsort((bundle.golden.windows == ABSENT).sum(axis=(1, 2)), kind="stable")
        self._shown, self._lived = bundle.golden.windows[fullest[[0, min(1, len(fullest) - 1)]]]
        """Of its life, the hour of its example, and the one it is played in. # int8 [60, F] each"""
        self._song: _Scenario | None = None

    def play(self) -> bool:
        """Whether its fault is recognised, and was not before it began. The first time it chooses one that is."""
        if self._song is None:
            self._song = next((song for song in self._songs() if _is_recognised(song)), None)
            return self._song is not None
        return _is_recognised(self._song)

    def _songs(self) -> Iterator[_Scenario]:
        for feature, spreads in self._farthest():
            try:
                yield self._compose(feature, spreads)
            except LabelError:
                continue

    def _farthest(self) -> list[tuple[int, float]]:
        """Single features and by how many spreads they move, the farthest from normal first."""
        reported = np.flatnonzero((self._shown != ABSENT).all(axis=0) & (self._lived != ABSENT).all(axis=0))
        tried = reported[np.unique(np.linspace(0, len(reported) - 1, FEATURES_TRIED).round().astype(int))]
        moves = [(feature, spreads) for feature in tried.tolist() for spreads in (FAR, -FAR)]
        hour = ONSET + np.arange(WINDOW)
        windows = [self._codes(self._values(self._shown, hour, *move), hour) for move in moves]
        size = self._encode(np.stack(windows)).size.astype(np.float32) if windows else np.empty(0)
        return [moves[at] for at in np.argsort(-size, kind="stable")[:FAULTS_TRIED].tolist()]

    def _compose(self, feature: int, spreads: float) -> _Scenario:
        """Raises LabelError."""
        bundle, settings, end = self._bundle, self._settings, ONSET + FAULT_MINUTES
        taught = np.arange(*label_span(ONSET, end))
        values = self._values(self._shown, taught, feature, spreads)
        label = build_label(
            LabelWindow(values=values, catalogue=bundle.catalogue, baseline=bundle.baseline),
            LabelMeta(name=CLASS, kind="fault", cell=CELL, begin=ONSET, end=end),
        )
        exemplar = embed_label(label, bundle.catalogue, self._encode)
        judge = Classifier(ExemplarIndex([exemplar], bundle.normal, self._threads), settings.weights, settings.budget)
        minute = np.arange(ONSET - WINDOW - settings.score_minutes, end + settings.score_minutes)
        records = records_of(
            CELL, int(minute[0]), self._values(self._lived, minute, feature, spreads), bundle.catalogue.names
        )
        return _Scenario(Pipeline(bundle.catalogue, bundle.baseline, self._encode, judge, settings), records)

    def _values(
        self, hour: NDArray[np.int8], minute: NDArray[np.int64], feature: int, spreads: float
    ) -> NDArray[np.float32]:
        """An hour's codes again and again, one feature moved from the onset on, as a cell would report them.

        # int8 [60, F], [m] -> [m, F]
        """
        codes = hour[minute % WINDOW]
        moved = codes.astype(np.float32) / np.float32(STEPS)
        moved[minute >= ONSET, feature] += np.float32(spreads)
        scaled = day_basis(minute, (len(self._usual) - 2) // 2) @ self._usual[1:] + moved * self._usual[0]
        logarithmic = self._bundle.catalogue.logarithmic
        with np.errstate(over="ignore"):  # what is too large is held at what its feature allows
            scaled[:, logarithmic] = np.expm1(scaled[:, logarithmic])
        return np.where(codes == ABSENT, np.nan, np.clip(scaled, *self._bundle.catalogue.bounds)).astype(np.float32)

    def _codes(self, values: NDArray[np.float32], minute: NDArray[np.int64]) -> NDArray[np.int8]:
        usual = np.broadcast_to(self._usual, (len(minute), *self._usual.shape))
        return deviations(values, minute, usual, self._bundle.catalogue.logarithmic)


def _is_recognised(song: _Scenario) -> bool:
    """Its records once more through the road, from nothing."""
    song.pipeline.assign(song.records.partition, None, [])
    events = song.pipeline.process([(song.records, True)]).events
    raised = [event.minute for event in events if event.change == NEW and event.alarm.name == CLASS]
    return bool(raised) and min(raised) >= ONSET


@dataclass(frozen=True)
class Played:
    """What became of a play."""

    recognised: bool
    seconds: float
    error: str = ""
    """What went wrong, where something did."""


class CanaryRunner:
    """The canary of the bundle in office, played beside the loop once in so many minutes; 0 = never."""

    def __init__(self, minutes: float) -> None:
        self._seconds = 60 * minutes
        self._worker = ThreadPoolExecutor(1, "canary")
        self._playing: tuple[Canary, Future[Played]] | None = None

    def begin(self, canary: Canary) -> None:
        """Another bundle's: it is played at once, and of the one before it nothing is told any more."""
        self._canary, self._due = canary, monotonic()

    def turn(self) -> Played | None:
        """Asked once a turn, and never waits. A play that fails is one that was not recognised: detection goes on."""
        if self._playing is None:
            if self._seconds and monotonic() >= self._due:
                self._due = monotonic() + self._seconds
                self._playing = self._canary, self._worker.submit(_timed, self._canary)
            return None
        canary, ended = self._playing
        if not ended.done():
            return None
        self._playing = None
        if canary is not self._canary:
            return None
        error = ended.exception()
        return ended.result() if error is None else Played(False, 0.0, f"{type(error).__name__}: {error}")

    def close(self) -> None:
        self._worker.shutdown(cancel_futures=True)


def _timed(canary: Canary) -> Played:
    begin = perf_counter()
    recognised = canary.play()
    return Played(recognised, perf_counter() - begin)
