"""What happens in the demo: a small town's network, a week behind it and an evening ahead."""

from dataclasses import dataclass

import numpy as np

from trainer.data.history import START_MINUTE, SimulatedHistory
from trainer.simulator import FAULTS, FaultEpisode, Network

CELLS = 240
SEED = 2026
WEEK = 7 * 1440
TAUGHT, UNTAUGHT, CROWD = "backhaul_loss", "baseband_overload", "mass_event"
"""Shown once, never shown to the detector, and no fault at all. The encoder was not trained on the first."""

EVENING = START_MINUTE + WEEK + 16 * 60
"""Monday 16:00, a week after the history begins."""

MINUTES = 290
"""An hour to fill the windows, two and a half of trouble, and as long as it takes until all is clear again."""


@dataclass(frozen=True)
class Story:
    network: Network
    past: SimulatedHistory
    """The week, with the one example of the taught fault and last week's match in it."""
    evening: SimulatedHistory
    example: FaultEpisode
    last_match: FaultEpisode
    same_fault: tuple[FaultEpisode, ...]
    other_fault: FaultEpisode
    match: FaultEpisode


def write_plot() -> Story:
    """The same plot every time."""
    network = Network(CELLS, seed=SEED)
    rng = np.random.default_rng(SEED)
    busy = rng.permutation(_busy_cells(network))
    week = (START_MINUTE, START_MINUTE + WEEK)
    thursday = START_MINUTE + 3 * 1440
    example = _episode(int(busy[0]), TAUGHT, thursday + 11 * 60, 150, 0.7, 1)
    last_match = _episode(int(busy[1]), CROWD, thursday + 18 * 60, 180, 0.8, 2)
    same = tuple(
        _episode(int(busy[2 + place]), TAUGHT, EVENING + 70 + 25 * place, 75, severity, 10 + place)
        for place, severity in enumerate((0.9, 0.6, 0.4))
    )
    other = _episode(int(busy[5]), UNTAUGHT, EVENING + 80, 100, 0.8, 20)
    match = _episode(int(busy[6]), CROWD, EVENING + 75, 110, 0.7, 30)
    evening = SimulatedHistory(network, (EVENING, EVENING + MINUTES), (*same, other, match))
    past = SimulatedHistory(network, week, (example, last_match))
    return Story(network, past, evening, example, last_match, same, other, match)


def _episode(cell: int, name: str, begin: int, minutes: int, severity: float, seed: int) -> FaultEpisode:
    return FaultEpisode(cell, FAULTS[name], begin, begin + minutes, severity, seed)


def _busy_cells(network: Network) -> list[int]:
    """The busier half: a fault is seen by its users, and a village at night has none."""
    load = np.asarray(network.statics.busy_attempts)
    return np.flatnonzero(load > np.median(load)).tolist()
