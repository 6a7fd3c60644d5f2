"""Users of the cell: RRC-connected, RRC-inactive, and active in downlink and uplink."""

from dataclasses import dataclass

import numpy as np

from trainer.simulator.chain.demand import Block, Demand
from trainer.simulator.chain.radio import Radio
from trainer.simulator.chain.uplink import Uplink
from trainer.simulator.randomness import Column


@dataclass(frozen=True)
class Users:
    """Users of n rows, means over the minute unless named max. # [n] each"""

    avail_s: Column
    rrc_conn_mean: Column
    rrc_conn_max: Column
    rrc_inactive_mean: Column
    active_ue_dl_mean: Column
    active_ue_ul_mean: Column
    sched_ue_tti_dl: Column


def count_connected(block: Block, demand: Demand, radio: Radio) -> Column:
    """Return the mean number of connected users: arrivals times holding time (Little's law).

    A signalling-only access holds its connection for 6 s. # [n]
    """
    knobs = block.knobs
    connected_users = demand.attempts * block.cells.hold_seconds / 60 * knobs["connected_x"]
    connected_users = connected_users * np.exp(0.04 * block.draws.normal("connected")) * (0.35 + 0.65 * radio.uptime)
    return (connected_users + knobs["signalling"] * demand.attempts * (6 / 60)) * radio.on_air


def count_users(block: Block, radio: Radio, uplink: Uplink, connected_users: Column) -> Users:
    """Return user counts; active users have data waiting and grow with the load (processor sharing)."""
    draws = block.draws
    dl_users = 0.075 * connected_users / np.maximum(1 - radio.load, 0.04) * np.exp(0.08 * draws.normal("active dl"))
    ul_users = 0.05 * connected_users / np.maximum(1 - uplink.load, 0.05) * np.exp(0.08 * draws.normal("active ul"))
    active_dl, active_ul = np.minimum(dl_users, 0.85 * connected_users), np.minimum(ul_users, 0.85 * connected_users)
    peak_excess = (1 + 0.7 * np.abs(draws.normal("connected peak"))) * np.sqrt(connected_users + 0.3)
    lost_second = (draws.uniform("lost second") < 0.004) & (radio.uptime > 0)  # the counter's own jitter
    is_nr = block.cells.nr  # LTE has no RRC_INACTIVE
    return Users(
        avail_s=np.round(60 * radio.uptime) - lost_second,
        rrc_conn_mean=connected_users,
        rrc_conn_max=np.ceil(connected_users + peak_excess) * radio.on_air,
        rrc_inactive_mean=1.4 * connected_users * is_nr * np.exp(0.05 * draws.normal("inactive")),
        active_ue_dl_mean=active_dl,
        active_ue_ul_mean=active_ul,
        sched_ue_tti_dl=1 + 1.8 * (1 - np.exp(-active_dl / 6)) + 0.05 * draws.normal("scheduled"),
    )
