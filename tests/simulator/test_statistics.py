"""Statistics of a small simulated network against published values."""

import numpy as np
import pytest

from tests.simulator.builders import FIRST_MONDAY, POSITION
from trainer.simulator import Network, records
from trainer.simulator.chain.demand import MONDAY
from trainer.simulator.network.profiles import CELL_TYPES

ATTEMPTS = ("rrc_att_mo_data", "rrc_att_mo_sig", "rrc_att_mt", "rrc_att_other")
SLOTS = np.arange(0, 1440, 30)


@pytest.fixture(scope="module")
def city():
    return Network(900, seed=4)


@pytest.fixture(scope="module")
def weekday(city):
    """Records of every half hour of a Tuesday in every cell. # [900, 48, F]"""
    minute = FIRST_MONDAY + 1440 + SLOTS
    values = records(city, np.repeat(np.arange(900), len(SLOTS)), np.tile(minute, 900))
    return values.reshape(900, len(SLOTS), -1).astype(np.float64)


def total(values, *names):
    return np.nansum(sum(values[..., POSITION[name]] for name in names))


def test_monday_is_a_monday():
    assert np.datetime64(FIRST_MONDAY, "m").astype("datetime64[D]").astype(object).weekday() == 0
    assert (FIRST_MONDAY + MONDAY) % 10080 == 0


def test_load_is_as_unequal_as_measured_in_real_networks(weekday):
    # Deciles of sessions per minute at 282,000 base stations: Gini 0.53, busiest tenth 37 % (Zanella et al., IMC 2023)
    cells = np.sort(sum(weekday[..., POSITION[name]] for name in ATTEMPTS).sum(axis=1))
    n = len(cells)
    gini = (2 * np.arange(1, n + 1) - n - 1) @ cells / (n * cells.sum())
    assert 0.46 < gini < 0.62
    assert 0.30 < cells[-n // 10 :].sum() / cells.sum() < 0.44
    log = np.log(cells + 1)
    assert -1.2 < ((log - log.mean()) ** 3).mean() / log.std() ** 3 < 0


def test_nights_are_quiet_and_busy_hours_are_where_people_are(city, weekday):
    attempts = sum(weekday[..., POSITION[name]] for name in ATTEMPTS)
    hourly = attempts.reshape(900, 24, 2).sum(axis=2)
    by_type = {name: hourly[city.statics.type == kind].sum(axis=0) for kind, name in enumerate(CELL_TYPES)}
    assert 9 <= by_type["business"].argmax() <= 16
    assert 19 <= by_type["residential"].argmax() <= 22
    assert by_type["transport"].argmax() in (7, 8, 9, 17, 18)
    assert 17 <= by_type["rural"].argmax() <= 20
    assert 0.08 < hourly[:, 2:5].sum() / 3 / hourly.sum(axis=0).max() < 0.22


def test_business_rests_at_the_weekend(city):
    cell = np.flatnonzero(city.statics.type == 0)[:100]

    def connections(day):
        minute = FIRST_MONDAY + day * 1440 + SLOTS
        return total(records(city, np.repeat(cell, len(SLOTS)), np.tile(minute, len(cell))), "rrc_succ")

    assert 0.3 < connections(5) / connections(2) < 0.7


def test_base_failure_rates_are_those_of_a_network_in_order(weekday):
    assert 0.985 < total(weekday, "rrc_succ") / total(weekday, *ATTEMPTS) < 0.998
    assert 0.995 < total(weekday, "ng_ctx_succ") / total(weekday, "ng_ctx_att") < 0.999
    assert 0.985 < 1 - total(weekday, "ho_prep_fail") / total(weekday, "ho_prep_att") < 0.997
    executed = total(weekday, "ho_exec_succ", "ho_exec_fail")
    assert 0.98 < total(weekday, "ho_exec_succ") / executed < 0.996
    abnormal = total(weekday, "rel_abn_radio", "rel_abn_tnl", "rel_abn_ho", "rel_abn_core")
    assert 0.003 < abnormal / total(weekday, "rel_normal", "rel_inactivity") < 0.012
    assert 0.08 < total(weekday, "tb_init_err_dl") / total(weekday, "tb_init_dl") < 0.12
    assert 0.005 < total(weekday, "tcp_retx_dl") / total(weekday, "pkts_dl") / 0.52 < 0.02
    assert 0.04 < total(weekday, "dns_nx") / total(weekday, "dns_q") < 0.12
    assert 0.08 < total(weekday, "pdcp_vol_ul_kb") / total(weekday, "pdcp_vol_dl_kb") < 0.2


def test_physics_ties_the_features_of_a_cell_together(city):
    # Given two days of the busiest cells,
    cell = np.argsort(city.statics.busy_attempts)[-12:]
    minute = FIRST_MONDAY + np.arange(0, 2880, 6)
    values = records(city, np.repeat(cell, len(minute)), np.tile(minute, len(cell))).reshape(12, len(minute), -1)

    def rank_correlation(first, second):
        ranks = [values[..., POSITION[name]].argsort(axis=1).argsort(axis=1) for name in (first, second)]
        return np.median([np.corrcoef(a, b)[0, 1] for a, b in zip(*ranks, strict=True)])

    assert rank_correlation("pdcp_vol_dl_kb", "prb_util_dl_pct") > 0.95
    assert rank_correlation("rrc_succ", "flows_new") > 0.9
    assert rank_correlation("cqi_mean", "mcs_mean_dl") > 0.9
    assert rank_correlation("prb_util_dl_pct", "ue_thp_dl_kbps") < -0.35
    assert rank_correlation("ul_ni_dbm", "ul_sinr_db") < -0.35
    assert rank_correlation("phr_neg_pct", "rsrp_mean_dbm") < -0.7
    assert abs(rank_correlation("rtt_core_ms", "rtt_access_ms")) < 0.15
