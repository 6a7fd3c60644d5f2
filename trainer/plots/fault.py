"""Plot of a fault beside its twin, in the features that it changes most."""

from pathlib import Path
from typing import Any

import numpy as np

from detector.text import file_name, printable
from trainer.plots.comparison import FaultComparison, compare_with_twin
from trainer.plots.style import (
    BAND,
    BLUE,
    VERMILLION,
    format_clock,
    format_day,
    format_y_ticks,
    png_figure,
    to_datetimes,
    unit_label,
)
from trainer.simulator import PreparedScenario
from trainer.simulator.faults.episodes import Place

PANELS, SUMMARY_FEATURES = 6, 3
"""Features drawn, and number of them in the printed summary."""
HEIGHT = 1080
"""Height of the picture in pixels."""

PLACE_NAMES: dict[Place | None, str] = {
    None: "this cell alone",
    "cell": "the cell",
    "site": "the site",
    "chain": "a chain of sites",
    "region": "the region",
    "network": "the whole network",
}
"""Names of the kinds of place in the title."""


def draw_fault(scenario: PreparedScenario, number: int, effect: float, folder: Path) -> tuple[Path, str]:
    """Draw episode `number` of the scenario in its own cell. Return the file and a one-line summary."""
    episode = scenario.timeline.episodes[number]
    cell = scenario.timeline.network.names[episode.cell]
    comparison = compare_with_twin(scenario.timeline, episode, episode.cell)
    path = folder / f"fault-{episode.fault.name}-{file_name(cell)}.png"
    with png_figure(path, HEIGHT) as figure:
        figure.suptitle(_title(comparison, cell, number, effect), x=0.01, ha="left", fontsize=16)
        axes = figure.subplots(PANELS // 2, 2, sharex=True).ravel().tolist()
        for axis, feature_index in zip(axes, comparison.ranking, strict=False):
            _draw(axis, comparison, feature_index)
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return path, f"episode {number}, " + ", ".join(
        comparison.summary(feature_index) for feature_index in comparison.ranking[:SUMMARY_FEATURES]
    )


def _title(comparison: FaultComparison, cell: str, number: int, effect: float) -> str:
    episode = comparison.episode
    kind_note = "" if episode.fault.kind == "fault" else " (look-alike)"
    period = f"{format_day(episode.begin)}, {format_clock(episode.begin)} to {format_clock(episode.end)}"
    text = f"{episode.fault.name}{kind_note} in {printable(cell)}: severity {episode.severity:.2g}, effect {effect:.1f}"
    other_faults = f", beside {', '.join(comparison.other_labels)}" if comparison.other_labels else ""
    details = f"episode {number}, {episode.onset} onset, strikes {PLACE_NAMES[episode.place_kind]}"
    return f"{text}\n{period}{other_faults} ({details})"


def _draw(axis: Any, comparison: FaultComparison, feature_index: int) -> None:
    from matplotlib.dates import AutoDateLocator, DateFormatter

    time, feature = to_datetimes(comparison.minute), comparison.catalogue.features[feature_index]
    axis.axvspan(*to_datetimes(np.array(comparison.active)), color=BAND, lw=0, label="fault active")
    axis.plot(time, comparison.twin[:, feature_index], color=BLUE, lw=1.3, label="twin: same draws without the fault")
    axis.plot(time, comparison.fault[:, feature_index], color=VERMILLION, lw=1.6, label="with the fault")
    axis.set(
        title=comparison.summary(feature_index).replace("->", "→"), ylabel=unit_label(feature), xlim=(time[0], time[-1])
    )
    format_y_ticks(axis)
    if feature.kind == "counter":
        axis.set_ylim(bottom=0)
    axis.xaxis.set_major_locator(AutoDateLocator(minticks=4, maxticks=9))
    axis.xaxis.set_major_formatter(DateFormatter("%H:%M"))
