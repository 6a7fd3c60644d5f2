"""Story of the demo: a small network with a week behind it, and the faults of one evening."""

from dataclasses import dataclass

import numpy as np

from trainer.data.history import START_MINUTE, SimulatedHistory
from trainer.simulator import FAULTS, FaultEpisode, Network

CELLS, FEWER_CELLS = 240, 80
"""Cells of the town, and of the town with a longer period: every minute of its week is simulated, not each seventh."""

SEED = 2026
WEEK = 7 * 1440
TAUGHT, UNTAUGHT, CROWD = "backhaul_loss", "baseband_overload", "mass_event"
"""A fault that is taught once, a fault that is never taught, and a harmless situation. The encoder was trained without
the first."""

EVENING = START_MINUTE + WEEK + 16 * 60
"""Monday 16:00, a week after the history begins."""

MINUTES = 290
"""An hour that fills the windows, two and a half hours with faults, and the time until all alarms are cleared."""

LONG_MINUTES = 405
"""The same at a period of several minutes: an alarm is held for two periods, and a window empties by whole periods."""

DEMO_PERIODS = (1, 5, 15)
"""Periods at which the story is told: a fault of 75 minutes is one or two samples of a longer one."""


@dataclass(frozen=True)
class Story:
    """Network, past and evening of the demo, with every episode."""

    network: Network
    past: SimulatedHistory
    """The week, with the one example of the taught fault and last week's match."""
    evening: SimulatedHistory
    example: FaultEpisode
    last_match: FaultEpisode
    same_fault: tuple[FaultEpisode, ...]
    """The taught fault in other cells."""
    other_fault: FaultEpisode
    match: FaultEpisode


def build_story(period_minutes: int = 1) -> Story:
    """Return the story, which is the same every time, as exporters of this period report it."""
    network = Network(CELLS if period_minutes == 1 else FEWER_CELLS, seed=SEED)
    rng = np.random.default_rng(SEED)
    busy = rng.permutation(_busy_cells(network))
    week = (START_MINUTE, START_MINUTE + WEEK)
    thursday = START_MINUTE + 3 * 1440
    example = _episode(int(busy[0]), TAUGHT, begin=thursday + 11 * 60, minutes=150, severity=0.7, seed=1)
    last_match = _episode(int(busy[1]), CROWD, begin=thursday + 18 * 60, minutes=180, severity=0.8, seed=2)
    same = tuple(
        _episode(
            int(busy[2 + number]),
            TAUGHT,
            begin=EVENING + 70 + 25 * number,
            minutes=75,
            severity=severity,
            seed=10 + number,
        )
        for number, severity in enumerate((0.9, 0.6, 0.4))
    )
    other = _episode(int(busy[5]), UNTAUGHT, begin=EVENING + 80, minutes=100, severity=0.8, seed=20)
    match = _episode(int(busy[6]), CROWD, begin=EVENING + 75, minutes=110, severity=0.7, seed=30)
    evening = (EVENING, EVENING + (MINUTES if period_minutes == 1 else LONG_MINUTES))
    return Story(
        network=network,
        past=SimulatedHistory(network, week, (example, last_match), period_minutes=period_minutes),
        evening=SimulatedHistory(network, evening, (*same, other, match), period_minutes=period_minutes),
        example=example,
        last_match=last_match,
        same_fault=same,
        other_fault=other,
        match=match,
    )


def _episode(cell: int, name: str, *, begin: int, minutes: int, severity: float, seed: int) -> FaultEpisode:
    return FaultEpisode(cell=cell, fault=FAULTS[name], begin=begin, end=begin + minutes, severity=severity, seed=seed)


def _busy_cells(network: Network) -> list[int]:
    """Return the busier half of the cells: a fault shows in traffic, and a village at night has none."""
    load = np.asarray(network.statics.busy_attempts)
    return np.flatnonzero(load > np.median(load)).tolist()
