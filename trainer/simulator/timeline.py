"""A network, and what befalls it: any of its minutes, the same minutes had nothing happened, and their labels."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainer.simulator.chain.chain import records
from trainer.simulator.faults.episodes import FaultEpisode, apply_episode
from trainer.simulator.faults.footprints import Part, footprint
from trainer.simulator.faults.knobs import Knobs, neutral_knobs
from trainer.simulator.measurement import measure
from trainer.simulator.network.network import Network

ONSET_MINUTES = 10

HEALTHY, ONSET, ACTIVE, RECOVERY = range(4)
PHASES = ("healthy", "onset", "active", "recovery")

NORMAL = "normal"


@dataclass(frozen=True)
class MinuteLabels:
    """What there is to know of n minutes of cells. Where several episodes meet, the gravest speaks for all."""

    name: NDArray[np.str_]
    """Fault class, look-alike, or `normal`. # [n], as all others"""
    episode: NDArray[np.int32]
    """Place in the list of episodes, -1 for none."""
    primary: NDArray[np.bool_]
    """False in a neighbour that only feels it."""
    severity: NDArray[np.float32]
    intensity: NDArray[np.float32]
    """x at that minute."""
    phase: NDArray[np.int8]
    """Place in PHASES."""
    others: NDArray[np.int16]
    """Further episodes at the same time."""


class NetworkTimeline:
    """`episodes` in `network`. A function of both and of the minute: nothing is kept between two questions."""

    def __init__(self, network: Network, episodes: Sequence[FaultEpisode] = ()) -> None:
        self.network = network
        self.episodes = tuple(episodes)
        self._parts = [(number, part) for number, e in enumerate(self.episodes) for part in footprint(network, e)]
        at = [(cell, which) for which, (_, part) in enumerate(self._parts) for cell in part.cells or ()]
        self._cell, self._part = np.array(sorted(at), np.int64).reshape(-1, 2).T  # [entries] each
        self._begin = np.array([part.episode.begin for _, part in self._parts], np.int64)
        self._until = np.array([part.episode.effect_end for _, part in self._parts], np.int64)

    def reported_values(self, cell: NDArray[np.int64], minute: NDArray[np.int64]) -> NDArray[np.float32]:
        """What the operator's exporters say of it. # [n], [n] -> [n, 130], NaN where they never do"""
        return measure(self.network.operator.measurement, self.true_values, cell, minute)

    def reported_twin(self, cell: NDArray[np.int64], minute: NDArray[np.int64]) -> NDArray[np.float32]:
        """The same, had nothing happened: the same luck without a fault. # [n], [n] -> [n, 130]"""
        return measure(self.network.operator.measurement, self.true_twin, cell, minute)

    def true_values(self, cell: NDArray[np.int64], minute: NDArray[np.int64]) -> NDArray[np.float32]:
        """What truly was. # [n], [n] -> [n, 130]"""
        return records(self.network, cell, minute, self._knobs(cell, minute))

    def labels(self, cell: NDArray[np.int64], minute: NDArray[np.int64]) -> MinuteLabels:
        count = len(cell)
        labels = MinuteLabels(
            name=np.full(count, NORMAL, "U32"),
            episode=np.full(count, -1, np.int32),
            primary=np.zeros(count, bool),
            severity=np.zeros(count, np.float32),
            intensity=np.zeros(count, np.float32),
            phase=np.full(count, HEALTHY, np.int8),
            others=np.full(count, -1, np.int16),
        )
        told = np.full(count, -1)  # an episode may reach a neighbour in two ways
        for number, part, rows in self._struck(cell, minute):
            rows = rows[told[rows] != number]
            told[rows] = number
            _label(labels, number, part, rows, minute[rows])
        np.maximum(labels.others, 0, out=labels.others)
        return labels

    def true_twin(self, cell: NDArray[np.int64], minute: NDArray[np.int64]) -> NDArray[np.float32]:
        """What truly would have been, had nothing happened. # [n], [n] -> [n, 130]"""
        return records(self.network, cell, minute)

    def _knobs(self, cell: NDArray[np.int64], minute: NDArray[np.int64]) -> Knobs | None:
        knobs: Knobs | None = None
        for _, part, rows in self._struck(cell, minute):
            knobs = neutral_knobs(len(cell)) if knobs is None else knobs
            apply_episode(knobs, part.episode, rows, self.network, cell, minute, part.moves, part.weight)
        return knobs

    def _struck(
        self, cell: NDArray[np.int64], minute: NDArray[np.int64]
    ) -> Iterator[tuple[int, Part, NDArray[np.intp]]]:
        """Every part of an episode with the rows that lie in it; in their order, so that they compose alike always."""
        rows: dict[int, list[NDArray[np.intp]]] = {}
        order = np.argsort(cell, kind="stable")
        for which, first, last in self._at_work(cell[order], minute):
            here = order[first:last]
            inside = (minute[here] >= self._begin[which]) & (minute[here] < self._until[which])
            rows.setdefault(which, []).append(here[inside])
        for which in sorted(rows):
            together = np.concatenate(rows[which])
            if len(together):
                yield *self._parts[which], together

    def _at_work(self, ordered: NDArray[np.int64], minute: NDArray[np.int64]) -> Iterator[tuple[int, int, int]]:
        """The parts at work in any of the minutes, each with a stretch of the ordered cells for every cell of its."""
        if not len(self._parts) or not len(minute):
            return
        now = (self._begin <= minute.max()) & (self._until > minute.min())
        everywhere = [which for which in np.flatnonzero(now).tolist() if self._parts[which][1].cells is None]
        yield from ((which, 0, len(ordered)) for which in everywhere)
        chosen = np.flatnonzero(now[self._part])
        bounds = (np.searchsorted(ordered, self._cell[chosen], side).tolist() for side in ("left", "right"))
        for which, first, last in zip(self._part[chosen].tolist(), *bounds, strict=True):
            if first < last:
                yield which, first, last


def _label(labels: MinuteLabels, number: int, part: Part, rows: NDArray[np.intp], minute: NDArray[np.int64]) -> None:
    episode = part.episode
    labels.others[rows] += 1
    severity = np.float32(episode.severity * min(part.weight, 1.0))
    weightier = (severity > labels.severity[rows]) | (part.primary & ~labels.primary[rows])
    graver = rows[weightier & ~(labels.primary[rows] & (not part.primary))]
    at = minute[np.isin(rows, graver, assume_unique=True)]
    labels.name[graver], labels.episode[graver], labels.primary[graver] = part.name, number, part.primary
    labels.severity[graver] = severity
    labels.intensity[graver] = episode.intensity(at) * np.float32(min(part.weight, 1.0))
    phase = np.where(at < episode.begin + ONSET_MINUTES, ONSET, ACTIVE)
    labels.phase[graver] = np.where(at >= episode.end, RECOVERY, phase)
