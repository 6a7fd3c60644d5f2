"""An episode in one cell beside its twin: the same cell, minutes, luck and other episodes, but without this one."""

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detector.core.features import CLIP, Catalogue, Feature, transform
from trainer.plots.style import number, unit
from trainer.simulator import FaultEpisode, NetworkTimeline, delivered_columns
from trainer.simulator.effects import floor_spreads, reference_spreads
from trainer.simulator.measurement import SMOOTHING_MINUTES
from trainer.simulator.timeline import NORMAL

AROUND_MINUTES = 60
"""Shown before an episode begins and after it ends."""
LONGEST_MINUTES = 360
"""Shown at most, its beginning first: more, and single minutes are no longer seen."""
OTHERS = 24
"""Cells whose spread says what is usual: below a share of it, steadiness itself would make everything move."""


@dataclass(frozen=True)
class FaultComparison:
    """What is reported of m minutes with the episode and without, and how far it moves each of F features."""

    episode: FaultEpisode
    catalogue: Catalogue
    minute: NDArray[np.int64]
    fault: NDArray[np.float32]
    """# [m, F], as its twin"""
    twin: NDArray[np.float32]
    others: tuple[str, ...]
    """What else the cell has in these minutes, and its twin too."""
    change: NDArray[np.float32]
    """Mean over its minutes, in spreads of the twin at that time of day, clipped as a detector clips. # [F]"""

    @property
    def active(self) -> tuple[int, int]:
        """Its first minute, and the last that is shown."""
        return self.episode.begin, min(self.episode.end, int(self.minute[-1]))

    @property
    def moved(self) -> list[int]:
        """All features, the most moved first."""
        return np.argsort(-np.abs(self.change), kind="stable").tolist()

    def words(self, place: int) -> str:
        """How one feature moves, such as `dns_timeout 0.6 -> 28 per minute (+3.8 spreads)`."""
        feature: Feature = self.catalogue.features[place]
        active = _active(self.episode, self.minute)
        with warnings.catch_warnings(action="ignore", category=RuntimeWarning):  # nothing reported at all
            means = [float(np.nanmean(values[active, place])) for values in (self.twin, self.fault)]
        told = f"{feature.name} {number(means[0])} -> {number(means[1])} {unit(feature)}".rstrip()
        more = " or more" if abs(self.change[place]) > CLIP - 0.05 else ""
        return f"{told} ({self.change[place]:+.1f} spreads{more})"


def compare(life: NetworkTimeline, episode: FaultEpisode, cell: int) -> FaultComparison:
    """The episode in a cell that it reaches, an hour around it; of a long one, the beginning."""
    measurement = life.network.operator.measurement
    catalogue, columns = measurement.catalogue(), delivered_columns(measurement)
    begin = episode.begin - AROUND_MINUTES
    minute = np.arange(begin, min(episode.end + AROUND_MINUTES, begin + LONGEST_MINUTES))
    cells = np.full(len(minute), cell)
    without = NetworkTimeline(life.network, [e for e in life.episodes if e != episode and _overlap(e, minute)])
    fault, twin = (lived.reported_values(cells, minute)[:, columns] for lived in (life, without))
    others = set(without.labels(cells, minute).name.tolist()) - {NORMAL}
    moved = transform(fault, catalogue.logarithmic) - transform(twin, catalogue.logarithmic)
    moved = np.clip(np.nan_to_num(moved) / _spread(life, episode, cell), -CLIP, CLIP)
    change = moved[_active(episode, minute)].mean(axis=0)
    return FaultComparison(episode, catalogue, minute, fault, twin, tuple(sorted(others)), change)


def _overlap(episode: FaultEpisode, minute: NDArray[np.int64]) -> bool:
    return episode.begin <= int(minute[-1]) and episode.effect_end > int(minute[0]) - SMOOTHING_MINUTES


def _active(episode: FaultEpisode, minute: NDArray[np.int64]) -> NDArray[np.bool_]:
    return (minute >= episode.begin) & (minute < episode.end)


def _spread(life: NetworkTimeline, episode: FaultEpisode, cell: int) -> NDArray[np.float32]:
    """Of what is reported of a cell at that time on earlier days, as `effects` has it of what truly was. # -> [F]"""
    measurement = life.network.operator.measurement
    columns = delivered_columns(measurement)
    middle = (episode.begin + min(episode.end, episode.begin + LONGEST_MINUTES)) // 2
    cells = np.array([cell, *np.linspace(0, life.network.cells - 1, OTHERS).astype(np.int64)])

    def read(of: NDArray[np.int64], minute: NDArray[np.int64]) -> NDArray[np.float32]:
        return life.reported_twin(of, minute)[:, columns]

    own, *others = reference_spreads(read, measurement.catalogue().logarithmic, cells, np.full(len(cells), middle))
    return floor_spreads(own, np.median(others, axis=0))
