"""RRC connection: set-up from Msg3, context in the core, PDU session, and release.

All fields count events per minute, except `congestion_p` (a probability) and `cp_setup_ms`.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit as sigmoid

from trainer.simulator.chain.baseband import Baseband
from trainer.simulator.chain.demand import Block, Demand
from trainer.simulator.chain.mobility import Mobility
from trainer.simulator.chain.radio import Radio
from trainer.simulator.chain.random_access import RandomAccess
from trainer.simulator.chain.uplink import Uplink
from trainer.simulator.randomness import Column


@dataclass(frozen=True)
class Setup:
    """RRC set-ups by establishment cause and by result; each attempt has exactly one of four results. # [n] each"""

    congestion_p: Column
    """Probability that an attempt is rejected for congestion, 0…0.97."""
    rrc_att_mo_data: Column
    rrc_att_mo_sig: Column
    rrc_att_mt: Column
    rrc_att_other: Column
    rrc_succ: Column
    rrc_fail_congestion: Column
    rrc_fail_noreply: Column
    rrc_fail_other: Column
    rrc_reest_att: Column
    rrc_reest_succ: Column


@dataclass(frozen=True)
class Session:
    """Core contexts, registrations, PDU sessions and releases of n rows. # [n] each"""

    ng_ctx_att: Column
    ng_ctx_succ: Column
    reg_att: Column
    reg_rej: Column
    pdu_att: Column
    pdu_succ: Column
    drb_fail_radio: Column
    cp_setup_ms: Column
    rel_normal: Column
    rel_inactivity: Column
    rel_abn_tnl: Column
    rel_abn_core: Column


@dataclass(frozen=True)
class Attempts:
    """RRC set-up attempts by establishment cause (TS 38.331). # [n] each"""

    total: Column
    mo_data: Column
    mo_signalling: Column
    mt_access: Column
    other: Column


def set_up_connections(
    block: Block,
    *,
    demand: Demand,
    radio: Radio,
    uplink: Uplink,
    access: RandomAccess,
    mobility: Mobility,
    baseband: Baseband,
    connected_users: Column,
) -> Setup:
    """Split the received Msg3 into re-establishments, re-synchronisations and set-up attempts, and draw their results.

    Congestion follows connected users, PRB load, CCE utilisation and processor overload. Missing replies follow the
    SINR of both directions.
    """
    cells, knobs, draws, noise = block.cells, block.knobs, block.draws, block.noise
    reestablishments = draws.binomial("re-establishments", mobility.rel_abn_radio + mobility.ho_exec_fail, 0.62)
    reestablishments = np.minimum(reestablishments, access.ra_msg3_ok)
    reestablishment_p = 0.80 - 1.2 * knobs["ho_preparation_failure_p"] - 0.35 * knobs["ho_wrong_cell_p"]
    reestablishment_p = np.maximum(reestablishment_p - 0.25 * sigmoid((2 - uplink.sinr_db) / 2), 0.02)
    attempts = _attempts(block, demand, access.ra_msg3_ok - reestablishments)

    user_limit_p = 0.45 * sigmoid((connected_users / cells.max_users - 0.92) * 18)
    prb_limit_p = 0.25 * sigmoid((radio.load - 0.985) * 90) * (radio.offered_load > 1)
    cce_limit_p = 0.05 * sigmoid((access.cce_utilisation - 0.93) * 30)
    congestion_p = user_limit_p + prb_limit_p + cce_limit_p + 0.35 * baseband.overload + knobs["rrc_congestion_p"]
    rejections = draws.binomial("rejected", attempts.total, congestion_p, at_most=0.97)
    no_reply_p = cells.no_reply_p * (1 + 3 * radio.edge_share) * np.exp(0.2 * noise.fluctuation("no reply", 60))
    no_reply_p = no_reply_p + 0.20 * sigmoid((3.5 - uplink.sinr_db) / 1.6) + 0.05 * sigmoid((1 - radio.sinr_db) / 1.6)
    no_replies = draws.binomial(
        "no reply", attempts.total - rejections, no_reply_p + knobs["rrc_no_reply_p"], at_most=0.97
    )
    remaining = attempts.total - rejections - no_replies
    other_p = cells.rrc_other_p + 0.03 * baseband.overload + knobs["rrc_other_p"]
    other_failures = draws.binomial("other failure", remaining, other_p, at_most=0.97)
    return Setup(
        congestion_p=np.clip(congestion_p, 0, 0.97),
        rrc_att_mo_data=attempts.mo_data,
        rrc_att_mo_sig=attempts.mo_signalling,
        rrc_att_mt=attempts.mt_access,
        rrc_att_other=attempts.other,
        rrc_succ=remaining - other_failures,
        rrc_fail_congestion=rejections,
        rrc_fail_noreply=no_replies,
        rrc_fail_other=other_failures,
        rrc_reest_att=reestablishments,
        rrc_reest_succ=draws.binomial("re-established", reestablishments, reestablishment_p, at_most=0.98),
    )


def _attempts(block: Block, demand: Demand, arrivals: Column) -> Attempts:
    """Split new arrivals by establishment cause; storms add mo-signalling, and nights keep background signalling."""
    knobs, draws = block.knobs, block.draws
    data_share, signalling_share, mt_share, other_share = block.operator.cause_mix
    total = arrivals - draws.binomial("re-synchronisations", arrivals, 0.18 / (1 + knobs["signalling"]))
    storm = 0.9 * knobs["signalling"]
    signalling_p = (signalling_share * (1 + 0.25 * demand.night_weight) + storm) / (1 + storm)
    mo_signalling = draws.binomial("mo-signalling", total, signalling_p, at_most=0.97)
    mt_access = draws.binomial(
        "mt-access", total - mo_signalling, mt_share * (1 - 0.2 * demand.night_weight) / (1 - signalling_share)
    )
    remaining = total - mo_signalling - mt_access
    other = draws.binomial("other cause", remaining, other_share / (data_share + other_share))
    return Attempts(
        total=total, mo_data=remaining - other, mo_signalling=mo_signalling, mt_access=mt_access, other=other
    )


def open_sessions(
    block: Block,
    *,
    radio: Radio,
    uplink: Uplink,
    access: RandomAccess,
    mobility: Mobility,
    baseband: Baseband,
    setup: Setup,
) -> Session:
    """Draw core contexts, registrations, PDU sessions and radio bearers of the set-up connections, and all releases.

    Releases end connections of this minute and of earlier ones. `cp_setup_ms` is the mean set-up time in ms.
    """
    cells, knobs, draws = block.cells, block.knobs, block.draws
    context_failure_p = cells.context_failure_p + knobs["context_failure_p"] + 0.3 * knobs["backhaul_loss_p"]
    contexts = draws.binomial("contexts", setup.rrc_succ, 1 - context_failure_p)
    storm_share = knobs["signalling"] / (1 + knobs["signalling"])
    registrations = draws.binomial("registrations", setup.rrc_att_mo_sig, 0.42 + 0.2 * storm_share)
    registrations = np.minimum(registrations, setup.rrc_succ)
    reject_p = cells.registration_reject_p + knobs["registration_reject_p"]
    sessions = draws.binomial("pdu sessions", contexts, 0.33)
    bearer_failure_p = (
        cells.drb_failure_p + 0.05 * sigmoid((1 - uplink.sinr_db) / 1.5) + 0.03 * sigmoid((-1 - radio.sinr_db) / 1.5)
    )
    setup_ms = 48 + 3 * (cells.transport_delay_ms + knobs["backhaul_delay_ms"]) + knobs["setup_ms"]
    setup_ms = setup_ms + 60 * (1 - access.detection_p) + 90 * baseband.overload + 0.25 * baseband.cpu_load_pct
    sample = 0.22 / np.sqrt(1 + setup.rrc_succ / 6) * draws.normal("setup time")

    releases = mobility.releases - mobility.rel_abn_radio
    transport_release_p = 2e-4 + knobs["transport_release_p"] + 1.2 * knobs["backhaul_loss_p"]
    transport_releases = draws.binomial("released by transport", releases, transport_release_p, at_most=0.9)
    core_release_p = 4e-4 + 0.06 * knobs["context_failure_p"] + 0.02 * setup.congestion_p
    core_releases = draws.binomial("released by core", releases - transport_releases, core_release_p, at_most=0.9)
    normal_releases = releases - transport_releases - core_releases
    inactivity_releases = draws.binomial("released idle", normal_releases, 0.79 - 0.35 * storm_share)
    return Session(
        ng_ctx_att=setup.rrc_succ,
        ng_ctx_succ=contexts,
        reg_att=registrations,
        reg_rej=draws.binomial("registrations rejected", registrations, reject_p, at_most=0.98),
        pdu_att=sessions,
        pdu_succ=draws.binomial("pdu sessions opened", sessions, 1 - cells.pdu_failure_p - knobs["pdu_failure_p"]),
        drb_fail_radio=draws.binomial(
            "bearers failed", contexts, bearer_failure_p + 0.1 * setup.congestion_p, at_most=0.9
        ),
        cp_setup_ms=setup_ms * np.exp(sample),
        rel_normal=normal_releases - inactivity_releases,
        rel_inactivity=inactivity_releases,
        rel_abn_tnl=transport_releases,
        rel_abn_core=core_releases,
    )
