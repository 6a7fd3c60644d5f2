"""Behaviour of every class and of normal operation; `make test-simulator` runs it, since it takes long."""

import warnings

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.ladder.windows import MINUTES, floor, reader, season, visibility
from tests.simulator.builders import FIRST_MONDAY, busy_minutes, spread, usual_spread
from trainer.simulator import (
    FAULTS,
    FaultClass,
    FaultEpisode,
    Network,
    apply_episode,
    catalogue,
    neutral_knobs,
    records,
)
from trainer.simulator.faults.knobs import BY_NAME, Knobs
from trainer.simulator.faults.nuisances import apply_nuisances
from trainer.simulator.noise import Noise

pytestmark = pytest.mark.long

MOVES = {  # the three features that each class moves most, in spreads, at half intensity in busy hours
    "cell_outage": ("prb_avail_dl", "cqi_reports", "pag_rx"),
    "sleeping_cell_rach": ("cp_setup_ms", "rrc_conn_mean", "subs_active"),
    "ul_interference": ("ul_ni_max_dbm", "ul_ni_dbm", "rssi_br0_dbm"),
    "dl_interference": ("sinr_mean_db", "cqi_lo_cnt", "rank_mean_dl"),
    "excessive_downtilt": ("ta_far_cnt", "cqi_mid_cnt", "rrc_conn_mean"),
    "overshoot_uptilt": ("ta_far_cnt", "rsrp_mean_dbm", "phr_neg_pct"),
    "pa_degradation": ("temp_c", "rsrp_mean_dbm", "phr_neg_pct"),
    "rx_branch_loss": ("rssi_br1_dbm", "rssi_br0_dbm", "ul_sinr_db"),
    "tx_branch_loss": ("rank_mean_dl", "ue_thp_dl_kbps", "rsrp_mean_dbm"),
    "capacity_loss": ("prb_avail_dl", "rrc_fail_congestion", "ue_thp_dl_kbps"),
    "backhaul_congestion": ("ue_thp_ul_kbps", "ue_thp_dl_kbps", "gtp_delay_ms"),
    "backhaul_loss": ("gtp_lost_dl_pkts", "uu_lost_ul_pkts", "sctp_retx"),
    "ho_too_late": ("ho_too_late", "rel_abn_radio", "rrc_reest_succ"),
    "ho_pingpong": ("ho_pingpong", "ho_too_early", "ho_exec_fail"),
    "pci_confusion": ("ho_exec_fail", "ho_wrong_cell", "rel_abn_ho"),
    "sync_loss_tdd": ("ul_ni_dbm", "ul_ni_max_dbm", "rssi_br0_dbm"),
    "signalling_storm": ("reg_rej", "rrc_att_mo_sig", "reg_att"),
    "core_cp_outage": ("rel_abn_core", "reg_rej", "cp_setup_ms"),
    "userplane_failure": ("rtt_core_ms", "tcp_syn_noans", "ue_thp_dl_kbps"),
    "dns_failure": ("dns_timeout", "dns_servfail", "dns_rt_ms"),
    "prach_misconfig": ("cp_setup_ms", "ra_preamble_cb", "ra_rar_sent"),
    "baseband_overload": ("cpu_load_pct", "delay_rlc_dl_ms", "pdcp_drop_dl_pkts"),
    "voice_ims_failure": ("voice_loss_pct", "ho_irat_att", "voice_drop"),
    "mass_event": ("active_ue_ul_mean", "rrc_conn_mean", "rrc_conn_max"),
    "energy_saving": ("prb_avail_dl", "rank_mean_dl", "power_w"),
    "maintenance": ("avail_s", "prb_avail_dl", "cqi_reports"),
    "holiday": ("rrc_conn_mean", "cqi_reports", "rrc_conn_max"),
    "neighbour_absorb": ("rrc_conn_mean", "cqi_reports", "rrc_conn_max"),
    "app_flash_crowd": ("prb_util_dl_pct", "power_w", "tx_power_dbm"),
}

TRANSPORT = ("gtp_delay_ms", "gtp_jitter_ms")
RADIO = ("sinr_mean_db", "ul_sinr_db", "rsrp_mean_dbm", "ul_ni_dbm")
HANDOVER = ("ho_prep_att", "ho_prep_fail", "ho_exec_fail")
CORE = ("rtt_core_ms", "dns_servfail")

STILL = {  # where a class leaves something alone that is a feature, and not only a ratio of features
    # Its power follows its load, and that follows the users who fade out.
    "sleeping_cell_rach": (*RADIO, "cqi_mean", "rsrp_mean_dbm", "prb_avail_dl", *TRANSPORT),
    "ul_interference": ("cqi_mean", "sinr_mean_db", "rank_mean_dl", "rsrp_mean_dbm", "dns_timeout", *TRANSPORT),
    "dl_interference": ("rsrp_mean_dbm", "ul_ni_dbm", "ul_sinr_db", "ta_near_cnt", "ta_mid_cnt", "ta_far_cnt"),
    "excessive_downtilt": ("ul_ni_dbm", *TRANSPORT, *CORE),
    "overshoot_uptilt": ("ul_ni_dbm", *TRANSPORT),
    "pa_degradation": ("ul_ni_dbm", "rssi_br0_dbm", "rssi_br1_dbm", "ho_prep_fail", *TRANSPORT),
    "rx_branch_loss": ("ul_ni_dbm", "rsrp_mean_dbm", "tx_power_dbm", "sinr_mean_db", "cqi_mean", "prb_util_dl_pct"),
    "tx_branch_loss": ("prb_avail_dl", "rrc_conn_mean", "ul_ni_dbm", *HANDOVER),
    "capacity_loss": ("sinr_mean_db", "cqi_mean", "ul_ni_dbm", *HANDOVER, *TRANSPORT, *CORE),
    "backhaul_congestion": ("cqi_mean", "mcs_mean_dl", "ul_ni_dbm"),
    "backhaul_loss": ("gtp_delay_ms", "prb_util_dl_pct", *RADIO),
    "ho_too_late": ("sinr_mean_db", "ul_ni_dbm", "prb_util_dl_pct", "ho_prep_fail", *TRANSPORT),
    "ho_pingpong": ("rel_abn_radio", "sinr_mean_db", "ul_ni_dbm", "prb_util_dl_pct"),
    "pci_confusion": ("ho_prep_att", "sinr_mean_db", "ul_ni_dbm"),
    "sync_loss_tdd": ("dns_timeout", "dns_servfail", *TRANSPORT),
    "signalling_storm": ("pdcp_vol_dl_kb", "sinr_mean_db", "ul_ni_dbm", *TRANSPORT),
    "core_cp_outage": (*RADIO, "cqi_mean", *TRANSPORT),
    "userplane_failure": ("rrc_succ", "ng_ctx_succ", "pdu_succ", *RADIO, "gtp_lost_dl_pkts"),
    "dns_failure": ("rtt_core_ms", "rrc_succ", "ng_ctx_succ", *RADIO, *HANDOVER, *TRANSPORT),
    "prach_misconfig": ("rrc_fail_other", "ul_ni_dbm", "sinr_mean_db", "prb_util_dl_pct", *TRANSPORT),
    "baseband_overload": ("rrc_conn_mean", "sinr_mean_db", "ul_ni_dbm", *HANDOVER, *TRANSPORT),
    "voice_ims_failure": ("pdcp_vol_dl_kb", "flows_new", "rrc_succ", "ng_ctx_succ"),
    "energy_saving": ("sinr_mean_db", "ho_prep_fail", "ho_exec_fail"),
    "neighbour_absorb": ("ul_ni_dbm",),
    "app_flash_crowd": ("rrc_succ", "rrc_att_mo_data", *HANDOVER),
}

SINCE = {"maintenance": 5}
"""Minutes since the onset: by then a planned restart is out of service; all other classes have begun."""

ROWS = 400


@pytest.fixture(scope="module")
def city() -> Network:
    return Network(3000, seed=1)


@pytest.fixture(scope="module")
def usual(city: Network) -> NDArray[np.float32]:
    return usual_spread(city)


def changes(
    network: Network, fault: FaultClass, severities: tuple[float, ...], usual: NDArray[np.float32]
) -> list[dict[str, float]]:
    """Return the mean change of the same minutes and draws, in spreads, for each severity."""
    cell, minute = busy_minutes(network, ROWS, seed=7)
    if fault.tdd_only:
        cell = np.random.default_rng(7).choice(np.flatnonzero(network.statics.tdd), ROWS)
    healthy = spread(records(network, cell, minute))
    begin = minute - SINCE.get(fault.name, 20)
    changes_by_severity = []
    for severity in severities:
        knobs = neutral_knobs(ROWS)
        for row in range(ROWS):
            onset = int(begin[row])
            episode = FaultEpisode(int(cell[row]), fault, onset, onset + 600, severity, seed=row)
            apply_episode(knobs, episode, np.array([row]), network=network, cell=cell, minute=minute)
        difference = spread(records(network, cell, minute, knobs)) - healthy
        with warnings.catch_warnings(action="ignore", category=RuntimeWarning):  # nothing reported by any dead cell
            change = np.nan_to_num(np.nanmean(difference, axis=0)) / usual
        changes_by_severity.append(dict(zip(catalogue().names, change.tolist(), strict=True)))
    return changes_by_severity


@pytest.mark.parametrize("name", FAULTS)
def test_the_worse_it_is_the_more_is_moved_by(name, city, usual):
    mild, middling, grave = changes(city, FAULTS[name], (0.2, 0.5, 0.8), usual)
    for feature in MOVES[name]:
        # Some classes are a change of state: off is off, however severe.
        assert abs(mild[feature]) <= abs(middling[feature]) + 1e-3, feature
        assert abs(middling[feature]) <= abs(grave[feature]) + 1e-3, feature
        assert abs(grave[feature]) > 0.2, feature


@pytest.mark.parametrize("name", STILL)
def test_what_it_leaves_alone_stays_still_with(name, city, usual):
    (change,) = changes(city, FAULTS[name], (0.5,), usual)
    moved = {feature: round(change[feature], 2) for feature in STILL[name] if abs(change[feature]) >= 0.2}
    assert not moved


def test_every_class_has_features_that_it_moves():
    assert set(MOVES) == set(FAULTS)
    assert set(STILL) < set(FAULTS)


def test_normal_life_disturbs_a_little_and_seldom_looks_like_a_fault(city):
    # Given 3,000 half hours of normal cells, and the knobs that would undo what disturbs them,
    n, rng = 3000, np.random.default_rng(4)
    cell = rng.integers(0, city.cells, n)
    begin = FIRST_MONDAY + 8 * 1440 + rng.integers(0, 20 * 1440, n)
    rows, minute = np.repeat(cell, MINUTES), (begin[:, None] + np.arange(MINUTES)).ravel()
    undone, touched = undisturbed(city, rows, minute)
    touched = touched.reshape(n, MINUTES)

    calm = spread(records(city, rows, minute, undone)).reshape(n, MINUTES, -1)
    lived = spread(records(city, rows, minute)).reshape(n, MINUTES, -1)
    _, own_spread = season(reader(city), cell, begin, rng)
    effect = visibility(lived, calm, floor(own_spread))

    assert 0.02 < touched.mean() < 0.04
    assert 0.08 < touched.any(axis=1).mean() < 0.14
    assert (effect[~touched.any(axis=1)] == 0).all()
    assert 0 < (effect > 6).mean() < 0.005


def undisturbed(
    network: Network, cell: NDArray[np.int64], minute: NDArray[np.int64]
) -> tuple[Knobs, NDArray[np.bool_]]:
    """Return knobs that cancel the nuisances, and the rows on which any nuisance acts. # [n] -> [n]"""
    cells = network.statics.at(cell)
    places = {"cell": cell, "site": cells.site, "region": cells.region}
    noise = Noise(network.seed, minute.astype(np.uint64), {name: of.astype(np.uint64) for name, of in places.items()})
    moved, rest = neutral_knobs(len(cell)), neutral_knobs(len(cell))
    apply_nuisances(moved, noise, cells.type)
    touched = np.any([moved[name] != rest[name] for name in rest], axis=0)
    # Where nothing was moved there is nothing to undo, and not every factor is 1 by itself.
    undone = {name: 1 / moved[name] if BY_NAME[name].is_factor else -moved[name] for name in rest}
    return {name: np.where(moved[name] == rest[name], rest[name], undone[name]) for name in rest}, touched
