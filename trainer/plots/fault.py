"""A fault beside its twin, in the features that it moves most."""

from pathlib import Path
from typing import Any

import numpy as np

from trainer.plots.comparison import FaultComparison, compare
from trainer.plots.style import BAND, BLUE, VERMILLION, clock, day, sheet, times, unit, write_numbers
from trainer.simulator import PreparedScenario
from trainer.simulator.faults.episodes import Place

PANELS, TOLD = 6, 3
"""Features drawn, and how many of them the printed line names."""
HEIGHT = 1080

STRUCK: dict[Place | None, str] = {
    None: "this cell alone",
    "cell": "the cell",
    "site": "the site",
    "chain": "a chain of sites",
    "region": "the region",
    "network": "the whole network",
}


def draw_fault(play: PreparedScenario, number: int, effect: float, folder: Path) -> tuple[Path, str]:
    """Episode `number` of the play, in its own cell. Gives the file, and what is to be seen in it."""
    episode = play.timeline.episodes[number]
    cell = play.timeline.network.names[episode.cell]
    seen = compare(play.timeline, episode, episode.cell)
    path = folder / f"fault-{episode.fault.name}-{cell}.png"
    with sheet(path, HEIGHT) as figure:
        figure.suptitle(_title(seen, cell, number, effect), x=0.01, ha="left", fontsize=16)
        axes = figure.subplots(PANELS // 2, 2, sharex=True).ravel().tolist()
        for axis, place in zip(axes, seen.moved, strict=False):
            _draw(axis, seen, place)
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return path, f"episode {number}, " + ", ".join(seen.words(place) for place in seen.moved[:TOLD])


def _title(seen: FaultComparison, cell: str, number: int, effect: float) -> str:
    episode = seen.episode
    kind = "" if episode.fault.kind == "fault" else " (look-alike)"
    hours = f"{day(episode.begin)}, {clock(episode.begin)} to {clock(episode.end)}"
    told = f"{episode.fault.name}{kind} in {cell}: severity {episode.severity:.2g}, effect {effect:.1f}"
    beside = f", beside {', '.join(seen.others)}" if seen.others else ""
    return f"{told}\n{hours}{beside} (episode {number}, {episode.onset} onset, strikes {STRUCK[episode.place_kind]})"


def _draw(axis: Any, seen: FaultComparison, place: int) -> None:
    from matplotlib.dates import AutoDateLocator, DateFormatter

    time, feature = times(seen.minute), seen.catalogue.features[place]
    axis.axvspan(*times(np.array(seen.active)), color=BAND, lw=0, label="fault active")
    axis.plot(time, seen.twin[:, place], color=BLUE, lw=1.3, label="twin: the same luck without it")
    axis.plot(time, seen.fault[:, place], color=VERMILLION, lw=1.6, label="with the fault")
    axis.set(title=seen.words(place).replace("->", "→"), ylabel=unit(feature), xlim=(time[0], time[-1]))
    write_numbers(axis)
    if feature.kind == "counter":
        axis.set_ylim(bottom=0)
    axis.xaxis.set_major_locator(AutoDateLocator(minticks=4, maxticks=9))
    axis.xaxis.set_major_formatter(DateFormatter("%H:%M"))
