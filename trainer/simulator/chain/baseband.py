"""Baseband unit and cabinet: processor load, power, temperature and clock offset from traffic and signalling."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit as sigmoid

from trainer.simulator.chain.demand import Block, Demand
from trainer.simulator.chain.radio import Radio, busy_share
from trainer.simulator.randomness import Column


@dataclass(frozen=True)
class Baseband:
    """Baseband unit and cabinet of n rows; percent, watt, °C and nanoseconds. # [n] each"""

    overload: Column
    """Share of the processing that is late, 0…1; it rises from about 90 % processor load on."""
    cpu_load_pct: Column
    power_w: Column
    temp_c: Column
    sync_offset_ns: Column


def simulate_baseband(block: Block, demand: Demand, radio: Radio) -> Baseband:
    """Return the processor load from data and signalling, power from load, temperature from load and weather.

    Load is in percent of the processor, power in watt, temperature in °C, clock offset in nanoseconds.
    """
    cells, knobs, draws, noise = block.cells, block.knobs, block.draws, block.noise
    all_attempts = demand.attempts * (1 + knobs["signalling"])
    cpu = cells.cpu_idle_pct + 34 * radio.load + 9 * busy_share(all_attempts, 60)
    cpu = cpu + 12 * busy_share(knobs["signalling"] * demand.attempts, 120) + knobs["cpu_points"]
    cpu = np.clip(cpu + 1.6 * draws.normal("cpu") + 1.5 * noise.fluctuation("cpu", 90), 2, 100)
    transmitter_w = (cells.idle_watt + cells.load_watt * radio.load) * cells.power_x * knobs["power_x"]
    daily_swing = 3 * np.sin((block.hour - 9) * np.float32(2 * np.pi / 24))  # warmest at 15 h
    cabinet_c = cells.temperature_c + daily_swing + 5 * radio.load + 1.5 * noise.fluctuation("weather", 1440, "region")
    return Baseband(
        overload=sigmoid((cpu - 93) / 2.5),
        cpu_load_pct=cpu,
        # Without a carrier on air the rectifiers and the baseband still draw about 35 % of the power.
        power_w=transmitter_w * (0.35 + 0.65 * radio.on_air) + 2 * draws.normal("power"),
        temp_c=cabinet_c + knobs["temperature_c"] + 0.2 * draws.normal("temperature"),
        sync_offset_ns=np.abs(cells.clock_ns * draws.normal("clock") + knobs["clock_ns"]),
    )
