"""Connected-mode mobility: releases, radio link failures, and hand-overs with their failure causes."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit as sigmoid

from trainer.simulator.chain.demand import Block, Demand
from trainer.simulator.chain.radio import Radio
from trainer.simulator.chain.uplink import Uplink
from trainer.simulator.randomness import Column


@dataclass(frozen=True)
class Mobility:
    """Releases, link failures and hand-overs of n rows, in events per minute. # [n] each"""

    releases: Column
    link_failure_p: Column
    """Probability that a connection ends in a radio link failure, 0…0.9."""
    rel_abn_radio: Column
    rel_abn_ho: Column
    ho_prep_att: Column
    ho_prep_fail: Column
    ho_exec_succ: Column
    ho_exec_fail: Column
    ho_too_early: Column
    ho_too_late: Column
    ho_wrong_cell: Column
    ho_pingpong: Column
    ho_irat_att: Column


def simulate_mobility(block: Block, demand: Demand, radio: Radio, uplink: Uplink, connected_users: Column) -> Mobility:
    """Draw releases and link failures, then hand-over preparation, execution and causes (TS 28.552, 5.1.1.6).

    Failures grow with low SINR of either direction and with the share of users at the cell edge.
    """
    cells, knobs, draws, noise = block.cells, block.knobs, block.draws, block.noise
    sinr, ul_sinr = radio.sinr_db, uplink.sinr_db
    all_attempts = demand.attempts * (1 + knobs["signalling"]) * knobs["connected_x"]
    releases = draws.poisson("releases", all_attempts * radio.uptime)
    radio_factor = 1 + 2.5 * np.maximum(0, 8 - sinr) / 8 + 4 * np.maximum(0, 4 - ul_sinr) / 4
    link_failure_p = (
        cells.link_failure_p
        * radio_factor
        * knobs["link_failure_x"]
        * np.exp(0.25 * noise.fluctuation("link failure", 30))
    )
    link_failure_p = link_failure_p + 0.05 * sigmoid(-ul_sinr / 1.5) + 0.04 * sigmoid(-sinr / 1.5)
    link_failures = draws.binomial("link failures", releases, link_failure_p, at_most=0.9)

    handover_rate = demand.attempts * cells.hold_seconds / 60 * knobs["connected_x"] * cells.ho_per_user
    handover_rate = (
        handover_rate
        * knobs["mobility_x"]
        * knobs["ho_attempts_x"]
        * np.exp(0.12 * noise.fluctuation("hand-overs", 20))
    )
    preparations = draws.poisson("preparations", handover_rate * radio.uptime)
    preparation_failure_p = cells.ho_preparation_failure_p * np.exp(0.2 * noise.fluctuation("preparation failure", 40))
    preparation_failures = draws.binomial(
        "preparations refused", preparations, preparation_failure_p + knobs["ho_preparation_failure_p"], at_most=0.98
    )
    executions = preparations - preparation_failures
    execution_failure_p = cells.ho_execution_failure_p * (1 + 1.5 * np.maximum(0, 8 - sinr) / 8)
    execution_failure_p = (
        execution_failure_p
        + 0.01 * radio.edge_share
        + 0.03 * sigmoid((1 - sinr) / 1.5)
        + knobs["ho_execution_failure_p"]
    )
    execution_failures = draws.binomial("executions lost", executions, execution_failure_p, at_most=0.95)

    early_failures = draws.binomial(
        "too early", execution_failures, cells.ho_early_p + knobs["ho_early_p"], at_most=0.95
    )
    return Mobility(
        releases=releases,
        link_failure_p=np.clip(link_failure_p, 0, 0.9),
        rel_abn_radio=link_failures,
        rel_abn_ho=draws.binomial("released after hand-over", execution_failures, 0.45),
        ho_prep_att=preparations,
        ho_prep_fail=preparation_failures,
        ho_exec_succ=executions - execution_failures,
        ho_exec_fail=execution_failures,
        ho_too_early=early_failures,
        ho_too_late=draws.binomial("too late", link_failures, 0.6 * cells.ho_late_p + knobs["ho_late_p"], at_most=0.95),
        ho_wrong_cell=draws.binomial(
            "wrong cell",
            execution_failures - early_failures,
            cells.ho_wrong_cell_p + knobs["ho_wrong_cell_p"],
            at_most=0.95,
        ),
        ho_pingpong=draws.binomial(
            "ping-pong", executions - execution_failures, cells.pingpong_p * knobs["pingpong_x"], at_most=0.8
        ),
        ho_irat_att=draws.poisson(
            "other technology",
            (connected_users * cells.irat_per_user * (1 + 2 * radio.edge_share) * knobs["irat_x"] + 0.02)
            * radio.uptime,
        ),
    )
