"""The list of what befell a simulated network, as it goes with its history."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from trainer.simulator import FaultEpisode, NetworkTimeline, PreparedScenario, effects
from trainer.simulator.faults.footprints import struck_cells
from trainer.simulator.faults.schedule import DAY

COLUMNS = ("cell", "class", "kind", "begin", "end", "severity", "effect")


def write_episodes(play: PreparedScenario, path: Path) -> None:
    """One line per episode and stricken cell that the span sees: minutes since 1970, the end exclusive.

    An effect is measured without the episodes of other days.
    """
    with path.open("w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(COLUMNS)
        for begun in _by_day(play):
            _write_day(rows, play, begun)


def count_episodes(path: Path) -> int:
    """Of such a file: lines of one class, time and severity are one episode's, in each cell that it struck."""
    with path.open(newline="") as file:
        return len({tuple(row[1:6]) for row in csv.reader(file)}) - 1


def _by_day(play: PreparedScenario) -> Iterator[list[FaultEpisode]]:
    """What is under way at the span's beginning and on its first day, then what begins on each later one."""
    first, last = play.span
    for day in range(first // DAY, -(-last // DAY)):
        opening = play.span[0] if day == first // DAY else day * DAY
        felt = play.episodes(opening, min((day + 1) * DAY, last))
        yield [e for e in felt if e.end > first and (e.begin >= opening or opening == first)]


def _write_day(rows: Any, play: PreparedScenario, begun: list[FaultEpisode]) -> None:
    struck = [(cell, episode) for episode in begun for cell in struck_cells(play.network, episode)]
    struck.sort(key=lambda entry: (entry[1].begin, entry[0], entry[1].fault.name))
    columns = ([cell for cell, _ in struck], [e.begin for _, e in struck], [e.end for _, e in struck])
    visible = effects(NetworkTimeline(play.network, begun), *(np.array(column, np.int64) for column in columns))
    for (cell, episode), effect in zip(struck, visible.tolist(), strict=True):
        kind = "fault" if episode.fault.kind == "fault" else "ignore"
        told = (play.network.names[cell], episode.fault.name, kind, episode.begin, episode.end)
        rows.writerow([*told, f"{episode.severity:.3f}", f"{effect:.2f}"])
