"""Link quality: CQI reports of the terminals, the MCS, and transport blocks with their HARQ errors."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit as sigmoid
from scipy.special import ndtr

from trainer.simulator.chain.demand import Block, Demand
from trainer.simulator.chain.radio import Radio
from trainer.simulator.chain.uplink import Uplink
from trainer.simulator.chain.users import Users
from trainer.simulator.randomness import Column

REPORTS_PER_USER = 22
"""CQI reports per connected user and minute: periodic reporting, most of the time in DRX."""


@dataclass(frozen=True)
class Quality:
    """Link quality of n rows; counters per minute. # [n] each"""

    initial_bler: Column
    """Block error rate of first transmissions in the downlink."""
    residual_loss_p: Column
    """Share of packets that the radio loses after all retransmissions."""
    cqi_reports: Column
    cqi_lo_cnt: Column
    cqi_mid_cnt: Column
    cqi_hi_cnt: Column
    cqi_mean: Column
    mcs_mean_dl: Column
    tb_init_dl: Column
    tb_init_err_dl: Column
    tb_resid_err_dl: Column
    tb_init_ul: Column
    tb_init_err_ul: Column
    tb_resid_err_ul: Column


def simulate_link_quality(
    block: Block, *, demand: Demand, radio: Radio, uplink: Uplink, users: Users, overload: Column
) -> Quality:
    """Return CQI from SINR, MCS from CQI, and transport block errors around the outer loop's target of 8.5 %.

    `overload` is the baseband's share of late processing, 0…1; it adds residual loss.
    """
    cells, draws = block.cells, block.draws
    cqi_centre = np.clip(0.5 * radio.sinr_db + 3.9, 0.5, 14.8)
    cqi_spread = 2.1 + 0.10 * cells.cqi_spread + 0.15 * np.maximum(0, block.knobs["dl_interference_db"])
    reports = draws.poisson(
        "cqi reports", (REPORTS_PER_USER * users.rrc_conn_mean + 0.4 * demand.attempts) * radio.uptime
    )
    low_share, high_share = ndtr((5.5 - cqi_centre) / cqi_spread), ndtr((cqi_centre - 9.5) / cqi_spread)
    low_reports = draws.binomial("low cqi", reports, low_share)
    high_reports = draws.binomial("high cqi", reports - low_reports, high_share / np.maximum(1 - low_share, 1e-3))
    mean_cqi = np.clip(cqi_centre + cqi_spread / np.sqrt(1 + reports / 20) * draws.normal("cqi"), 0, 15)

    initial_bler = 0.085 + 0.009 * draws.normal("block errors") + 0.05 * np.maximum(0, 6 - radio.sinr_db) / 6
    initial_bler = initial_bler + 0.01 * np.abs(radio.sinr_shift_db)
    residual_loss_p = 1.5e-5 + 3e-3 * sigmoid((1 - radio.sinr_db) / 1.8) + 4e-4 * overload
    # LTE subframes, or NR slots at 30 kHz that carry downlink.
    slots_per_minute = (1000 + 480 * cells.tdd) * 60
    dl_rate = 0.6 * slots_per_minute * radio.carried_share * (1 + 0.25 * np.log1p(users.active_ue_dl_mean))
    dl_blocks = draws.poisson("blocks dl", dl_rate + 8 * demand.attempts * radio.uptime)
    dl_failed = draws.binomial("block errors dl", dl_blocks, np.maximum(initial_bler, 0.01), at_most=0.6)

    ul_rate = 0.5 * slots_per_minute * uplink.carried_share * (1 + 0.2 * np.log1p(users.active_ue_ul_mean))
    ul_blocks = draws.poisson("blocks ul", ul_rate + 10 * demand.attempts * radio.uptime)
    ul_bler = 0.09 + 0.008 * draws.normal("block errors ul") + 0.28 * sigmoid((2.5 - uplink.sinr_db) / 2)
    ul_failed = draws.binomial("failed blocks ul", ul_blocks, np.maximum(ul_bler, 0.01), at_most=0.7)
    ul_residual_p = 3e-4 + 0.02 * sigmoid((0.5 - uplink.sinr_db) / 1.8)
    return Quality(
        initial_bler=initial_bler,
        residual_loss_p=residual_loss_p,
        cqi_reports=reports,
        cqi_lo_cnt=low_reports,
        cqi_mid_cnt=reports - low_reports - high_reports,
        cqi_hi_cnt=high_reports,
        cqi_mean=mean_cqi,
        mcs_mean_dl=np.clip(1.75 * mean_cqi - 0.6 + 0.35 * draws.normal("mcs"), 0, 27),
        tb_init_dl=dl_blocks,
        tb_init_err_dl=dl_failed,
        tb_resid_err_dl=np.minimum(
            draws.binomial("residual errors dl", dl_blocks, 2e-4 + 4 * residual_loss_p, 0.2), dl_failed
        ),
        tb_init_ul=ul_blocks,
        tb_init_err_ul=ul_failed,
        tb_resid_err_ul=np.minimum(draws.binomial("residual errors ul", ul_blocks, ul_residual_p, 0.3), ul_failed),
    )
