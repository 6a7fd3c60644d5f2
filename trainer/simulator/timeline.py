"""Timeline of a network with its episodes: reported values, the fault-free twin, and labels of any minute."""

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
"""Minutes from the begin of an episode in phase `onset`."""

HEALTHY, ONSET, ACTIVE, RECOVERY = range(4)
PHASES = ("healthy", "onset", "active", "recovery")
"""Names of the phases, by number."""

NORMAL = "normal"
"""Label of a minute without an episode."""


@dataclass(frozen=True)
class MinuteLabels:
    """Labels of n minutes of cells. Where several episodes overlap, the gravest one gives the label. # [n] each"""

    name: NDArray[np.str_]
    """Fault class, look-alike, or `normal`."""
    episode: NDArray[np.int32]
    """Index in the list of episodes; -1 for none."""
    primary: NDArray[np.bool_]
    """True in a struck cell, false in a neighbour."""
    severity: NDArray[np.float32]
    intensity: NDArray[np.float32]
    """Intensity x at that minute, 0…1."""
    phase: NDArray[np.int8]
    """Index in PHASES."""
    others: NDArray[np.int16]
    """Number of further episodes at the same time."""


class NetworkTimeline:
    """Network with its episodes over time: a pure function of (cell, minute) without state between calls."""

    def __init__(self, network: Network, episodes: Sequence[FaultEpisode] = ()) -> None:
        self.network = network
        self.episodes = tuple(episodes)
        self._parts = [
            (number, part) for number, episode in enumerate(self.episodes) for part in footprint(network, episode)
        ]
        entries = [
            (cell, part_number) for part_number, (_, part) in enumerate(self._parts) for cell in part.cells or ()
        ]
        self._cell, self._part = np.array(sorted(entries), np.int64).reshape(-1, 2).T  # [entries] each
        self._begin = np.array([part.episode.begin for _, part in self._parts], np.int64)
        self._effect_end = np.array([part.episode.effect_end for _, part in self._parts], np.int64)

    def reported_values(self, cell: NDArray[np.int64], minute: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the values that the operator's exporters report; NaN is "not reported". # [n], [n] -> [n, 130]"""
        return measure(self.network.operator.measurement, self.true_values, cell, minute)

    def reported_twin(self, cell: NDArray[np.int64], minute: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the reported values of the fault-free twin: the same draws without episodes. # [n], [n] -> [n, 130]"""
        return measure(self.network.operator.measurement, self.true_twin, cell, minute)

    def true_values(self, cell: NDArray[np.int64], minute: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the true values, before measurement. # [n], [n] -> [n, 130]"""
        return records(self.network, cell, minute, self._knobs(cell, minute))

    def labels(self, cell: NDArray[np.int64], minute: NDArray[np.int64]) -> MinuteLabels:
        """Return the labels of each (cell, minute). # [n], [n] -> [n] each"""
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
        last_episode = np.full(count, -1)  # an episode can reach a neighbour by two spillovers
        for number, part, rows in self._rows_by_part(cell, minute):
            rows = rows[last_episode[rows] != number]
            last_episode[rows] = number
            _label(labels, number, part, rows, minute[rows])
        np.maximum(labels.others, 0, out=labels.others)
        return labels

    def true_twin(self, cell: NDArray[np.int64], minute: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the true values of the fault-free twin. # [n], [n] -> [n, 130]"""
        return records(self.network, cell, minute)

    def _knobs(self, cell: NDArray[np.int64], minute: NDArray[np.int64]) -> Knobs | None:
        knobs: Knobs | None = None
        for _, part, rows in self._rows_by_part(cell, minute):
            knobs = neutral_knobs(len(cell)) if knobs is None else knobs
            apply_episode(
                knobs,
                part.episode,
                rows,
                network=self.network,
                cell=cell,
                minute=minute,
                moves=part.moves,
                weight=part.weight,
            )
        return knobs

    def _rows_by_part(
        self, cell: NDArray[np.int64], minute: NDArray[np.int64]
    ) -> Iterator[tuple[int, Part, NDArray[np.intp]]]:
        """Yield each episode number and part with its rows, in the order of the episodes.

        The fixed order makes overlapping episodes compose to the same bits.
        """
        rows: dict[int, list[NDArray[np.intp]]] = {}
        order = np.argsort(cell, kind="stable")
        for part_number, first, last in self._active_ranges(cell[order], minute):
            part_rows = order[first:last]
            active = (minute[part_rows] >= self._begin[part_number]) & (
                minute[part_rows] < self._effect_end[part_number]
            )
            rows.setdefault(part_number, []).append(part_rows[active])
        for part_number in sorted(rows):
            all_rows = np.concatenate(rows[part_number])
            if len(all_rows):
                yield *self._parts[part_number], all_rows

    def _active_ranges(
        self, sorted_cells: NDArray[np.int64], minute: NDArray[np.int64]
    ) -> Iterator[tuple[int, int, int]]:
        """Yield the parts active in any of the minutes, with a range of the sorted cells for each cell of the part."""
        if not len(self._parts) or not len(minute):
            return
        active_parts = (self._begin <= minute.max()) & (self._effect_end > minute.min())
        network_parts = [
            part_number
            for part_number in np.flatnonzero(active_parts).tolist()
            if self._parts[part_number][1].cells is None
        ]
        yield from ((part_number, 0, len(sorted_cells)) for part_number in network_parts)
        cell_entries = np.flatnonzero(active_parts[self._part])
        bounds = (np.searchsorted(sorted_cells, self._cell[cell_entries], side).tolist() for side in ("left", "right"))
        for part_number, first, last in zip(self._part[cell_entries].tolist(), *bounds, strict=True):
            if first < last:
                yield part_number, first, last


def _label(labels: MinuteLabels, number: int, part: Part, rows: NDArray[np.intp], minute: NDArray[np.int64]) -> None:
    episode = part.episode
    labels.others[rows] += 1
    severity = np.float32(episode.severity * min(part.weight, 1.0))
    dominates = (severity > labels.severity[rows]) | (part.primary & ~labels.primary[rows])
    graver_rows = rows[dominates & ~(labels.primary[rows] & (not part.primary))]
    active_minute = minute[np.isin(rows, graver_rows, assume_unique=True)]
    labels.name[graver_rows], labels.episode[graver_rows], labels.primary[graver_rows] = part.name, number, part.primary
    labels.severity[graver_rows] = severity
    labels.intensity[graver_rows] = episode.intensity(active_minute) * np.float32(min(part.weight, 1.0))
    phase = np.where(active_minute < episode.begin + ONSET_MINUTES, ONSET, ACTIVE)
    labels.phase[graver_rows] = np.where(active_minute >= episode.end, RECOVERY, phase)
