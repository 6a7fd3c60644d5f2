"""Canary: an artificial cell with one fault that the daemon's own pipeline must recognise.

A network without faults and a detector that recognises nothing look the same from outside. So an artificial cell has a
fault once an hour, which tests the whole pipeline: decoding, baseline, windows, encoder, search, verdict and alarm
rule. It uses no data of the network. Its normal minutes are the bundle's golden windows on the fleet's baseline. Its
fault is a shift of one feature. Its exemplar index contains only the exemplar of that fault. Only the result leaves
this module.
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
from detector.core.ingest.samples import Records, records_of
from detector.core.lifecycle import NEW
from detector.core.pipeline import Pipeline
from detector.core.scoring.classifier import Classifier
from detector.core.scoring.exemplars import ExemplarIndex
from detector.core.settings import Settings
from detector.core.vocabulary import EARLIEST_MINUTE
from detector.errors import LabelError
from detector.labels.builder import LabelMeta, LabelWindow, build_label, label_span
from detector.labels.embedding import embed_label

CELL, CLASS = "canary", "canary"

ONSET = EARLIEST_MINUTE + 12 * 60
"""Onset of the fault: always the same noon in the year 2000. Runs differ only if the machine computes differently."""

FAR = 4.0
"""Shift of the feature, in spreads.

Large compared with per-minute noise, small compared with real faults (simulated faults reach tens of spreads).
"""

FEATURES_TRIED, FAULTS_TRIED = 64, 8
"""Features that are shifted up and down to find the largest distances from normal; and shifts that are tried as the
canary's fault, the largest distance first."""


@dataclass(frozen=True)
class _Scenario:
    """Records of the artificial fault, with the pipeline that must recognise it."""

    pipeline: Pipeline
    records: Records


class Canary:
    """Self-test of one bundle: an artificial cell with a fault."""

    def __init__(self, bundle: Bundle, encode: Encode, settings: Settings, threads: int) -> None:
        self._bundle, self._encode, self._threads = bundle, encode, threads
        self._settings = replace(settings, max_cells=1)
        self._granularity = granularity = bundle.catalogue.granularity
        self._end = ONSET + granularity.window_minutes
        """End of the fault: it is as long as an episode that is taught without an end."""
        self._fleet_baseline = bundle.baseline.coefficients(bundle.baseline.rows([CELL]))[0]
        fullest = np.argsort((bundle.golden.windows == ABSENT).sum(axis=(1, 2)), kind="stable")
        self._example_hour, self._played_hour = bundle.golden.windows[fullest[[0, min(1, len(fullest) - 1)]]]
        """Normal hours to which the taught and the played fault are added. # int8 [60, F] each"""
        self._scenario: _Scenario | None = None

    def play(self) -> bool:
        """Return whether the fault is recognised, and not before its onset.

        The first play searches for a scenario that is recognised; later plays repeat it.
        """
        if self._scenario is None:
            self._scenario = next((scenario for scenario in self._scenarios() if _is_recognised(scenario)), None)
            return self._scenario is not None
        return _is_recognised(self._scenario)

    def _scenarios(self) -> Iterator[_Scenario]:
        for feature, spreads in self._farthest_moves():
            try:
                yield self._build_scenario(feature, spreads)
            except LabelError:
                continue

    def _farthest_moves(self) -> list[tuple[int, float]]:
        """Return (feature, shift in spreads), the largest distance from normal first."""
        is_reported = (self._example_hour != ABSENT).all(axis=0) & (self._played_hour != ABSENT).all(axis=0)
        reported_features = np.flatnonzero(is_reported)
        tried_features = reported_features[
            np.unique(np.linspace(0, len(reported_features) - 1, FEATURES_TRIED).round().astype(int))
        ]
        moves = [(feature, spreads) for feature in tried_features.tolist() for spreads in (FAR, -FAR)]
        hour = self._minutes(ONSET, self._end)
        windows = [self._codes(self._values(self._example_hour, hour, *move), hour) for move in moves]
        if not windows:
            return []
        size = self._encode(self._granularity.expand(np.stack(windows))).size.astype(np.float32)
        return [moves[rank] for rank in np.argsort(-size, kind="stable")[:FAULTS_TRIED].tolist()]

    def _build_scenario(self, feature: int, spreads: float) -> _Scenario:
        """Return the scenario of one shifted feature. Raises LabelError."""
        bundle, settings, end = self._bundle, self._settings, self._end
        taught_minutes = self._minutes(*label_span(ONSET, end, self._granularity))
        values = self._values(self._example_hour, taught_minutes, feature, spreads)
        label = build_label(
            LabelWindow(values=values, catalogue=bundle.catalogue, baseline=bundle.baseline),
            LabelMeta(name=CLASS, kind="fault", cell=CELL, begin=ONSET, end=end),
        )
        exemplar = embed_label(label, bundle.catalogue, self._encode)
        index = ExemplarIndex([exemplar], bundle.normal, self._threads)
        classifier = Classifier(index, settings.weights, settings.budget)
        first = ONSET - self._granularity.window_minutes - settings.score_minutes
        minute = self._minutes(first, end + settings.score_minutes)
        values = self._values(self._played_hour, minute, feature, spreads)
        records = records_of(CELL, first, values, bundle.catalogue)
        pipeline = Pipeline(bundle.catalogue, bundle.baseline, self._encode, classifier, settings)
        return _Scenario(pipeline, records)

    def _minutes(self, first: int, end: int) -> NDArray[np.int64]:
        return np.arange(first, end, self._granularity.period_minutes)

    def _values(
        self, hour: NDArray[np.int8], minute: NDArray[np.int64], feature: int, spreads: float
    ) -> NDArray[np.float32]:
        """Return the values that a cell would report: an hour repeated, with one feature shifted after the onset.

        # int8 [60, F], [m] -> [m, F]
        """
        codes = hour[minute // self._granularity.step_minutes % WINDOW]
        moved_deviations = codes.astype(np.float32) / np.float32(STEPS)
        moved_deviations[minute >= ONSET, feature] += np.float32(spreads)
        baseline = self._fleet_baseline
        basis = day_basis(minute, (len(baseline) - 2) // 2)
        values = basis @ baseline[1:] + moved_deviations * baseline[0]
        logarithmic = self._bundle.catalogue.logarithmic
        with np.errstate(over="ignore"):  # a value that is too large is clipped to its feature's range
            values[:, logarithmic] = np.expm1(values[:, logarithmic])
        return np.where(codes == ABSENT, np.nan, np.clip(values, *self._bundle.catalogue.bounds)).astype(np.float32)

    def _codes(self, values: NDArray[np.float32], minute: NDArray[np.int64]) -> NDArray[np.int8]:
        baseline = np.broadcast_to(self._fleet_baseline, (len(minute), *self._fleet_baseline.shape))
        return deviations(values, minute, baseline, self._bundle.catalogue.logarithmic)


def _is_recognised(scenario: _Scenario) -> bool:
    """Process the scenario's records from an empty state, and return whether they raise the alarm after the onset."""
    scenario.pipeline.assign(scenario.records.partition, None, [])
    events = scenario.pipeline.process([(scenario.records, True)]).events
    alarm_minutes = [event.minute for event in events if event.change == NEW and event.alarm.name == CLASS]
    return bool(alarm_minutes) and min(alarm_minutes) >= ONSET


@dataclass(frozen=True, kw_only=True)
class CanaryResult:
    """Result of one play."""

    is_recognised: bool
    seconds: float
    error: str = ""
    """Exception of a play that failed; empty otherwise."""


class CanaryRunner:
    """Plays the serving bundle's canary periodically on a separate thread. A period of 0 minutes turns it off."""

    def __init__(self, minutes: float) -> None:
        self._seconds = 60 * minutes
        self._worker = ThreadPoolExecutor(1, "canary")
        self._play: tuple[Canary, Future[CanaryResult]] | None = None

    def use(self, canary: Canary) -> None:
        """Play the canary of a new bundle at once. A pending result of the previous canary is discarded."""
        self._canary, self._due = canary, monotonic()

    def poll(self) -> CanaryResult | None:
        """Start a play that is due, or return the result of one that has ended. Never waits.

        A play that fails counts as not recognised, and detection goes on.
        """
        if self._play is None:
            if self._seconds and monotonic() >= self._due:
                self._due = monotonic() + self._seconds
                self._play = self._canary, self._worker.submit(_timed_play, self._canary)
            return None
        canary, future = self._play
        if not future.done():
            return None
        self._play = None
        if canary is not self._canary:
            return None
        error = future.exception()
        if error is None:
            return future.result()
        return CanaryResult(is_recognised=False, seconds=0.0, error=f"{type(error).__name__}: {error}")

    def close(self) -> None:
        """Stop the thread after the play in progress."""
        self._worker.shutdown(cancel_futures=True)


def _timed_play(canary: Canary) -> CanaryResult:
    begin = perf_counter()
    is_recognised = canary.play()
    return CanaryResult(is_recognised=is_recognised, seconds=perf_counter() - begin)
