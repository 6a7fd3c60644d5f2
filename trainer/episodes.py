"""What befalls a simulated network, and the list of it that goes with its history."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from trainer.simulator import FAULTS, Episode, FaultClass, Network, draw_severity

COLUMNS = ("cell", "class", "kind", "begin", "end", "severity")


def draw_episodes(
    network: Network, span: tuple[int, int], count: int, rng: np.random.Generator, names: Sequence[str] = tuple(FAULTS)
) -> tuple[Episode, ...]:
    """`count` episodes of random classes in random cells; each lies inside the span and lasts as its class does."""
    everywhere, tdd = np.arange(network.cells), np.flatnonzero(network.statics.tdd)
    names = [name for name in names if len(tdd) or not FAULTS[name].tdd_only]
    episodes = []
    for _ in range(count):
        fault = FAULTS[names[int(rng.integers(len(names)))]]
        minutes = _duration(fault, rng)
        begin = int(rng.integers(span[0], max(span[0] + 1, span[1] - minutes)))
        cells = tdd if fault.tdd_only else everywhere
        cell = int(cells[rng.integers(len(cells))])
        severity = draw_severity(rng.random())
        episodes.append(Episode(cell, fault, begin, min(begin + minutes, span[1]), severity, int(rng.integers(2**31))))
    return tuple(episodes)


def write_episodes(path: Path, network: Network, episodes: Sequence[Episode]) -> None:
    """The CSV beside a history: one line per episode, minutes since 1970, the end exclusive."""
    with path.open("w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(COLUMNS)
        for episode in sorted(episodes, key=lambda e: (e.begin, e.cell)):
            kind = "fault" if episode.fault.kind == "fault" else "ignore"
            names = (network.names[episode.cell], episode.fault.name, kind)
            rows.writerow([*names, episode.begin, episode.end, f"{episode.severity:.3f}"])


def _duration(fault: FaultClass, rng: np.random.Generator) -> int:
    """Minutes, log-normal by the class's median and 90th percentile."""
    sigma = np.log(fault.p90_minutes / fault.median_minutes) / 1.2816
    return max(5, int(fault.median_minutes * np.exp(sigma * rng.standard_normal())))
