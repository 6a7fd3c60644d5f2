import numpy as np
import pytest

from tests.simulator.builders import FIRST_MONDAY, paired_change
from trainer.simulator import (
    FAULTS,
    FaultEpisode,
    apply_episode,
    draw_severity,
    neutral_knobs,
    random_family,
    random_fault,
)
from trainer.simulator.faults.knobs import BY_NAME
from trainer.simulator.faults.procedural import SIGNATURES

MOVES = {
    "sleeping_cell_rach": ("cp_setup_ms", "rrc_conn_mean", "subs_active"),
    "ul_interference": ("ul_ni_max_dbm", "ul_ni_dbm", "ul_sinr_db"),
    "dl_interference": ("sinr_mean_db", "cqi_lo_cnt", "rank_mean_dl"),
    "overshoot_uptilt": ("ta_far_cnt", "rsrp_mean_dbm", "phr_neg_pct"),
    "pci_confusion": ("ho_exec_fail", "ho_wrong_cell", "rel_abn_ho"),
    "sync_loss_tdd": ("ul_ni_dbm", "ul_sinr_db"),
    "backhaul_loss": ("gtp_lost_dl_pkts", "uu_lost_ul_pkts", "sctp_retx"),
    "dns_failure": ("dns_timeout", "dns_rt_ms"),
    "mass_event": ("active_ue_ul_mean", "rrc_conn_mean", "cqi_reports"),
}

STILL = {
    "sleeping_cell_rach": ("ul_ni_dbm", "rsrp_mean_dbm", "prb_avail_dl", "gtp_delay_ms", "sinr_mean_db"),
    "ul_interference": ("cqi_mean", "rank_mean_dl", "rsrp_mean_dbm", "ho_prep_fail", "gtp_delay_ms", "dns_timeout"),
    "dl_interference": ("rsrp_mean_dbm", "ul_ni_dbm", "gtp_delay_ms", "ta_far_cnt"),
    "tx_branch_loss": ("prb_avail_dl", "rrc_conn_mean", "ul_ni_dbm", "ho_prep_fail"),
    "backhaul_loss": ("gtp_delay_ms", "prb_util_dl_pct", "cqi_mean"),
    "ho_pingpong": ("sinr_mean_db", "ul_ni_dbm", "prb_util_dl_pct"),
    "dns_failure": ("rrc_succ", "rtt_core_ms", "ho_exec_fail", "cqi_mean", "gtp_delay_ms"),
    "voice_ims_failure": ("pdcp_vol_dl_kb", "rrc_succ", "ng_ctx_succ", "flows_new"),
}


@pytest.mark.parametrize("name", MOVES)
def test_the_worse_the_fault_the_more_its_features_move(name, town):
    mild, middling, grave = (paired_change(town, FAULTS[name], severity) for severity in (0.2, 0.5, 0.8))
    for feature in MOVES[name]:
        assert abs(mild[feature]) < abs(middling[feature]) < abs(grave[feature]), feature
        assert abs(grave[feature]) > 0.3, feature


@pytest.mark.parametrize("name", STILL)
def test_what_a_fault_does_not_touch_stays_still(name, town):
    change = paired_change(town, FAULTS[name], 0.5, n=200)
    for feature in STILL[name]:
        assert abs(change[feature]) < 0.2, feature


def test_there_are_23_faults_and_6_look_alikes_under_their_own_names():
    kinds = [fault.kind for fault in FAULTS.values()]
    assert (kinds.count("fault"), kinds.count("benign")) == (23, 6)
    assert all(name == fault.name for name, fault in FAULTS.items())
    assert sum(fault.held_out for fault in FAULTS.values()) == 6
    assert all(knob in BY_NAME for fault in FAULTS.values() for knob in fault.knobs)


def test_severity_is_skewed_to_the_subtle():
    severities = np.array([draw_severity(u) for u in np.linspace(0, 1, 1001)])
    assert severities.min() == pytest.approx(0.12)
    assert severities.max() == pytest.approx(1.0)
    assert np.quantile(severities, [0.2, 0.5, 0.9]) == pytest.approx([0.26, 0.52, 0.90], abs=0.01)


@pytest.mark.parametrize("name", ["pa_degradation", "backhaul_loss", "energy_saving"])
def test_any_minute_of_an_episode_can_be_looked_at_alone(name):
    episode = FaultEpisode(0, FAULTS[name], FIRST_MONDAY, FIRST_MONDAY + 90, severity=0.7, seed=12)
    minutes = FIRST_MONDAY + np.arange(-10, 100)
    whole = episode.intensity(minutes)
    alone = [episode.intensity(np.array([minute]))[0] for minute in minutes]
    np.testing.assert_array_equal(whole, alone)
    assert (whole[:10] == 0).all()
    assert (whole[100:] == 0).all()
    assert whole.max() > 0.4


def test_episodes_of_a_class_differ_in_onset_and_variant(town):
    minute = np.full(1, FIRST_MONDAY + 30)
    onsets, branches = set(), set()
    for seed in range(40):
        episode = FaultEpisode(0, FAULTS["rx_branch_loss"], FIRST_MONDAY, FIRST_MONDAY + 60, 1.0, seed=seed)
        onsets.add(episode.onset)
        knobs = neutral_knobs(1)
        apply_episode(knobs, episode, np.array([0]), network=town, cell=np.zeros(1, np.int64), minute=minute)
        branches |= {knob for knob in ("branch0_db", "branch1_db") if knobs[knob][0] < 0}
    assert onsets == {"step", "ramp", "intermittent"}
    assert branches == {"branch0_db", "branch1_db"}


def test_users_who_cannot_get_in_ask_for_nothing(town):
    for name in ("sleeping_cell_rach", "core_cp_outage"):
        change = paired_change(town, FAULTS[name], 0.8, n=200)
        assert change["pdcp_vol_dl_kb"] < -0.2, name
        assert change["prb_util_dl_pct"] < 0, name


def test_two_episodes_on_one_cell_compose(town):
    # Given two grave interferers at once, one seen alone adding a, the other b decibels,
    cell, minute = np.zeros(1, np.int64), np.full(1, FIRST_MONDAY + 30)
    loud = [
        FaultEpisode(0, FAULTS["dl_interference"], FIRST_MONDAY, FIRST_MONDAY + 60, 1.0, seed=seed) for seed in (1, 2)
    ]

    def interference(*episodes):
        knobs = neutral_knobs(1)
        for episode in episodes:
            apply_episode(knobs, episode, np.array([0]), network=town, cell=cell, minute=minute)
        return knobs["dl_interference_db"][0]

    assert interference(*loud) == pytest.approx(interference(loud[0]) + interference(loud[1]))
    assert interference(*loud) > 4


def test_an_office_is_quiet_on_a_holiday_and_a_home_is_not(town):
    cell = np.array([np.flatnonzero(town.statics.type == kind)[0] for kind in (0, 1)])
    minute = np.full(2, FIRST_MONDAY + 600)
    knobs = neutral_knobs(2)
    for row in range(2):
        episode = FaultEpisode(int(cell[row]), FAULTS["holiday"], FIRST_MONDAY, FIRST_MONDAY + 1440, 0.5, seed=9)
        apply_episode(knobs, episode, np.array([row]), network=town, cell=cell, minute=minute)
    office, home = knobs["demand_x"]
    assert office < 0.61
    assert home > 0.89


def test_strict_procedural_classes_move_no_signature_of_a_held_out_class():
    strict = set().union(*(random_fault(k, strict=True).knobs for k in range(300)))
    assert not strict & set(SIGNATURES)
    assert set().union(*(random_fault(k).knobs for k in range(300))) >= set(SIGNATURES)
    held_out = [set(fault.knobs) for fault in FAULTS.values() if fault.held_out]
    assert all(set(random_fault(k).knobs) not in held_out for k in range(3000))


def test_procedural_classes_are_the_same_whenever_they_are_drawn():
    assert random_fault(17) == random_fault(17)
    assert random_fault(17).name == "procedural-17"
    knobs = [random_fault(k).knobs for k in range(200)]
    assert len(set(knobs)) > 180
    assert {len(each) for each in knobs} == {2, 3, 4, 5}
    assert set().union(*knobs) == {name for name, knob in BY_NAME.items() if knob.bounds is not None}


def test_a_family_shows_one_of_two_siblings_in_each_episode(town):
    # Given a family whose class turns a knob with siblings,
    families = [(random_fault(k), random_family(k)) for k in range(60)]
    plain, family = next((a, b) for a, b in families if len(b.moves) > len(a.moves))
    minute, moved_knobs = np.full(1, FIRST_MONDAY + 30), []
    for seed in range(60):
        knobs = neutral_knobs(1)
        episode = FaultEpisode(0, family, FIRST_MONDAY, FIRST_MONDAY + 60, 1.0, seed=seed)
        apply_episode(knobs, episode, np.zeros(1, np.int64), network=town, cell=np.zeros(1, np.int64), minute=minute)
        moved_knobs.append(frozenset(name for name, column in neutral_knobs(1).items() if knobs[name][0] != column[0]))

    assert random_family(17) == random_family(17)
    assert set(plain.knobs) < set(family.knobs)
    visible_knobs = [turned for turned in moved_knobs if turned]  # an intermittent one may be off just then
    assert len(set(visible_knobs)) >= 2
    assert {len(turned) for turned in visible_knobs} == {len(plain.knobs)}
    assert not set(random_family(3, strict=True).knobs) & set(SIGNATURES)
