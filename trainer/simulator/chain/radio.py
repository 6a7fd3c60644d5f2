"""Downlink: SINR and RSRP at the users, capacity of carrier and backhaul, PRB utilisation and transmit power."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit as sigmoid

from trainer.simulator.chain.demand import Block, Demand
from trainer.simulator.randomness import Column

LOG_10 = np.float32(np.log(10) / 10)


def from_db(decibel: Column) -> Column:
    """Return the power ratio of a level in dB. # [n] -> [n]"""
    return np.exp(decibel * LOG_10)


def to_db(ratio: Column) -> Column:
    """Return the level in dB of a power ratio above 0. # [n] -> [n]"""
    return np.log(ratio) / LOG_10


def saturate(load: Column, sharpness: int) -> Column:
    """Return the carried part of an offered load (capacity = 1): all of a small load, 1 of a large one.

    The larger the sharpness, the closer to capacity the curve bends. # [n] -> [n]
    """
    bounded_load = np.minimum(load, np.float32(50))
    return bounded_load / (1 + bounded_load**sharpness) ** np.float32(1 / sharpness)


@dataclass(frozen=True)
class Radio:
    """Downlink of n rows. # [n] each"""

    uptime: Column
    """Share of the minute in service, 0…1."""
    on_air: Column
    """1 where the cell is in service for any part of the minute, else 0."""
    location_db: Column
    """Effect of the connected users' location in dB, common to all radio measurements of the minute."""
    sinr_shift_db: Column
    sinr_db: Column
    rsrp_mean_dbm: Column
    sinr_mean_db: Column
    edge_share: Column
    """Share of the users at the cell edge, 0…1."""
    layers: Column
    """Mean number of spatial layers, 1 or more."""
    rank_mean_dl: Column
    prbs: Column
    prb_avail_dl: Column
    bits_per_hz: Column
    """Spectral efficiency of all layers, in bit/s/Hz."""
    capacity_kb: Column
    """Volume that the carrier can carry in this minute."""
    backhaul_kb: Column
    """Volume that the backhaul can carry in this minute."""
    backhaul_use: Column
    """Offered volume over backhaul capacity, at most 3."""
    offered_load: Column
    """Volume that the backhaul lets pass over the carrier's capacity; above 1 the cell is full."""
    carried_share: Column
    """Share of the carrier in use for user data, 0…1."""
    served_kb: Column
    """Downlink volume delivered in this minute."""
    load: Column
    """PRB utilisation, overhead included, 0…1."""
    prb_util_dl_pct: Column
    prb_util_dl_peak_pct: Column
    tx_power_dbm: Column


def busy_share(attempts: Column, scale: float) -> Column:
    """Return the share of a fixed resource that λ attempts per minute keep busy, 0…1. # [n] -> [n]"""
    return 1 - np.exp(-attempts / scale)


def simulate_downlink(block: Block, demand: Demand) -> Radio:
    """Return the downlink of each row.

    The order is: location of the users, SINR in dB, layers and spectral efficiency, capacity in kB per minute, then the
    volume that backhaul and carrier let pass.
    """
    cells, knobs, draws, noise = block.cells, block.knobs, block.draws, block.noise
    uptime = np.where(knobs["availability_x"] < 0.05, 0, np.minimum(knobs["availability_x"], 1)).astype(np.float32)
    on_air = (uptime > 0).astype(np.float32)

    # Few users are a small sample of the cell's area: the fewer, the more all radio measurements move together.
    users = demand.attempts * cells.hold_seconds / 60 * np.clip(knobs["connected_x"], 0.02, 1.5) + 0.3
    sample = 0.8 * noise.fluctuation("location 3 min", 3) + 0.6 * noise.fluctuation("location 14 min", 14)
    location = sample * 6.2 / np.sqrt(users + 0.8) + knobs["location_db"]  # dB
    propagation = noise.fluctuation("propagation 400 min", 400)
    sinr_shift = (
        0.7 * propagation
        + 0.5 * noise.fluctuation("sinr hour", 60)
        + 0.35 * noise.fluctuation("sinr 8 min", 8)
        + 0.5 * location
    )

    gain_db = knobs["tx_power_db"] - knobs["path_loss_db"]
    neighbour_load = demand.usual_attempts / (demand.usual_attempts + 45)
    interference = 2.2 * neighbour_load * (0.6 + 0.4 * knobs["demand_x"] ** 0.3) + knobs["dl_interference_db"]
    # Half the users are limited by interference, not by noise.
    sinr = cells.sinr_db + sinr_shift - interference + 0.55 * gain_db
    rsrp = cells.rsrp_dbm + 0.5 * propagation + 0.9 * location + gain_db + 0.35 * draws.normal("rsrp")

    scattering = 1.2 * noise.fluctuation("rank", 20)
    layers = 1 + (cells.max_layers - 1) * sigmoid((sinr - 11 + scattering) / 5) * knobs["rank_x"]
    efficiency = np.minimum(0.72 * np.log2(1 + from_db(sinr)), 6.8)  # bit/s/Hz: Shannon less 28 %, at most 256-QAM
    efficiency = efficiency * (1 + 0.62 * (layers - 1))  # a further layer is worth 62 % of the first
    prbs = np.maximum(np.round(cells.prbs * knobs["prb_x"] * (1 - 0.018 * np.abs(noise.fluctuation("prbs", 30)))), 0)
    full_kb = prbs * cells.prb_khz * cells.dl_share * efficiency * (60 / 8)
    capacity = 0.75 * full_kb * uptime + 1e-6  # a quarter goes to control and reference signals

    usual_kbps = demand.usual_attempts * cells.connection_kb * (8 / 60)
    backhaul = np.minimum(cells.backhaul_kbps, knobs["backhaul_headroom_x"] * usual_kbps) * (60 / 8)
    backhaul_use = demand.offered_kb / backhaul
    offered_load = np.minimum(backhaul * saturate(backhaul_use, 5) / capacity, np.float32(50))
    carried_share = saturate(offered_load, 6) * on_air
    signalling = knobs["signalling"] * demand.attempts / (demand.attempts + 40)
    overhead = 0.035 + 0.02 * busy_share(demand.attempts, 60) + 0.010 * signalling
    load = np.clip(0.93 * carried_share + overhead, 0, 1) * on_air

    peak_points = (18 + 22 * np.sqrt(load)) * np.abs(0.5 + 0.35 * draws.normal("prb peak"))
    output_dbm = cells.max_power_dbm - 9 + 8.5 * np.sqrt(load) * np.sqrt(np.minimum(knobs["prb_x"], 1))
    return Radio(
        uptime=uptime,
        on_air=on_air,
        location_db=location,
        sinr_shift_db=sinr_shift,
        sinr_db=sinr,
        rsrp_mean_dbm=rsrp,
        sinr_mean_db=sinr + 0.25 * draws.normal("sinr report"),
        edge_share=sigmoid((-108 - rsrp) / 3.5),
        layers=layers,
        rank_mean_dl=layers + 0.03 * draws.normal("rank report"),
        prbs=prbs,
        prb_avail_dl=prbs * on_air,
        bits_per_hz=efficiency,
        capacity_kb=capacity,
        backhaul_kb=backhaul,
        backhaul_use=np.minimum(backhaul_use, 3),
        offered_load=offered_load,
        carried_share=carried_share,
        served_kb=carried_share * capacity,
        load=load,
        prb_util_dl_pct=100 * load,
        prb_util_dl_peak_pct=np.minimum(100 * load + peak_points, 100) * on_air,
        tx_power_dbm=output_dbm + knobs["tx_meter_db"] + 0.15 * draws.normal("tx power"),
    )
