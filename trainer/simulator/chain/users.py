"""The users in the cell: connected, inactive, active."""

from dataclasses import dataclass

import numpy as np

from trainer.simulator.chain.demand import Block, Demand
from trainer.simulator.chain.radio import Radio
from trainer.simulator.chain.uplink import Uplink
from trainer.simulator.randomness import Column


@dataclass(frozen=True)
class Users:
    avail_s: Column
    rrc_conn_mean: Column
    rrc_conn_max: Column
    rrc_inactive_mean: Column
    active_ue_dl_mean: Column
    active_ue_ul_mean: Column
    sched_ue_tti_dl: Column


def connect(block: Block, demand: Demand, radio: Radio) -> Column:
    """Mean connected users: arrivals times holding time (Little's law); a signalling-only access holds 6 s."""
    knobs = block.knobs
    holding = demand.attempts * block.cells.hold_seconds / 60 * knobs["connected_x"]
    holding = holding * np.exp(0.04 * block.draws.normal("connected")) * (0.35 + 0.65 * radio.up)
    return (holding + knobs["signalling"] * demand.attempts * (6 / 60)) * radio.on


def count_users(block: Block, radio: Radio, uplink: Uplink, connected: Column) -> Users:
    """Active users: those with data waiting, more of them the fuller the cell (processor sharing)."""
    draws = block.draws
    dl = 0.075 * connected / np.maximum(1 - radio.load, 0.04) * np.exp(0.08 * draws.normal("active dl"))
    ul = 0.05 * connected / np.maximum(1 - uplink.load, 0.05) * np.exp(0.08 * draws.normal("active ul"))
    active_dl, active_ul = np.minimum(dl, 0.85 * connected), np.minimum(ul, 0.85 * connected)
    swing = (1 + 0.7 * np.abs(draws.normal("connected peak"))) * np.sqrt(connected + 0.3)
    lost_second = (draws.uniform("lost second") < 0.004) & (radio.up > 0)  # the counter's own jitter
    nr_only = block.cells.nr  # LTE has no RRC_INACTIVE
    return Users(
        avail_s=np.round(60 * radio.up) - lost_second,
        rrc_conn_mean=connected,
        rrc_conn_max=np.ceil(connected + swing) * radio.on,
        rrc_inactive_mean=1.4 * connected * nr_only * np.exp(0.05 * draws.normal("inactive")),
        active_ue_dl_mean=active_dl,
        active_ue_ul_mean=active_ul,
        sched_ue_tti_dl=1 + 1.8 * (1 - np.exp(-active_dl / 6)) + 0.05 * draws.normal("scheduled"),
    )
