"""Comparison of an episode with its twin: the same cell, minutes, draws and other episodes without this one."""

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detector.core.features import CLIP, Catalogue, Feature, transform
from trainer.plots.style import format_number, unit_label
from trainer.simulator import FaultEpisode, NetworkTimeline, delivered_columns
from trainer.simulator.effects import floor_spreads, reference_spreads
from trainer.simulator.measurement import SMOOTHING_MINUTES
from trainer.simulator.timeline import NORMAL

MARGIN_MINUTES = 60
"""Minutes shown before the begin and after the end of an episode."""
LONGEST_MINUTES = 360
"""Largest number of minutes shown, from the begin on: with more, single minutes are no longer visible."""
REFERENCE_CELLS = 24
"""Cells whose median spread limits the spread from below, so that small changes of a steady cell stay small."""


@dataclass(frozen=True)
class FaultComparison:
    """Reported values of m minutes with and without the episode, and the change of each of F features."""

    episode: FaultEpisode
    catalogue: Catalogue
    minute: NDArray[np.int64]
    fault: NDArray[np.float32]
    """Values with the episode. # [m, F]"""
    twin: NDArray[np.float32]
    """Values without the episode. # [m, F]"""
    other_labels: tuple[str, ...]
    """Labels of other episodes in these minutes, in the twin as well."""
    change: NDArray[np.float32]
    """Mean change in the episode's minutes, in spreads of the twin at that time of day, clipped as in the detector.
    # [F]"""

    @property
    def active(self) -> tuple[int, int]:
        """First minute of the episode, and the last that is shown."""
        return self.episode.begin, min(self.episode.end, int(self.minute[-1]))

    @property
    def ranking(self) -> list[int]:
        """Indices of all features by absolute change, the largest first."""
        return np.argsort(-np.abs(self.change), kind="stable").tolist()

    def summary(self, feature_index: int) -> str:
        """Return the change of one feature, such as `dns_timeout 0.6 -> 28 per minute (+3.8 spreads)`."""
        feature: Feature = self.catalogue.features[feature_index]
        active = _active(self.episode, self.minute)
        with warnings.catch_warnings(action="ignore", category=RuntimeWarning):  # a feature without any report
            means = [float(np.nanmean(values[active, feature_index])) for values in (self.twin, self.fault)]
        text = f"{feature.name} {format_number(means[0])} -> {format_number(means[1])} {unit_label(feature)}".rstrip()
        clip_note = " or more" if abs(self.change[feature_index]) > CLIP - 0.05 else ""
        return f"{text} ({self.change[feature_index]:+.1f} spreads{clip_note})"


def compare_with_twin(fault_timeline: NetworkTimeline, episode: FaultEpisode, cell: int) -> FaultComparison:
    """Return the comparison of an episode in a cell, with an hour around it; of a long episode, only its begin."""
    measurement = fault_timeline.network.operator.measurement
    catalogue, columns = measurement.catalogue(), delivered_columns(measurement)
    begin = episode.begin - MARGIN_MINUTES
    minute = np.arange(begin, min(episode.end + MARGIN_MINUTES, begin + LONGEST_MINUTES))
    cells = np.full(len(minute), cell)
    twin_timeline = NetworkTimeline(
        fault_timeline.network, [e for e in fault_timeline.episodes if e != episode and _overlap(e, minute)]
    )
    fault, twin = (timeline.reported_values(cells, minute)[:, columns] for timeline in (fault_timeline, twin_timeline))
    other_labels = set(twin_timeline.labels(cells, minute).name.tolist()) - {NORMAL}
    deviation = transform(fault, catalogue.logarithmic) - transform(twin, catalogue.logarithmic)
    deviation = np.clip(np.nan_to_num(deviation) / _spread(fault_timeline, episode, cell), -CLIP, CLIP)
    change = deviation[_active(episode, minute)].mean(axis=0)
    return FaultComparison(
        episode=episode,
        catalogue=catalogue,
        minute=minute,
        fault=fault,
        twin=twin,
        other_labels=tuple(sorted(other_labels)),
        change=change,
    )


def _overlap(episode: FaultEpisode, minute: NDArray[np.int64]) -> bool:
    return episode.begin <= int(minute[-1]) and episode.effect_end > int(minute[0]) - SMOOTHING_MINUTES


def _active(episode: FaultEpisode, minute: NDArray[np.int64]) -> NDArray[np.bool_]:
    return (minute >= episode.begin) & (minute < episode.end)


def _spread(fault_timeline: NetworkTimeline, episode: FaultEpisode, cell: int) -> NDArray[np.float32]:
    """Return the spread of the reported values of a cell at that time on earlier days.

    It is the spread of `effects`, but for reported instead of true values. # -> [F]
    """
    measurement = fault_timeline.network.operator.measurement
    columns = delivered_columns(measurement)
    middle = (episode.begin + min(episode.end, episode.begin + LONGEST_MINUTES)) // 2
    cells = np.array([cell, *np.linspace(0, fault_timeline.network.cells - 1, REFERENCE_CELLS).astype(np.int64)])

    def read(cell: NDArray[np.int64], minute: NDArray[np.int64]) -> NDArray[np.float32]:
        return fault_timeline.reported_twin(cell, minute)[:, columns]

    cell_spread, *other_spreads = reference_spreads(
        read, measurement.catalogue().logarithmic, cells, np.full(len(cells), middle)
    )
    return floor_spreads(cell_spread, np.median(other_spreads, axis=0))
