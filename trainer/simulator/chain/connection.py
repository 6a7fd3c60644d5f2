"""Connection set-up: from Msg3 to an RRC connection, a context in the core and a session — and its release."""

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
    """Attempts by cause, and how they end: every attempt ends in exactly one of four ways."""

    congestion_p: Column
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
    total: Column
    data: Column
    signalling: Column
    called: Column
    other: Column


def set_up(
    block: Block,
    demand: Demand,
    radio: Radio,
    uplink: Uplink,
    entry: RandomAccess,
    mobility: Mobility,
    baseband: Baseband,
    connected: Column,
) -> Setup:
    """Msg3 is a re-establishment, a re-synchronisation or a request; a request ends in one of four ways."""
    cells, knobs, draws, noise = block.cells, block.knobs, block.draws, block.noise
    broken = draws.binomial("re-establishments", mobility.rel_abn_radio + mobility.ho_exec_fail, 0.62)
    broken = np.minimum(broken, entry.ra_msg3_ok)
    healed = 0.80 - 1.2 * knobs["ho_preparation_failure_p"] - 0.35 * knobs["ho_wrong_cell_p"]
    healed = np.maximum(healed - 0.25 * sigmoid((2 - uplink.sinr_db) / 2), 0.02)
    attempts = _attempts(block, demand, entry.ra_msg3_ok - broken)

    crowded = 0.45 * sigmoid((connected / cells.max_users - 0.92) * 18)
    full = 0.25 * sigmoid((radio.load - 0.985) * 90) * (radio.pressure > 1)
    unscheduled = 0.05 * sigmoid((entry.control_use - 0.93) * 30)
    congestion = crowded + full + unscheduled + 0.35 * baseband.overload + knobs["rrc_congestion_p"]
    rejected = draws.binomial("rejected", attempts.total, congestion, at_most=0.97)
    silence = cells.no_reply_p * (1 + 3 * radio.edge) * np.exp(0.2 * noise.slow("no reply", 60))
    silence = silence + 0.20 * sigmoid((3.5 - uplink.sinr_db) / 1.6) + 0.05 * sigmoid((1 - radio.sinr_db) / 1.6)
    unanswered = draws.binomial("no reply", attempts.total - rejected, silence + knobs["rrc_no_reply_p"], at_most=0.97)
    remaining = attempts.total - rejected - unanswered
    other = cells.rrc_other_p + 0.03 * baseband.overload + knobs["rrc_other_p"]
    failed = draws.binomial("other failure", remaining, other, at_most=0.97)
    return Setup(
        congestion_p=np.clip(congestion, 0, 0.97),
        rrc_att_mo_data=attempts.data,
        rrc_att_mo_sig=attempts.signalling,
        rrc_att_mt=attempts.called,
        rrc_att_other=attempts.other,
        rrc_succ=remaining - failed,
        rrc_fail_congestion=rejected,
        rrc_fail_noreply=unanswered,
        rrc_fail_other=failed,
        rrc_reest_att=broken,
        rrc_reest_succ=draws.binomial("re-established", broken, healed, at_most=0.98),
    )


def _attempts(block: Block, demand: Demand, arrived: Column) -> Attempts:
    """Splits new arrivals by establishment cause; a storm is signalling, and at night background signalling stays."""
    knobs, draws = block.knobs, block.draws
    data_share, signalling_share, called_share, other_share = block.operator.cause_mix
    total = arrived - draws.binomial("re-synchronisations", arrived, 0.18 / (1 + knobs["signalling"]))
    storm = 0.9 * knobs["signalling"]
    weight = (signalling_share * (1 + 0.25 * demand.night) + storm) / (1 + storm)
    signalling = draws.binomial("mo-signalling", total, weight, at_most=0.97)
    called = draws.binomial(
        "mt-access", total - signalling, called_share * (1 - 0.2 * demand.night) / (1 - signalling_share)
    )
    rest = total - signalling - called
    other = draws.binomial("other cause", rest, other_share / (data_share + other_share))
    return Attempts(total, rest - other, signalling, called, other)


def open_sessions(
    block: Block,
    radio: Radio,
    uplink: Uplink,
    entry: RandomAccess,
    mobility: Mobility,
    baseband: Baseband,
    setup: Setup,
) -> Session:
    """RRC success → context in the core → registration, PDU session, radio bearer; and how connections are released."""
    cells, knobs, draws = block.cells, block.knobs, block.draws
    refusal = cells.context_failure_p + knobs["context_failure_p"] + 0.3 * knobs["backhaul_loss_p"]
    contexts = draws.binomial("contexts", setup.rrc_succ, 1 - refusal)
    storm = knobs["signalling"] / (1 + knobs["signalling"])
    registering = draws.binomial("registrations", setup.rrc_att_mo_sig, 0.42 + 0.2 * storm)
    registering = np.minimum(registering, setup.rrc_succ)
    rejection = cells.registration_reject_p + knobs["registration_reject_p"]
    sessions = draws.binomial("pdu sessions", contexts, 0.33)
    bearer = (
        cells.drb_failure_p + 0.05 * sigmoid((1 - uplink.sinr_db) / 1.5) + 0.03 * sigmoid((-1 - radio.sinr_db) / 1.5)
    )
    milliseconds = 48 + 3 * (cells.transport_delay_ms + knobs["backhaul_delay_ms"]) + knobs["setup_ms"]
    milliseconds = milliseconds + 60 * (1 - entry.detection) + 90 * baseband.overload + 0.25 * baseband.cpu_load_pct
    sample = 0.22 / np.sqrt(1 + setup.rrc_succ / 6) * draws.normal("setup time")

    rest = mobility.releases - mobility.rel_abn_radio
    transport = 2e-4 + knobs["transport_release_p"] + 1.2 * knobs["backhaul_loss_p"]
    by_transport = draws.binomial("released by transport", rest, transport, at_most=0.9)
    core = 4e-4 + 0.06 * knobs["context_failure_p"] + 0.02 * setup.congestion_p
    by_core = draws.binomial("released by core", rest - by_transport, core, at_most=0.9)
    regular = rest - by_transport - by_core
    idle = draws.binomial("released idle", regular, 0.79 - 0.35 * storm)
    return Session(
        ng_ctx_att=setup.rrc_succ,
        ng_ctx_succ=contexts,
        reg_att=registering,
        reg_rej=draws.binomial("registrations rejected", registering, rejection, at_most=0.98),
        pdu_att=sessions,
        pdu_succ=draws.binomial("pdu sessions opened", sessions, 1 - cells.pdu_failure_p - knobs["pdu_failure_p"]),
        drb_fail_radio=draws.binomial("bearers failed", contexts, bearer + 0.1 * setup.congestion_p, at_most=0.9),
        cp_setup_ms=milliseconds * np.exp(sample),
        rel_normal=regular - idle,
        rel_inactivity=idle,
        rel_abn_tnl=by_transport,
        rel_abn_core=by_core,
    )
