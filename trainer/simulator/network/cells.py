"""Static columns of the cells: all properties that do not depend on the minute.

Each value has a median, a spread over cells and often one over sites, since a site is planned as a whole. Medians and
spreads without a source are guesses. Their consequences (load deciles, base failure rates, busy hours) were compared
with published ones.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from trainer.simulator.network.operators import Operator
from trainer.simulator.randomness import Column, HashedDraws

CellColumns = dict[str, np.ndarray]

BUSINESS, RESIDENTIAL, TRANSPORT, RURAL, STADIUM = range(5)
NR_TDD = 3

# Per carrier: LTE 10 MHz, LTE 20 MHz, NR 20 MHz FDD, NR 100 MHz TDD (TS 36.101, TS 38.101-1 for the PRBs).
PRBS = (50, 100, 106, 273)
PRB_KHZ = (180, 180, 180, 360)
DL_SHARE = (1, 1, 1, 0.74)  # of the time: TDD pattern DDDSU with guard
UL_SHARE = (1, 1, 1, 0.22)
MAX_POWER_DBM = (43, 46, 46, 50)
MAX_LAYERS = (2, 2, 2, 3.6)
IDLE_WATT = (95, 140, 160, 420)
LOAD_WATT = (110, 190, 200, 520)
MAX_USERS = (250, 400, 400, 800)


@dataclass(frozen=True)
class Cells:
    """Static columns: one value per cell, or per row after `at`. # [n] each

    A name ends in its unit; `_p` is a base probability, `_x` a factor, `_logit` log-odds.
    """

    site: NDArray[np.int32]
    region: NDArray[np.int32]
    type: NDArray[np.int32]
    """Index into CELL_TYPES."""
    carrier: NDArray[np.int32]
    shift_minutes: NDArray[np.int32]
    """Minutes by which the cell is ahead of the profile of its type."""
    prbs: Column
    prb_khz: Column
    dl_share: Column
    ul_share: Column
    nr: Column
    tdd: Column
    max_power_dbm: Column
    max_layers: Column
    idle_watt: Column
    load_watt: Column
    max_users: Column
    busy_attempts: Column
    """Access attempts per minute in the busy hour."""
    profile_exponent: Column
    profile_mixture: Column
    hold_seconds: Column
    connection_kb: Column
    uplink_ratio: Column
    flows_per_access: Column
    voice_per_access: Column
    tcp_logit: Column
    app_logits: Column
    """Preference for the six application classes. # [n, 6]"""
    sinr_db: Column
    rsrp_dbm: Column
    ul_noise_dbm: Column
    branch_imbalance_db: Column
    cqi_spread: Column
    far_logit: Column
    near_logit: Column
    ghost_preambles: Column
    pages: Column
    no_reply_p: Column
    rrc_other_p: Column
    context_failure_p: Column
    registration_reject_p: Column
    pdu_failure_p: Column
    drb_failure_p: Column
    link_failure_p: Column
    ho_preparation_failure_p: Column
    ho_execution_failure_p: Column
    ho_early_p: Column
    ho_late_p: Column
    ho_wrong_cell_p: Column
    pingpong_p: Column
    ho_per_user: Column
    ho_incoming_x: Column
    irat_per_user: Column
    transport_delay_ms: Column
    transport_jitter_ms: Column
    transport_loss_p: Column
    backhaul_kbps: Column
    clock_ns: Column
    core_rtt_ms: Column
    tcp_retx_p: Column
    syn_no_answer_p: Column
    dns_ms: Column
    dns_nx_p: Column
    dns_servfail_p: Column
    dns_timeout_p: Column
    voice_failure_p: Column
    voice_drop_p: Column
    voice_loss_pct: Column
    cpu_idle_pct: Column
    power_x: Column
    temperature_c: Column

    def at(self, cell: NDArray[np.integer]) -> Cells:
        """Return the same columns with one value per row. # cell [n] -> [n] each"""
        return Cells(**{field.name: getattr(self, field.name)[cell] for field in fields(self)})


def build_cells(count: int, seed: int, operator: Operator, region: NDArray[np.integer]) -> Cells:
    """Draw the static columns of a network's cells. # region [sites] -> [count] each"""
    cell = np.arange(count)
    site = cell // 3
    cell_draws, site_draws = HashedDraws.of(seed, "cells", cell), HashedDraws.of(seed, "sites", site)
    cell_type = _choose(site_draws.uniform("type"), operator.type_shares)
    carrier = _choose(cell_draws.uniform("carrier"), operator.carrier_shares)

    def by_carrier(table: tuple[float, ...]) -> np.ndarray:
        return np.array(table)[carrier]

    columns = {
        "site": site,
        "region": region[site],
        "type": cell_type,
        "carrier": carrier,
        "shift_minutes": np.round(30 * cell_draws.normal("shift") + 15 * site_draws.normal("shift")),
        "prbs": by_carrier(PRBS),
        "prb_khz": by_carrier(PRB_KHZ),
        "dl_share": by_carrier(DL_SHARE),
        "ul_share": by_carrier(UL_SHARE),
        "nr": carrier >= 2,
        "tdd": carrier == NR_TDD,
        "max_power_dbm": by_carrier(MAX_POWER_DBM),
        "max_layers": by_carrier(MAX_LAYERS),
        "idle_watt": by_carrier(IDLE_WATT),
        "load_watt": by_carrier(LOAD_WATT),
        "max_users": by_carrier(MAX_USERS),
        **_traffic(cell_draws, site_draws, cell_type, carrier, operator),
        **_radio(cell_draws, site_draws, cell_type, carrier, operator),
        **_failures(cell_draws, cell_type, operator),
        **_transport(cell_draws, site_draws, cell_type, operator),
        **_platform(cell_draws, site_draws),
    }
    indices = ("site", "region", "type", "carrier", "shift_minutes")
    return Cells(**{n: v.astype(np.int32 if n in indices else np.float32) for n, v in columns.items()})


def _choose(uniform: Column, shares: tuple[float, ...]) -> NDArray[np.intp]:
    return np.searchsorted(np.cumsum(shares)[:-1], uniform)


def _by_type(cell_type: np.ndarray, values: tuple[float, ...]) -> np.ndarray:
    """Return the value of each cell's type; `values` are for business, residential, transport, rural, stadium."""
    return np.array(values)[cell_type]


def _traffic(
    cell_draws: HashedDraws, site_draws: HashedDraws, cell_type: np.ndarray, carrier: np.ndarray, operator: Operator
) -> CellColumns:
    size = 0.62 * site_draws.normal("attempts") + 0.72 * cell_draws.normal("attempts")
    planned_log = _by_type(cell_type, (0.35, 0, 0.5, -0.9, -0.2)) + np.array([-0.35, 0, -0.1, 0.25])[carrier]
    # The quadratic term gives the left skew of the published deciles (Zanella et al., IMC 2023).
    attempts = np.exp(planned_log + operator.attempts_sigma * size - 0.15 * np.maximum(0, -size) ** 2)
    attempts *= operator.busy_attempts
    connection_kb = (
        operator.connection_kb
        * np.exp(0.35 * cell_draws.normal("volume"))
        * _by_type(cell_type, (0.95, 1.25, 0.7, 1, 0.8))
    )
    connection_kb *= np.array([0.75, 1, 1.2, 2.4])[carrier]
    # Planning: operators split or overlay cells near overload (3.6 bit/s/Hz, 75 % usable, 20 % reserve).
    nominal_kb = (np.array(PRBS) * PRB_KHZ * DL_SHARE)[carrier] * 3.6 * 60 / 8 * 0.75
    attempts *= (1 + (attempts * connection_kb * 1.2 / nominal_kb / 0.62) ** 4) ** -0.2125
    return {
        "busy_attempts": attempts,
        "connection_kb": connection_kb,
        "profile_exponent": np.exp(0.13 * cell_draws.normal("profile exponent")),
        "profile_mixture": np.clip(0.12 + 0.13 * np.abs(cell_draws.normal("profile mixture")), 0, 0.6),
        "hold_seconds": operator.hold_seconds
        * np.exp(0.22 * cell_draws.normal("hold"))
        * _by_type(cell_type, (1, 1.05, 0.8, 1.05, 1)),
        "uplink_ratio": 0.11
        * np.exp(0.25 * cell_draws.normal("uplink ratio"))
        * _by_type(cell_type, (1.2, 0.9, 1, 0.9, 1.4)),
        "flows_per_access": 7.5 * np.exp(0.25 * cell_draws.normal("flows")),
        "voice_per_access": operator.voice_per_access * np.exp(0.3 * cell_draws.normal("voice")),
        "tcp_logit": 0.6 * cell_draws.normal("tcp share"),
        "app_logits": np.stack([0.35 * cell_draws.normal(f"application {app}") for app in range(6)], axis=1),
    }


def _radio(
    cell_draws: HashedDraws, site_draws: HashedDraws, cell_type: np.ndarray, carrier: np.ndarray, operator: Operator
) -> CellColumns:
    rsrp = (
        -95 + 4.5 * cell_draws.normal("rsrp") + 2.5 * site_draws.normal("rsrp") + _by_type(cell_type, (1, 0, 1, -7, 3))
    )
    sinr = operator.sinr_db + 2.4 * cell_draws.normal("sinr") + 1.2 * site_draws.normal("sinr")
    return {
        "sinr_db": sinr + _by_type(cell_type, (0, 0, -0.5, -1, 1)),
        "rsrp_dbm": rsrp + np.array([2, 0, 0, -3])[carrier],
        "ul_noise_dbm": operator.ul_noise_dbm + 1.5 * cell_draws.normal("ul noise"),
        "branch_imbalance_db": 0.8 * cell_draws.normal("branch imbalance"),
        "cqi_spread": 5.5 * np.exp(0.12 * cell_draws.normal("cqi spread")),
        "far_logit": -1.9 + 0.75 * cell_draws.normal("far") + _by_type(cell_type, (0, 0, -0.3, 0.8, -1.2)),
        "near_logit": 0.2 + 0.6 * cell_draws.normal("near") + _by_type(cell_type, (0.2, 0, 0, -0.7, 1.2)),
        "ghost_preambles": 0.25 * np.exp(0.8 * cell_draws.normal("ghosts")),
        "pages": 55 * np.exp(0.5 * site_draws.normal("pages")),
        "ho_per_user": operator.handover_scale
        * _by_type(cell_type, (0.16, 0.11, 0.55, 0.15, 0.06))
        * np.exp(0.4 * cell_draws.normal("handovers")),
        "ho_incoming_x": np.exp(0.12 * cell_draws.normal("incoming handovers")),
        "irat_per_user": 0.004 * np.exp(0.8 * cell_draws.normal("irat")) * _by_type(cell_type, (1, 1, 1.2, 3, 0.6)),
    }


def _failures(cell_draws: HashedDraws, cell_type: np.ndarray, operator: Operator) -> CellColumns:
    def share(median: float, sigma: float, name: str) -> np.ndarray:
        return operator.failure_scale * median * np.exp(operator.failure_spread * sigma * cell_draws.normal(name))

    return {
        "no_reply_p": share(0.0035, 0.6, "no reply"),
        "rrc_other_p": share(0.0006, 0.7, "rrc other"),
        "context_failure_p": share(0.002, 0.6, "context failure"),
        "registration_reject_p": share(0.010, 0.5, "registration reject"),
        "pdu_failure_p": share(0.003, 0.5, "pdu failure"),
        "drb_failure_p": share(0.0012, 0.6, "drb failure"),
        "link_failure_p": share(0.0035, 0.55, "link failure"),
        "ho_preparation_failure_p": share(0.006, 0.6, "preparation failure"),
        "ho_execution_failure_p": share(0.010, 0.55, "execution failure"),
        "ho_early_p": np.clip(0.35 * np.exp(0.3 * cell_draws.normal("too early")), 0.05, 0.7),
        "ho_late_p": np.clip(0.35 * np.exp(0.3 * cell_draws.normal("too late")), 0.05, 0.8),
        "ho_wrong_cell_p": np.clip(0.18 * np.exp(0.4 * cell_draws.normal("wrong cell")), 0.02, 0.6),
        "pingpong_p": operator.pingpong_share * np.exp(0.5 * cell_draws.normal("ping-pong")),
        "tcp_retx_p": 0.008 * np.exp(operator.failure_spread * 0.4 * cell_draws.normal("tcp retransmission")),
        "syn_no_answer_p": 0.012 * np.exp(0.35 * cell_draws.normal("syn no answer")),
        "dns_nx_p": operator.dns_nx_share * np.exp(0.25 * cell_draws.normal("dns nx")),
        "dns_servfail_p": 0.004 * np.exp(0.5 * cell_draws.normal("dns servfail")),
        "dns_timeout_p": 0.006 * np.exp(0.5 * cell_draws.normal("dns timeout")),
        "voice_failure_p": operator.failure_scale * 0.004 * np.exp(0.4 * cell_draws.normal("voice failure")),
        "voice_drop_p": operator.failure_scale * 0.004 * np.exp(0.4 * cell_draws.normal("voice drop")),
        "voice_loss_pct": 0.25 * np.exp(0.4 * cell_draws.normal("voice loss")),
    }


def _transport(
    cell_draws: HashedDraws, site_draws: HashedDraws, cell_type: np.ndarray, operator: Operator
) -> CellColumns:
    microwave = site_draws.uniform("microwave") < _by_type(cell_type, (0.12, 0.18, 0.12, 0.55, 0.10))
    return {
        "transport_delay_ms": 5.5 * np.exp(0.35 * site_draws.normal("delay")) + _by_type(cell_type, (0, 0, 0, 3, 0)),
        "transport_jitter_ms": 0.35 * np.exp(0.4 * site_draws.normal("jitter")),
        "transport_loss_p": 3e-5 * np.exp(0.9 * site_draws.normal("loss")),
        "backhaul_kbps": np.where(microwave, 2.2e5 * np.exp(0.35 * site_draws.normal("microwave capacity")), 2.2e6),
        "clock_ns": 45 * np.exp(0.3 * site_draws.normal("clock")),
        "core_rtt_ms": operator.core_rtt_ms * np.exp(0.12 * cell_draws.normal("core rtt")),
        "dns_ms": 16 * np.exp(0.3 * site_draws.normal("dns")) * operator.core_rtt_ms / 22,
    }


def _platform(cell_draws: HashedDraws, site_draws: HashedDraws) -> CellColumns:
    return {
        "cpu_idle_pct": 16 + 5 * cell_draws.normal("cpu"),
        "power_x": np.exp(0.06 * cell_draws.normal("power")),
        "temperature_c": 34 + 4 * site_draws.normal("temperature"),
    }
