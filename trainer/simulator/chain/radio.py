"""The downlink: what the users receive, what the carrier could carry, and what it carries in the end."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit as sigmoid

from trainer.simulator.chain.demand import Block, Demand
from trainer.simulator.randomness import Column

LOG_10 = np.float32(np.log(10) / 10)


def from_db(decibel: Column) -> Column:
    return np.exp(decibel * LOG_10)


def to_db(ratio: Column) -> Column:
    return np.log(ratio) / LOG_10


def saturate(load: Column, sharpness: int) -> Column:
    """What of a load (capacity = 1) gets through: all of it when small, 1 when large. Sharper = later bend."""
    bounded = np.minimum(load, np.float32(50))
    return bounded / (1 + bounded**sharpness) ** np.float32(1 / sharpness)


@dataclass(frozen=True)
class Radio:
    up: Column
    """Share of the minute in service."""
    on: Column
    """1 where in service at all."""
    location_db: Column
    """Where the users connected now happen to be: common to every radio measurement of the minute."""
    sinr_shift_db: Column
    sinr_db: Column
    rsrp_mean_dbm: Column
    sinr_mean_db: Column
    edge: Column
    """Share of users at the cell's edge."""
    layers: Column
    rank_mean_dl: Column
    prbs: Column
    prb_avail_dl: Column
    bits_per_hz: Column
    capacity_kb: Column
    """Of this minute."""
    backhaul_kb: Column
    backhaul_use: Column
    """Offered volume over backhaul capacity, at most 3."""
    pressure: Column
    """What the backhaul lets through over what the carrier could carry; above 1 the cell is full."""
    carried: Column
    """The carrier's share in use for user data, 0…1."""
    served_kb: Column
    load: Column
    """PRB utilisation, overhead included, 0…1."""
    prb_util_dl_pct: Column
    prb_util_dl_peak_pct: Column
    tx_power_dbm: Column


def busy(attempts: Column, scale: float) -> Column:
    """How much of a fixed resource λ attempts per minute keep busy, 0…1."""
    return 1 - np.exp(-attempts / scale)


def transmit(block: Block, demand: Demand) -> Radio:
    """Location of the users → SINR → layers and spectral efficiency → capacity → what backhaul and carrier let pass."""
    cells, knobs, draws, noise = block.cells, block.knobs, block.draws, block.noise
    up = np.where(knobs["availability_x"] < 0.05, 0, np.minimum(knobs["availability_x"], 1)).astype(np.float32)
    on = (up > 0).astype(np.float32)

    # Few users are a small sample of the cell's area: the fewer, the more all radio measurements move together.
    users = demand.attempts * cells.hold_seconds / 60 * np.clip(knobs["connected_x"], 0.02, 1.5) + 0.3
    sample = 0.8 * noise.slow("location 3 min", 3) + 0.6 * noise.slow("location 14 min", 14)
    location = sample * 6.2 / np.sqrt(users + 0.8) + knobs["location_db"]  # dB
    weather = noise.slow("propagation 400 min", 400)
    shift = 0.7 * weather + 0.5 * noise.slow("sinr hour", 60) + 0.35 * noise.slow("sinr 8 min", 8) + 0.5 * location

    gain = knobs["tx_power_db"] - knobs["path_loss_db"]
    neighbour_load = demand.usual / (demand.usual + 45)
    interference = 2.2 * neighbour_load * (0.6 + 0.4 * knobs["demand_x"] ** 0.3) + knobs["dl_interference_db"]
    sinr = cells.sinr_db + shift - interference + 0.55 * gain  # half the users are limited by interference, not noise
    rsrp = cells.rsrp_dbm + 0.5 * weather + 0.9 * location + gain + 0.35 * draws.normal("rsrp")

    scattering = 1.2 * noise.slow("rank", 20)
    layers = 1 + (cells.max_layers - 1) * sigmoid((sinr - 11 + scattering) / 5) * knobs["rank_x"]
    efficiency = np.minimum(0.72 * np.log2(1 + from_db(sinr)), 6.8)  # bit/s/Hz: Shannon less 28 %, at most 256-QAM
    efficiency = efficiency * (1 + 0.62 * (layers - 1))  # a further layer is worth 62 % of the first
    prbs = np.maximum(np.round(cells.prbs * knobs["prb_x"] * (1 - 0.018 * np.abs(noise.slow("prbs", 30)))), 0)
    full_kb = prbs * cells.prb_khz * cells.dl_share * efficiency * (60 / 8)
    capacity = 0.75 * full_kb * up + 1e-6  # a quarter goes to control and reference signals

    usual_kbps = demand.usual * cells.connection_kb * (8 / 60)
    backhaul = np.minimum(cells.backhaul_kbps, knobs["backhaul_headroom_x"] * usual_kbps) * (60 / 8)
    use = demand.offered_kb / backhaul
    pressure = np.minimum(backhaul * saturate(use, 5) / capacity, np.float32(50))
    carried = saturate(pressure, 6) * on
    signalling = knobs["signalling"] * demand.attempts / (demand.attempts + 40)
    overhead = 0.035 + 0.02 * busy(demand.attempts, 60) + 0.010 * signalling
    load = np.clip(0.93 * carried + overhead, 0, 1) * on

    burst = (18 + 22 * np.sqrt(load)) * np.abs(0.5 + 0.35 * draws.normal("prb peak"))
    amplifier = cells.max_power_dbm - 9 + 8.5 * np.sqrt(load) * np.sqrt(np.minimum(knobs["prb_x"], 1))
    return Radio(
        up=up,
        on=on,
        location_db=location,
        sinr_shift_db=shift,
        sinr_db=sinr,
        rsrp_mean_dbm=rsrp,
        sinr_mean_db=sinr + 0.25 * draws.normal("sinr report"),
        edge=sigmoid((-108 - rsrp) / 3.5),
        layers=layers,
        rank_mean_dl=layers + 0.03 * draws.normal("rank report"),
        prbs=prbs,
        prb_avail_dl=prbs * on,
        bits_per_hz=efficiency,
        capacity_kb=capacity,
        backhaul_kb=backhaul,
        backhaul_use=np.minimum(use, 3),
        pressure=pressure,
        carried=carried,
        served_kb=carried * capacity,
        load=load,
        prb_util_dl_pct=100 * load,
        prb_util_dl_peak_pct=np.minimum(100 * load + burst, 100) * on,
        tx_power_dbm=amplifier + knobs["tx_meter_db"] + 0.15 * draws.normal("tx power"),
    )
