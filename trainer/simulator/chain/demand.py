"""Who comes, and what they want: users arriving in the minute and the volume they ask for."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainer.simulator.faults.knobs import Knobs
from trainer.simulator.network.cells import Cells
from trainer.simulator.network.network import Network
from trainer.simulator.network.operators import Operator
from trainer.simulator.network.profiles import WEEK_MINUTES
from trainer.simulator.noise import Noise
from trainer.simulator.randomness import Column, HashedDraws

MONDAY = 3 * 1440
"""Minutes from Monday 00:00 to 1970-01-01 00:00, a Thursday."""

BACKGROUND = 0.035
"""Share of the busy hour that never sleeps: meters, cameras, updates."""


@dataclass(frozen=True)
class Block:
    """Some rows (cell, minute) simulated together: what their cells are, what moves them, and their luck."""

    network: Network
    cells: Cells
    minute: NDArray[np.int64]
    hour: Column
    """Time of day, 0…24."""
    knobs: Knobs
    draws: HashedDraws
    noise: Noise

    @property
    def operator(self) -> Operator:
        return self.network.operator


@dataclass(frozen=True)
class Demand:
    usual: Column
    """Access attempts per minute to be expected at this time of the week, without knobs and noise."""
    attempts: Column
    """λ: access attempts per minute."""
    flows: Column
    """Flows expected, for averaging: the more, the steadier a mean over users."""
    offered_kb: Column
    """Downlink volume the users ask for in this minute."""
    evening: Column
    night: Column
    """0…1, around 21 h and 3 h."""


def ask(block: Block) -> Demand:
    """λ as the week's profile times log-noise of many time scales, and the volume as a sum of heavy-tailed sessions."""
    cells, knobs, draws, noise = block.cells, block.knobs, block.draws, block.noise
    usual = cells.busy_attempts * profile(block)
    attempts = usual * np.exp(_fluctuation(noise) - 0.03) * knobs["demand_x"] + 0.02
    evening = np.exp(-0.5 * ((block.hour - 21) / 2.5) ** 2)
    night = np.exp(-0.5 * (((block.hour + 12) % 24 - 15) / 2) ** 2)
    drift = np.exp(0.16 * noise.slow("volume 90 min", 90) + 0.10 * noise.slow("volume 12 min", 12))
    connection_kb = cells.connection_kb * (1 + 0.35 * evening) * knobs["volume_x"] * drift
    # A mean of n sessions with coefficient of variation 3 (published mixtures: 4.1, Zanella et al., IMC 2023; a
    # connection is a part of a session), as a log-normal of mean 1; 2.5 sessions count per attempt.
    variance = np.log1p(9 / np.maximum(2.5 * attempts, 0.5))
    sessions = np.exp(np.sqrt(variance) * draws.normal("volume") - 0.5 * variance)
    present = np.clip(knobs["connected_x"], 0, 1.5) * np.clip(knobs["availability_x"], 0, 1)  # who is not, asks nothing
    return Demand(
        usual=usual,
        attempts=attempts,
        flows=attempts * cells.flows_per_access * knobs["volume_x"] ** 0.2,
        offered_kb=attempts * connection_kb * sessions * knobs["flows_x"] * present,
        evening=evening,
        night=night,
    )


def profile(block: Block) -> Column:
    """The cell's place in the week, busy hour = 1: its type's pattern, mixed with everyone's, steeper or flatter."""
    cells, network = block.cells, block.network
    position = (block.minute + MONDAY + cells.shift_minutes) % WEEK_MINUTES
    own, mixed = network.week[cells.type, position], network.mixed_week[position]
    mixture = (1 - cells.profile_mixture) * own + cells.profile_mixture * mixed
    return BACKGROUND + (1 - BACKGROUND) * mixture**cells.profile_exponent


def _fluctuation(noise: Noise) -> Column:
    """ln of λ over its usual value: scales from 4 min to a day, which together look like 1/f noise (Hurst ≈ 0.9)."""
    log = 0.09 * noise.slow("load day", 1440)
    log += 0.05 * noise.slow("load region day", 1440, "region") + 0.06 * noise.slow("load region hour", 60, "region")
    log += 0.08 * noise.slow("load site", 240, "site")
    log += 0.13 * noise.slow("load 5 h", 300) + 0.12 * noise.slow("load hour", 60)
    log += 0.11 * noise.slow("load 15 min", 15) + 0.10 * noise.slow("load 4 min", 4)
    rows, strength = noise.happening("burst", "cell", 45, 0.05, (3, 15))
    log[rows] += 0.25 + 0.9 * strength**2
    return log
