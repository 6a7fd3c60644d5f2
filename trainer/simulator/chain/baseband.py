"""The cabinet: processor load, power, heat, clock."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit as sigmoid

from trainer.simulator.chain.demand import Block, Demand
from trainer.simulator.chain.radio import Radio, busy
from trainer.simulator.randomness import Column


@dataclass(frozen=True)
class Baseband:
    overload: Column
    """0…1: how much of the work is late, from about 90 % processor load on."""
    cpu_load_pct: Column
    power_w: Column
    temp_c: Column
    sync_offset_ns: Column


def work(block: Block, demand: Demand, radio: Radio) -> Baseband:
    """Load from data and signalling, power from load, heat from both and from the weather."""
    cells, knobs, draws, noise = block.cells, block.knobs, block.draws, block.noise
    everyone = demand.attempts * (1 + knobs["signalling"])
    cpu = cells.cpu_idle_pct + 34 * radio.load + 9 * busy(everyone, 60)
    cpu = cpu + 12 * busy(knobs["signalling"] * demand.attempts, 120) + knobs["cpu_points"]
    cpu = np.clip(cpu + 1.6 * draws.normal("cpu") + 1.5 * noise.slow("cpu", 90), 2, 100)
    watt = (cells.idle_watt + cells.load_watt * radio.load) * cells.power_x * knobs["power_x"]
    day = 3 * np.sin((block.hour - 9) * np.float32(2 * np.pi / 24))  # warmest at 15 h
    heat = cells.temperature_c + day + 5 * radio.load + 1.5 * noise.slow("weather", 1440, "region")
    return Baseband(
        overload=sigmoid((cpu - 93) / 2.5),
        cpu_load_pct=cpu,
        # Without a carrier on air the rectifiers and the baseband still draw about 35 %.
        power_w=watt * (0.35 + 0.65 * radio.on) + 2 * draws.normal("power"),
        temp_c=heat + knobs["temperature_c"] + 0.2 * draws.normal("temperature"),
        sync_offset_ns=np.abs(cells.clock_ns * draws.normal("clock") + knobs["clock_ns"]),
    )
