"""Traffic demand: access attempts per minute and offered downlink volume, from the weekly profile and noise."""

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
"""Load that is always present, as a share of the busy hour: meters, cameras, updates."""


@dataclass(frozen=True)
class Block:
    """Rows (cell, minute) simulated together: their static cell columns, knobs, draws and noise. # [n] each"""

    network: Network
    cells: Cells
    minute: NDArray[np.int64]
    hour: Column
    """Time of day in hours, 0…24."""
    knobs: Knobs
    draws: HashedDraws
    noise: Noise

    @property
    def operator(self) -> Operator:
        return self.network.operator


@dataclass(frozen=True)
class Demand:
    """Traffic demand of n rows. # [n] each"""

    usual_attempts: Column
    """Access attempts per minute expected at this time of the week, without knobs and noise."""
    attempts: Column
    """λ: access attempts per minute."""
    expected_flows: Column
    """Expected IP flows per minute: the more flows, the smaller the variance of a mean over users."""
    offered_kb: Column
    """Downlink volume that the users request in this minute, in kB."""
    evening_weight: Column
    """Weight of the evening, 0…1, highest at 21 h."""
    night_weight: Column
    """Weight of the night, 0…1, highest at 3 h."""


def draw_demand(block: Block) -> Demand:
    """Return λ and the offered volume of each row.

    λ is the weekly profile times log-normal noise of many time scales. The volume is a sum of heavy-tailed sessions.
    """
    cells, knobs, draws, noise = block.cells, block.knobs, block.draws, block.noise
    usual_attempts = cells.busy_attempts * weekly_profile(block)
    attempts = usual_attempts * np.exp(_fluctuation(noise) - 0.03) * knobs["demand_x"] + 0.02
    evening_weight = np.exp(-0.5 * ((block.hour - 21) / 2.5) ** 2)
    night_weight = np.exp(-0.5 * (((block.hour + 12) % 24 - 15) / 2) ** 2)
    volume_drift = np.exp(0.16 * noise.fluctuation("volume 90 min", 90) + 0.10 * noise.fluctuation("volume 12 min", 12))
    connection_kb = cells.connection_kb * (1 + 0.35 * evening_weight) * knobs["volume_x"] * volume_drift
    # A mean of n sessions with coefficient of variation 3 (published mixtures: 4.1, Zanella et al., IMC 2023; a
    # connection is a part of a session), as a log-normal of mean 1; 2.5 sessions count per attempt.
    log_variance = np.log1p(9 / np.maximum(2.5 * attempts, 0.5))
    session_factor = np.exp(np.sqrt(log_variance) * draws.normal("volume") - 0.5 * log_variance)
    # Users without a connection request nothing.
    present_share = np.clip(knobs["connected_x"], 0, 1.5) * np.clip(knobs["availability_x"], 0, 1)
    return Demand(
        usual_attempts=usual_attempts,
        attempts=attempts,
        expected_flows=attempts * cells.flows_per_access * knobs["volume_x"] ** 0.2,
        offered_kb=attempts * connection_kb * session_factor * knobs["flows_x"] * present_share,
        evening_weight=evening_weight,
        night_weight=night_weight,
    )


def weekly_profile(block: Block) -> Column:
    """Return the usual load at this time of the week, busy hour = 1.

    It is the pattern of the cell's type, mixed with the average pattern and raised to the cell's exponent. # [n] -> [n]
    """
    cells, network = block.cells, block.network
    week_minute = (block.minute + MONDAY + cells.shift_minutes) % WEEK_MINUTES
    type_load, mixed_load = network.week[cells.type, week_minute], network.mixed_week[week_minute]
    load = (1 - cells.profile_mixture) * type_load + cells.profile_mixture * mixed_load
    return BACKGROUND + (1 - BACKGROUND) * load**cells.profile_exponent


def _fluctuation(noise: Noise) -> Column:
    """Return ln of λ over its usual value: noise of 4 min to a day, in sum like 1/f noise (Hurst ≈ 0.9)."""
    log_ratio = 0.09 * noise.fluctuation("load day", 1440)
    region_day = noise.fluctuation("load region day", 1440, "region")
    log_ratio += 0.05 * region_day + 0.06 * noise.fluctuation("load region hour", 60, "region")
    log_ratio += 0.08 * noise.fluctuation("load site", 240, "site")
    log_ratio += 0.13 * noise.fluctuation("load 5 h", 300) + 0.12 * noise.fluctuation("load hour", 60)
    log_ratio += 0.11 * noise.fluctuation("load 15 min", 15) + 0.10 * noise.fluctuation("load 4 min", 4)
    rows, strength = noise.affected_rows("burst", "cell", 45, 0.05, (3, 15))
    log_ratio[rows] += 0.25 + 0.9 * strength**2
    return log_ratio
