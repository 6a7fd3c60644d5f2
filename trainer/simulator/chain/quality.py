"""Link quality: what the terminals report of the channel, the coding chosen, and the transport blocks that fail."""

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
"""CQI reports a connected user sends in a minute: periodic reporting, most of the time in DRX."""


@dataclass(frozen=True)
class Quality:
    block_errors: Column
    """Initial BLER of the downlink."""
    residual_loss: Column
    """Packets that radio loses for good."""
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


def report(block: Block, demand: Demand, radio: Radio, uplink: Uplink, users: Users, overload: Column) -> Quality:
    """CQI from SINR, MCS from CQI, block errors from how badly the outer loop's 8.5 % target fits."""
    cells, draws = block.cells, block.draws
    middle = np.clip(0.5 * radio.sinr_db + 3.9, 0.5, 14.8)
    spread = 2.1 + 0.10 * cells.cqi_spread + 0.15 * np.maximum(0, block.knobs["dl_interference_db"])
    reports = draws.poisson("cqi reports", (REPORTS_PER_USER * users.rrc_conn_mean + 0.4 * demand.attempts) * radio.up)
    low_share, high_share = ndtr((5.5 - middle) / spread), ndtr((middle - 9.5) / spread)
    low = draws.binomial("low cqi", reports, low_share)
    high = draws.binomial("high cqi", reports - low, high_share / np.maximum(1 - low_share, 1e-3))
    cqi = np.clip(middle + spread / np.sqrt(1 + reports / 20) * draws.normal("cqi"), 0, 15)

    errors = 0.085 + 0.009 * draws.normal("block errors") + 0.05 * np.maximum(0, 6 - radio.sinr_db) / 6
    errors = errors + 0.01 * np.abs(radio.sinr_shift_db)
    residual = 1.5e-5 + 3e-3 * sigmoid((1 - radio.sinr_db) / 1.8) + 4e-4 * overload
    slots = (1000 + 480 * cells.tdd) * 60  # per minute: LTE subframes, or NR slots at 30 kHz that carry downlink
    dl_rate = 0.6 * slots * radio.carried * (1 + 0.25 * np.log1p(users.active_ue_dl_mean))
    blocks = draws.poisson("blocks dl", dl_rate + 8 * demand.attempts * radio.up)
    failed = draws.binomial("block errors dl", blocks, np.maximum(errors, 0.01), at_most=0.6)

    ul_rate = 0.5 * slots * uplink.carried * (1 + 0.2 * np.log1p(users.active_ue_ul_mean))
    ul_blocks = draws.poisson("blocks ul", ul_rate + 10 * demand.attempts * radio.up)
    ul_errors = 0.09 + 0.008 * draws.normal("block errors ul") + 0.28 * sigmoid((2.5 - uplink.sinr_db) / 2)
    ul_failed = draws.binomial("failed blocks ul", ul_blocks, np.maximum(ul_errors, 0.01), at_most=0.7)
    ul_residual = 3e-4 + 0.02 * sigmoid((0.5 - uplink.sinr_db) / 1.8)
    return Quality(
        block_errors=errors,
        residual_loss=residual,
        cqi_reports=reports,
        cqi_lo_cnt=low,
        cqi_mid_cnt=reports - low - high,
        cqi_hi_cnt=high,
        cqi_mean=cqi,
        mcs_mean_dl=np.clip(1.75 * cqi - 0.6 + 0.35 * draws.normal("mcs"), 0, 27),
        tb_init_dl=blocks,
        tb_init_err_dl=failed,
        tb_resid_err_dl=np.minimum(draws.binomial("residual errors dl", blocks, 2e-4 + 4 * residual, 0.2), failed),
        tb_init_ul=ul_blocks,
        tb_init_err_ul=ul_failed,
        tb_resid_err_ul=np.minimum(draws.binomial("residual errors ul", ul_blocks, ul_residual, 0.3), ul_failed),
    )
