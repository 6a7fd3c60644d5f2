"""The list of what befell a simulated network, as it goes with its history."""

import csv
from pathlib import Path

import numpy as np

from trainer.simulator import Episode, Play, effects
from trainer.simulator.footprints import stricken

COLUMNS = ("cell", "class", "kind", "begin", "end", "severity", "effect")


def write_episodes(path: Path, play: Play) -> None:
    """One line per episode and stricken cell that the span sees: minutes since 1970, the end exclusive."""
    network, (first, last) = play.life.network, play.span
    struck: list[tuple[int, Episode]] = [
        (cell, episode)
        for episode in play.life.episodes
        for cell in stricken(network, episode)
        if episode.end > first and episode.begin < last
    ]
    struck.sort(key=lambda entry: (entry[1].begin, entry[0], entry[1].fault.name))
    columns = [np.array(column, np.int64) for column in ([c for c, _ in struck], [e.begin for _, e in struck],
                                                         [e.end for _, e in struck])]  # fmt: skip
    visible = effects(play.life, *columns)
    with path.open("w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(COLUMNS)
        for (cell, episode), effect in zip(struck, visible.tolist(), strict=True):
            kind = "fault" if episode.fault.kind == "fault" else "ignore"
            told = (network.names[cell], episode.fault.name, kind, episode.begin, episode.end)
            rows.writerow([*told, f"{episode.severity:.3f}", f"{effect:.2f}"])
