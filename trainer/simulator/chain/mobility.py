"""Connected mode: who leaves, who loses the link, who is handed over and how that ends."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit as sigmoid

from trainer.simulator.chain.demand import Block, Demand
from trainer.simulator.chain.radio import Radio
from trainer.simulator.chain.uplink import Uplink
from trainer.simulator.randomness import Column


@dataclass(frozen=True)
class Mobility:
    releases: Column
    link_failure_p: Column
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


def move(block: Block, demand: Demand, radio: Radio, uplink: Uplink, connected: Column) -> Mobility:
    """Releases and link failures, then hand-over preparation → execution → its causes (TS 28.552, 5.1.1.6)."""
    cells, knobs, draws, noise = block.cells, block.knobs, block.draws, block.noise
    sinr, ul_sinr = radio.sinr_db, uplink.sinr_db
    everyone = demand.attempts * (1 + knobs["signalling"]) * knobs["connected_x"]
    releases = draws.poisson("releases", everyone * radio.up)
    weak = 1 + 2.5 * np.maximum(0, 8 - sinr) / 8 + 4 * np.maximum(0, 4 - ul_sinr) / 4
    link_failure = cells.link_failure_p * weak * knobs["link_failure_x"] * np.exp(0.25 * noise.slow("link failure", 30))
    link_failure = link_failure + 0.05 * sigmoid(-ul_sinr / 1.5) + 0.04 * sigmoid(-sinr / 1.5)
    link_failures = draws.binomial("link failures", releases, link_failure, at_most=0.9)

    leaving = demand.attempts * cells.hold_seconds / 60 * knobs["connected_x"] * cells.ho_per_user
    leaving = leaving * knobs["mobility_x"] * knobs["ho_attempts_x"] * np.exp(0.12 * noise.slow("hand-overs", 20))
    prepared = draws.poisson("preparations", leaving * radio.up)
    refusal = cells.ho_preparation_failure_p * np.exp(0.2 * noise.slow("preparation failure", 40))
    refused = draws.binomial(
        "preparations refused", prepared, refusal + knobs["ho_preparation_failure_p"], at_most=0.98
    )
    executed = prepared - refused
    loss = cells.ho_execution_failure_p * (1 + 1.5 * np.maximum(0, 8 - sinr) / 8)
    loss = loss + 0.01 * radio.edge + 0.03 * sigmoid((1 - sinr) / 1.5) + knobs["ho_execution_failure_p"]
    lost = draws.binomial("executions lost", executed, loss, at_most=0.95)

    early = draws.binomial("too early", lost, cells.ho_early_p + knobs["ho_early_p"], at_most=0.95)
    return Mobility(
        releases=releases,
        link_failure_p=np.clip(link_failure, 0, 0.9),
        rel_abn_radio=link_failures,
        rel_abn_ho=draws.binomial("released after hand-over", lost, 0.45),
        ho_prep_att=prepared,
        ho_prep_fail=refused,
        ho_exec_succ=executed - lost,
        ho_exec_fail=lost,
        ho_too_early=early,
        ho_too_late=draws.binomial("too late", link_failures, 0.6 * cells.ho_late_p + knobs["ho_late_p"], at_most=0.95),
        ho_wrong_cell=draws.binomial(
            "wrong cell", lost - early, cells.ho_wrong_cell_p + knobs["ho_wrong_cell_p"], at_most=0.95
        ),
        ho_pingpong=draws.binomial("ping-pong", executed - lost, cells.pingpong_p * knobs["pingpong_x"], at_most=0.8),
        ho_irat_att=draws.poisson(
            "other technology",
            (connected * cells.irat_per_user * (1 + 2 * radio.edge) * knobs["irat_x"] + 0.02) * radio.up,
        ),
    )
