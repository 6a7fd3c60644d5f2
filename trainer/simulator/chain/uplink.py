"""Uplink: noise at the antenna, gain of the two receive branches, SINR, PRB utilisation and power headroom."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit as sigmoid

from trainer.simulator.chain.demand import Block, Demand
from trainer.simulator.chain.radio import Radio, busy_share, from_db, saturate, to_db
from trainer.simulator.randomness import Column

SIGNAL_DBM = -101.5
"""Received user signal per PRB of a full uplink: the target of power control."""


@dataclass(frozen=True)
class Uplink:
    """Uplink of n rows. # [n] each"""

    noise_rise_db: Column
    """Noise and interference over the cell's own thermal level."""
    sinr_db: Column
    bits_per_hz: Column
    carried_share: Column
    """Share of the carrier in use for user data, 0…1."""
    served_kb: Column
    load: Column
    """PRB utilisation, overhead included, 0…1."""
    prb_util_ul_pct: Column
    ul_ni_dbm: Column
    ul_ni_max_dbm: Column
    rssi_br0_dbm: Column
    rssi_br1_dbm: Column
    ul_sinr_db: Column
    mcs_mean_ul: Column
    phr_neg_pct: Column


def simulate_uplink(block: Block, demand: Demand, radio: Radio, connected_users: Column) -> Uplink:
    """Return the uplink: noise, branch gains, SINR in dB, spectral efficiency, PRB utilisation, antenna measurements.

    Noise is in dBm per PRB, RSSI in dBm per branch.
    """
    cells, knobs, draws, noise = block.cells, block.knobs, block.draws, block.noise
    noise_rise = 0.6 * noise.fluctuation("ul noise 2 h", 120) + 0.45 * noise.fluctuation("ul noise 6 min", 6)
    noise_rise = noise_rise + 0.25 * draws.normal("ul noise") + knobs["ul_noise_db"]
    weaker_db = np.minimum(np.minimum(knobs["branch0_db"], knobs["branch1_db"]), 0)
    branch_loss = 3 * (1 - from_db(weaker_db))  # losing one of two branches costs up to 3 dB
    power_limit_db = 0.1 * np.maximum(0, -105 - radio.rsrp_mean_dbm)
    sinr = 13.5 + 0.35 * (cells.sinr_db - 12.5) + 0.25 * radio.sinr_shift_db + 0.32 * radio.location_db
    sinr = sinr - 0.75 * noise_rise - branch_loss - 0.45 * knobs["path_loss_db"] - power_limit_db

    efficiency = np.clip(0.6 * np.log2(1 + from_db(sinr)), 0.15, 4.5)  # bit/s/Hz, single layer, at most 64-QAM
    capacity = radio.prbs * cells.prb_khz * cells.ul_share * efficiency * (60 / 8) * 0.8 * radio.uptime + 1e-6
    uplink_factor = np.exp(0.15 * noise.fluctuation("uplink ratio", 45) + 0.08 * draws.normal("uplink ratio"))
    carried_share = saturate(radio.served_kb * cells.uplink_ratio * knobs["uplink_x"] * uplink_factor / capacity, 6)
    signalling = knobs["signalling"] * demand.attempts / (demand.attempts + 40)
    load = (
        np.clip(0.9 * carried_share + 0.05 + 0.03 * busy_share(demand.attempts, 60) + 0.02 * signalling, 0, 1)
        * radio.on_air
    )

    noise_dbm = cells.ul_noise_dbm + noise_rise + 2.2 * load + 0.25 * draws.normal("ul noise report")  # dBm per PRB
    received_mw = from_db(noise_dbm) + load * np.float32(10 ** (SIGNAL_DBM / 10))
    rssi = to_db(received_mw) + 0.55 * to_db(cells.prbs)  # not all PRBs of the carrier are received at once
    network_rise = cells.ul_noise_dbm + noise_rise - block.operator.ul_noise_dbm
    no_headroom_pct = 100 * sigmoid((-112 - radio.rsrp_mean_dbm + 0.7 * network_rise + 0.5 * branch_loss) / 4.5)
    sample = 0.2 / np.sqrt(1 + connected_users / 4) * draws.normal("headroom")
    return Uplink(
        noise_rise_db=noise_rise,
        sinr_db=sinr,
        bits_per_hz=efficiency,
        carried_share=carried_share,
        served_kb=carried_share * capacity,
        load=load,
        prb_util_ul_pct=100 * load,
        ul_ni_dbm=noise_dbm,
        ul_ni_max_dbm=noise_dbm + 2.5 + knobs["ul_noise_peak_db"] + 0.8 * np.abs(draws.normal("ul noise peak")),
        rssi_br0_dbm=rssi + 0.5 * cells.branch_imbalance_db + knobs["branch0_db"] + 0.2 * draws.normal("branch 0"),
        rssi_br1_dbm=rssi - 0.5 * cells.branch_imbalance_db + knobs["branch1_db"] + 0.2 * draws.normal("branch 1"),
        ul_sinr_db=sinr + 0.25 * draws.normal("ul sinr report"),
        mcs_mean_ul=np.clip(1.15 * sinr + 3 + 0.4 * draws.normal("ul mcs"), 0, 27),
        phr_neg_pct=np.clip(no_headroom_pct * np.exp(sample), 0, 100),
    )
