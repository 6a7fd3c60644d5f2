"""Days of a network's life to be judged: ten classes taught once, faults among nuisances and look-alikes.

A week is learned without a label, with the faults inside that befall any live network; two days calibrate; two more
are judged, in which fifty episodes of every taught class are put, two to four hours each, of all severities. What was
taught happened in other cells, on other days.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detector.bundle.format import Bundle
from detector.core.encoder import Encode
from detector.core.features import Catalogue
from detector.core.ingest.samples import Samples
from detector.core.scoring.exemplars import Exemplar
from detector.labels.builder import LabelMeta, LabelWindow, build_label, label_span
from detector.labels.embedding import embed_label
from trainer.calibration.bundle_builder import BundleParts, build_bundle
from trainer.data.baselines import fit_baseline
from trainer.data.history import START_MINUTE, SimulatedHistory
from trainer.simulator import (
    FAULTS,
    FaultClass,
    FaultEpisode,
    Network,
    NetworkTimeline,
    Operator,
    catalogue,
    draw_severity,
)
from trainer.simulator.delivery import PERFECT
from trainer.simulator.faults.schedule import DAY, LIVE_RATES
from trainer.simulator.prepared_scenario import PreparedScenario

HELD_OUT = tuple(name for name, fault in FAULTS.items() if fault.held_out)
TAUGHT = (*HELD_OUT, "ho_too_late", "sleeping_cell_rach", "ul_interference", "userplane_failure")
CELLS, EACH = 672, 50
LEARNED, CALIBRATED, JUDGED = 7, 2, 2
"""Days. Calibrated are 1,344 cell-days: all of them, two and a half hours each."""

STRETCHES = CELLS * CALIBRATED * 24 * 2 // 5
AT_ONCE = 60
"""Minutes of all cells simulated at a time."""


QUARTER = DAY // 4
"""Episodes begin in quarters of a day of their own, so that no two meet in a cell."""


@dataclass(frozen=True)
class Days:
    """A simulated stretch of life, read as a history in files is: in order of time."""

    life: NetworkTimeline
    first: int
    last: int
    blocks: int = 1

    @property
    def catalogue(self) -> Catalogue:
        return catalogue()

    def days(self, block: int) -> Iterator[Samples]:
        names = self.life.network.names
        for begin in range(self.first, self.last, AT_ONCE):
            minute = np.repeat(np.arange(begin, min(begin + AT_ONCE, self.last)), len(names))
            cell = np.tile(np.arange(len(names)), len(minute) // len(names))
            told = [names[number] for number in cell.tolist()]
            yield Samples(block, np.arange(len(cell)), told, minute, self.life.reported_values(cell, minute))


class Stage:
    """One operator's network, what befalls it, and how it is learned. All is drawn from the seed."""

    def __init__(self, operator: Operator, seed: int) -> None:
        self.network = Network(CELLS, seed, operator)
        self.begin = START_MINUTE + (LEARNED + CALIBRATED) * DAY
        self.end = self.begin + JUDGED * DAY
        self._rng = np.random.default_rng([seed, 4])
        self.put = [episode for name in TAUGHT for episode in self._episodes(FAULTS[name])]
        live = dict.fromkeys(LIVE_RATES, 1.0)
        self._play = PreparedScenario(self.network, tuple(self.put), live, seed, (START_MINUTE, self.end), PERFECT)

    @cached_property
    def life(self) -> NetworkTimeline:
        return self._play.timeline_around(self.begin, self.end)

    @property
    def days(self) -> Days:
        return Days(self.life, self.begin, self.end)

    def adapt(self, bundle: Bundle, path: Path) -> None:
        """The bundle at home in this network, as from its unlabelled past."""
        week, days = self._past(0, LEARNED), self._past(LEARNED, LEARNED + CALIBRATED)
        spec, loss = bundle.manifest.spec, bundle.manifest.loss
        parts = BundleParts(
            history=days,
            baseline=fit_baseline(week, LEARNED),
            spec=spec,
            weights=bundle.weights,
            trained_on={},
            figures={},
            stretches=STRETCHES,
            seed=0,
            loss=loss,
        )
        build_bundle(parts, path)

    def exemplars(self, bundle: Bundle, encode: Encode) -> Iterator[Exemplar]:
        """One episode of each class."""
        for name in TAUGHT:
            cell = int(self._rng.choice(self._cells(FAULTS[name])))
            begin = self.begin - CALIBRATED * DAY + int(self._rng.integers(DAY))
            episode = self._episode(FAULTS[name], cell, begin)
            first, last = label_span(episode.begin, episode.end, bundle.catalogue.granularity)
            minute = np.arange(first, last)
            values = NetworkTimeline(self.network, [episode]).reported_values(np.full(len(minute), cell), minute)
            whose = self.network.names[cell]
            label = build_label(
                LabelWindow(values=values, catalogue=bundle.catalogue, baseline=bundle.baseline),
                LabelMeta(name=name, kind="fault", cell=whose, begin=episode.begin, end=episode.end),
            )
            yield embed_label(label, bundle.catalogue, encode)

    def _past(self, first: int, last: int) -> SimulatedHistory:
        span = (START_MINUTE + first * DAY, START_MINUTE + last * DAY)
        return SimulatedHistory(self.network, span, self._play.episodes(*span), whole=True)

    def _cells(self, fault: FaultClass) -> NDArray[np.int64]:
        return np.flatnonzero(self.network.statics.tdd) if fault.tdd_only else np.arange(CELLS)

    def _episodes(self, fault: FaultClass) -> Iterator[FaultEpisode]:
        cells = self._cells(fault)
        for slot in self._rng.choice(len(cells) * JUDGED * DAY // QUARTER, EACH, replace=False).tolist():
            begin = self.begin + slot // len(cells) * QUARTER + int(self._rng.integers(30, 90))
            yield self._episode(fault, int(cells[slot % len(cells)]), begin)

    def _episode(self, fault: FaultClass, cell: int, begin: int) -> FaultEpisode:
        end = begin + int(self._rng.integers(120, 241))
        return FaultEpisode(cell, fault, begin, end, draw_severity(self._rng.random()), int(self._rng.integers(2**31)))
