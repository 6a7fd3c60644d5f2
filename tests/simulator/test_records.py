import numpy as np
import pytest

from tests.simulator.builders import FIRST_MONDAY, POSITION, busy_minutes, with_fault
from trainer.simulator import (
    FAULTS,
    OPERATOR_B,
    FaultEpisode,
    Network,
    apply_episode,
    catalogue,
    draw_severity,
    neutral_knobs,
    random_fault,
    records,
)


def anytime(network, n, seed):
    rng = np.random.default_rng(seed)
    return rng.integers(0, network.cells, n), FIRST_MONDAY + rng.integers(0, 14 * 1440, n)


@pytest.fixture(scope="module")
def fortnight(town):
    """Records of random minutes of two weeks."""
    return records(town, *anytime(town, 30_000, seed=0))


def assert_identities(values):
    v = {name: values[:, position].astype(np.float64) for name, position in POSITION.items()}
    attempts = v["rrc_att_mo_data"] + v["rrc_att_mo_sig"] + v["rrc_att_mt"] + v["rrc_att_other"]
    failures = v["rrc_fail_congestion"] + v["rrc_fail_noreply"] + v["rrc_fail_other"]
    volumes = sum(v[f"vol_{app}_kb"] for app in ("video", "web", "msg", "dload", "rtc", "other"))
    equal = {
        "attempts end in one of four ways": (attempts, v["rrc_succ"] + failures),
        "every connection asks for a context": (v["ng_ctx_att"], v["rrc_succ"]),
        "preparations": (v["ho_prep_att"], v["ho_prep_fail"] + v["ho_exec_succ"] + v["ho_exec_fail"]),
        "cqi": (v["cqi_reports"], v["cqi_lo_cnt"] + v["cqi_mid_cnt"] + v["cqi_hi_cnt"]),
        "timing advance": (v["ra_msg3_ok"], v["ta_near_cnt"] + v["ta_mid_cnt"] + v["ta_far_cnt"]),
        "dns": (v["dns_q"], v["dns_ok"] + v["dns_nx"] + v["dns_servfail"] + v["dns_timeout"]),
        "flows": (v["flows_new"], v["flows_tcp"] + v["flows_quic"] + v["flows_udp"]),
        "volumes": (v["pdcp_vol_dl_kb"], volumes),
    }
    for name, (left, right) in equal.items():
        assert (left == right).all(), name
    chains = [
        ("ng_ctx_succ", "ng_ctx_att"), ("pdu_succ", "pdu_att"), ("pdu_att", "ng_ctx_succ"), ("reg_rej", "reg_att"),
        ("reg_att", "rrc_att_mo_sig"), ("reg_att", "rrc_succ"), ("ho_pingpong", "ho_exec_succ"),
        ("ho_in_succ", "ho_in_att"), ("ho_too_late", "rel_abn_radio"), ("rrc_reest_succ", "rrc_reest_att"),
        ("rrc_conn_mean", "rrc_conn_max"), ("prb_util_dl_pct", "prb_util_dl_peak_pct"),
        ("tb_init_err_dl", "tb_init_dl"), ("tb_resid_err_dl", "tb_init_err_dl"), ("tb_init_err_ul", "tb_init_ul"),
        ("tb_resid_err_ul", "tb_init_err_ul"), ("voice_drop", "voice_succ"), ("voice_succ", "voice_att"),
    ]  # fmt: skip
    for smaller, larger in chains:
        assert (v[smaller] <= v[larger]).all(), f"{smaller} <= {larger}"
    assert (v["ho_too_early"] + v["ho_wrong_cell"] <= v["ho_exec_fail"]).all()
    assert (v["tcp_est"] + v["tcp_syn_noans"] <= v["tcp_syn"]).all()
    assert (v["ra_msg3_ok"] >= attempts + v["rrc_reest_att"]).all()
    counters = [f.name for f in catalogue().features if f.kind == "counter"]
    off = v["avail_s"] == 0
    for name in counters:
        assert (v[name] >= 0).all(), name
        assert (v[name] == np.round(v[name])).all(), name
        assert (v[name][off] == 0).all(), f"{name} of a cell off the air"


def assert_within_bounds(values):
    low, high = catalogue().bounds
    for name, position in POSITION.items():
        reported = values[:, position][~np.isnan(values[:, position])]
        assert (reported >= low[position]).all(), name
        assert (reported <= high[position]).all(), name
    assert not np.isinf(values).any()


def test_the_counters_of_normal_minutes_add_up(fortnight):
    assert_identities(fortnight)
    assert_within_bounds(fortnight)


@pytest.mark.parametrize("name", FAULTS)
def test_the_counters_add_up_and_stay_possible_with(name, town):
    cell, minute = anytime(town, 120, seed=len(name))
    for severity in (draw_severity(0.3), 1.0):
        values = with_fault(town, FAULTS[name], cell, minute, severity)
        assert_identities(values)
        assert_within_bounds(values)


def test_the_counters_add_up_with_procedural_faults(town):
    for k in range(12):
        values = with_fault(town, random_fault(k), *anytime(town, 60, seed=k), severity=1.0)
        assert_identities(values)
        assert_within_bounds(values)


def test_the_counters_of_another_operator_add_up():
    network = Network(150, seed=3, operator=OPERATOR_B)
    values = records(network, *anytime(network, 3000, seed=1))
    assert_identities(values)
    assert_within_bounds(values)


@pytest.mark.bitwise
def test_a_minute_is_the_same_alone_in_any_order_and_in_any_company(town, monkeypatch):
    cell, minute = anytime(town, 500, seed=5)
    together = records(town, cell, minute)

    order = np.random.default_rng(0).permutation(500)
    np.testing.assert_array_equal(records(town, cell[order], minute[order]), together[order])
    for rows in (1, 7, 64, 333):
        monkeypatch.setattr("trainer.simulator.chain.chain.BLOCK_ROWS", rows)
        count = 40 if rows == 1 else 500
        np.testing.assert_array_equal(records(town, cell[:count], minute[:count]), together[:count])


def test_knobs_turned_by_nobody_change_nothing(town):
    cell, minute = anytime(town, 400, seed=6)
    np.testing.assert_array_equal(records(town, cell, minute, neutral_knobs(400)), records(town, cell, minute))


def test_records_leaves_the_callers_knobs_alone(town):
    cell, minute = anytime(town, 2000, seed=8)
    knobs = neutral_knobs(2000)
    records(town, cell, minute, knobs)
    for name, column in neutral_knobs(2000).items():
        np.testing.assert_array_equal(knobs[name], column, err_msg=name)


def test_a_fault_changes_nothing_before_its_onset_after_its_last_minute_or_in_another_cell(town):
    # Given an hour of three cells, and an outage of one of them from minute 20 to 40 and the restart's partial minute,
    begin = FIRST_MONDAY + 18 * 60
    cell, minute = np.repeat([10, 11, 12], 60), np.tile(begin + np.arange(60), 3)
    knobs = neutral_knobs(180)
    episode = FaultEpisode(11, FAULTS["cell_outage"], begin + 20, begin + 40, severity=1.0, seed=3)
    apply_episode(knobs, episode, np.flatnonzero(cell == 11), network=town, cell=cell, minute=minute)

    changed = (np.nan_to_num(records(town, cell, minute, knobs)) != np.nan_to_num(records(town, cell, minute))).any(1)

    expected = (cell == 11) & (minute >= begin + 20) & (minute < begin + 41)
    assert episode.effect_end == begin + 41
    np.testing.assert_array_equal(changed, expected)


def test_what_has_no_samples_is_not_reported(fortnight):
    def column(name):
        return fortnight[:, POSITION[name]]

    np.testing.assert_array_equal(np.isnan(column("cqi_mean")), column("cqi_reports") == 0)
    np.testing.assert_array_equal(np.isnan(column("rtt_core_ms")), column("flows_new") == 0)
    np.testing.assert_array_equal(np.isnan(column("cp_setup_ms")), column("rrc_succ") == 0)
    np.testing.assert_array_equal(np.isnan(column("voice_loss_pct")), column("voice_succ") == 0)
    assert 0.5 < np.isnan(column("voice_loss_pct")).mean() < 0.75
    assert np.isnan(fortnight).mean() < 0.015


def test_a_dead_cell_reports_zeros_and_keeps_a_third_of_its_power(town):
    cell, minute = busy_minutes(town, 60, seed=2)
    dead = with_fault(town, FAULTS["cell_outage"], cell, minute, severity=1.0)
    off = dead[:, POSITION["avail_s"]] == 0
    assert off.mean() > 0.9
    assert np.isnan(dead[off][:, POSITION["ul_ni_dbm"]]).all()
    power = dead[:, POSITION["power_w"]] / records(town, cell, minute)[:, POSITION["power_w"]]
    assert 0.2 < np.median(power[off]) < 0.4


PUBLISHED = {  # p1, p50, p99 over 150 cells and 15 days of the reference implementation
    "rrc_conn_mean": (0.26, 11.4, 199),
    "prb_util_dl_pct": (3.5, 6.9, 80.1),
    "pdcp_vol_dl_kb": (42, 20_095, 664_762),
    "ue_thp_dl_kbps": (2426, 10_641, 27_392),
    "cqi_mean": (5.0, 9.7, 14.0),
    "rsrp_mean_dbm": (-110, -96.4, -81.9),
    "ul_sinr_db": (9.1, 13.3, 16.9),
    "gtp_delay_ms": (2.4, 5.6, 14.8),
    "rtt_access_ms": (17.0, 29.2, 57.2),
    "cpu_load_pct": (6.3, 20.8, 51.5),
    "dns_q": (0, 24, 405),
    "flows_new": (0, 56, 947),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_values_lie_where_they_did_for(name, fortnight):
    transform = np.log1p if name.endswith(("mean", "kb", "kbps", "ms", "q", "new")) and name != "cqi_mean" else np.array
    measured = transform(np.nanpercentile(fortnight[:, POSITION[name]], [1, 50, 99]))
    expected = transform(np.array(PUBLISHED[name], float))
    assert np.abs(measured - expected).max() < 0.17 * (expected[2] - expected[0]), (measured, expected)
