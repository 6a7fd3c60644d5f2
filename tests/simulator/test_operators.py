from collections import Counter
from functools import partial

import numpy as np
import pytest

from tests.simulator.builders import FIRST_MONDAY, POSITION, busy_minutes, with_fault
from tests.simulator.test_records import anytime, assert_identities
from trainer.simulator import (
    FAULTS,
    OPERATOR_A,
    OPERATOR_B,
    Measurement,
    Network,
    catalogue,
    delivered_columns,
    measure,
    random_operator,
    records,
)
from trainer.simulator.measurement import SMOOTHING_MINUTES
from trainer.simulator.network.random_operators import PARTS

OPERATORS = {o.name: o for o in (OPERATOR_A, OPERATOR_B, *map(random_operator, range(10)))}
B = OPERATOR_B.measurement
COUNTERS = {feature.name for feature in catalogue().features if feature.kind == "counter"}


@pytest.fixture(scope="module")
def town_b():
    return Network(120, seed=1, operator=OPERATOR_B)


@pytest.fixture(scope="module")
def truth_and_report(town_b):
    """True and reported values of random minutes of operator B, by feature."""
    cell, minute = anytime(town_b, 3000, seed=2)
    read = partial(records, town_b)
    arrays = read(cell, minute), measure(B, read, cell, minute)
    return tuple({name: array[:, column] for name, column in POSITION.items()} for array in arrays)


def grave(network, name):
    """Return a reader of a network in which every cell has a fault all the time."""

    def read(cell, minute):
        return with_fault(network, FAULTS[name], cell, minute, severity=1.0)

    return read


def naive_mean(column, newest):
    """Return a moving mean over a contiguous series, minute by minute. # [minutes] -> [minutes]"""
    means = []
    for now, value in enumerate(column):
        total = weights = 0.0
        for age in range(min(SMOOTHING_MINUTES, now + 1)):
            if not np.isnan(column[now - age]):
                total += newest * (1 - newest) ** age * float(column[now - age])
                weights += newest * (1 - newest) ** age
        means.append(np.nan if np.isnan(value) else total / weights)
    return np.array(means, np.float32)


def test_a_neutral_measurement_changes_nothing(town):
    cell, minute = anytime(town, 1000, seed=3)
    read = partial(records, town)
    np.testing.assert_array_equal(measure(OPERATOR_A.measurement, read, cell, minute), read(cell, minute))
    assert OPERATOR_A.measurement.catalogue() == catalogue()
    np.testing.assert_array_equal(delivered_columns(OPERATOR_A.measurement), np.arange(130))


def test_measuring_leaves_what_was_read_alone(town):
    cell, minute = anytime(town, 50, seed=3)
    true = records(town, cell, minute)
    original = true.copy()
    measure(Measurement(gains={"flows_new": 2}, missing_features=frozenset({"dns_q"})), lambda *_: true, cell, minute)
    np.testing.assert_array_equal(true, original)


def test_operator_b_delivers_105_features_in_its_own_units(truth_and_report):
    features = {feature.name: feature for feature in B.catalogue().features}
    assert len(features) == len(delivered_columns(B)) == 105
    assert [catalogue().names[column] for column in delivered_columns(B)] == list(features)
    assert features["ue_thp_dl_kbps"].unit == "Mbps"
    assert features["ue_thp_dl_kbps"].high == pytest.approx(catalogue().features[POSITION["ue_thp_dl_kbps"]].high / 1e3)
    assert features["pdcp_vol_dl_kb"].unit == "MB"
    assert features["delay_rlc_dl_ms"].unit == features["dns_rt_ms"].unit == "0.1 ms"
    assert (features["ul_ni_dbm"].low, features["ul_ni_dbm"].high) == (-183, 117)

    true, reported = truth_and_report
    reported_mask = ~np.isnan(true["ue_thp_dl_kbps"])
    factors = {"ue_thp_dl_kbps": 1e-3, "pdcp_vol_dl_kb": 1e-3, "delay_rlc_dl_ms": 10, "dns_rt_ms": 10}
    for name, factor in factors.items():
        np.testing.assert_allclose(
            reported[name][reported_mask], np.nan_to_num(true[name][reported_mask]) * factor, rtol=1e-6
        )
    np.testing.assert_array_equal(reported["ul_ni_dbm"], np.rint(true["ul_ni_dbm"] + 17))
    np.testing.assert_allclose(reported["cqi_mean"], true["cqi_mean"] * 0.85 - 0.3, rtol=1e-4)
    np.testing.assert_allclose(reported["active_ue_dl_mean"], true["active_ue_dl_mean"] * 0.2, rtol=1e-6)


def test_operator_b_counts_other_things_under_the_same_names(truth_and_report):
    true, reported = truth_and_report
    assert np.isnan(reported["rrc_fail_noreply"]).all()
    assert true["rrc_fail_noreply"].sum() > 100
    np.testing.assert_array_equal(reported["rrc_fail_other"], true["rrc_fail_other"] + true["rrc_fail_noreply"])
    np.testing.assert_allclose(reported["tcp_retx_dl"], true["tcp_retx_dl"] * 1.6, atol=0.51)
    np.testing.assert_array_equal(reported["dns_timeout"], true["dns_timeout"] // 3)
    for name in B.integer_gauges:
        assert (reported[name] == np.rint(reported[name]))[~np.isnan(reported[name])].all(), name


def test_operator_b_leaves_25_features_out_and_reports_zero_where_six_others_are_null(truth_and_report):
    true, reported = truth_and_report
    assert len(B.missing_features) == 25
    for name in B.missing_features:
        assert np.isnan(reported[name]).all(), name
    assert len(B.zero_for_null) == 6
    for name in B.zero_for_null:
        np.testing.assert_array_equal(reported[name] == 0, np.isnan(true[name]) | (true[name] == 0), err_msg=name)
    assert np.isnan(true["voice_loss_pct"]).mean() > 0.3


@pytest.mark.parametrize("name", OPERATORS)
def test_reports_stay_within_the_bounds_of_the_catalogue_of(name):
    network = Network(90, seed=4, operator=OPERATORS[name])
    measurement = network.operator.measurement
    low, high = measurement.catalogue().bounds
    assert (low < high).all()
    reads = [partial(records, network)]
    reads += [grave(network, fault) for fault in ("cell_outage", "ul_interference", "dns_failure")]
    for read in reads:
        reported = measure(measurement, read, *anytime(network, 60, seed=9))[:, delivered_columns(measurement)]
        reported_mask = ~np.isnan(reported)
        assert not np.isinf(reported).any()
        assert ((reported >= low) | ~reported_mask).all()
        assert ((reported <= high) | ~reported_mask).all()


@pytest.mark.parametrize("name", OPERATORS)
def test_counters_stay_whole_numbers_of_events_with(name, town):
    measurement = OPERATORS[name].measurement
    reported = measure(measurement, partial(records, town), *anytime(town, 200, seed=6))
    for feature in catalogue().features:
        if feature.kind == "counter" and feature.name not in measurement.missing_features:
            per = measurement.units[feature.unit].per if feature.unit in measurement.units else 1
            events = reported[:, POSITION[feature.name]].astype(float) / per
            events = events[~np.isnan(events)]
            assert (events >= 0).all(), feature.name
            np.testing.assert_allclose(events, np.rint(events), rtol=2e-7, atol=0, err_msg=feature.name)


@pytest.mark.bitwise
@pytest.mark.parametrize("name", ["B", "R0", "R7"])
def test_a_minute_is_measured_alike_alone_in_any_order_and_in_any_company(name, town):
    # Given three evenings of four cells, some of them twice, so that rows are each other's past,
    measurement = OPERATORS[name].measurement
    read = partial(records, town)
    cell = np.repeat([3, 4, 150, 299], 60)
    minute = np.tile(FIRST_MONDAY + 20 * 60 + np.arange(60), 4)
    cell, minute = np.append(cell, cell[:9]), np.append(minute, minute[:9])
    together = measure(measurement, read, cell, minute)

    order = np.random.default_rng(0).permutation(len(cell))
    np.testing.assert_array_equal(measure(measurement, read, cell[order], minute[order]), together[order])
    for rows in (1, 7, 50):
        blocks = [slice(begin, begin + rows) for begin in range(0, len(cell) if rows > 1 else 20, rows)]
        pieces = np.concatenate([measure(measurement, read, cell[block], minute[block]) for block in blocks])
        np.testing.assert_array_equal(pieces, together[: len(pieces)])


def test_a_smoothed_gauge_is_the_weighted_mean_of_the_last_minutes_that_were_reported(town):
    # Given a night and a morning of a small cell, with nulls of its own and an outage's,
    cell = np.full(600, int(np.argmin(town.statics.busy_attempts)))
    minute = FIRST_MONDAY + np.arange(600)

    def read(cells, minutes):
        values = records(town, cells, minutes)
        values[(minutes >= FIRST_MONDAY + 300) & (minutes < FIRST_MONDAY + 320)] = np.nan
        return values

    smoothed = {"rtt_core_ms": 0.2, "cpu_load_pct": 0.35, "voice_loss_pct": 0.6, "power_w": 1.0}
    reported = measure(Measurement(smoothing_weights=smoothed), read, cell, minute)
    true = read(
        np.full(600 + SMOOTHING_MINUTES, cell[0]), FIRST_MONDAY - SMOOTHING_MINUTES + np.arange(600 + SMOOTHING_MINUTES)
    )
    for name, newest in smoothed.items():
        expected = naive_mean(true[:, POSITION[name]], newest)[SMOOTHING_MINUTES:]
        np.testing.assert_allclose(reported[:, POSITION[name]], expected, rtol=1e-6, err_msg=name)
    assert np.isnan(true[:, POSITION["voice_loss_pct"]]).mean() > 0.2
    others = [column for name, column in POSITION.items() if name not in smoothed]
    np.testing.assert_array_equal(reported[:, others], true[SMOOTHING_MINUTES:, others])


def test_earlier_minutes_are_read_once_and_only_where_something_is_smoothed(town):
    requested = []

    def read(cell, minute):
        requested.extend(zip(cell.tolist(), minute.tolist(), strict=True))
        return records(town, cell, minute)

    cell, minute = np.repeat([5, 6], 100), np.tile(FIRST_MONDAY + np.arange(100), 2)
    measure(B, read, cell, minute)
    assert len(requested) == len(set(requested)) == 2 * (100 + SMOOTHING_MINUTES - 1)

    requested.clear()
    measure(OPERATOR_A.measurement, read, cell, minute)
    assert requested == list(zip(cell.tolist(), minute.tolist(), strict=True))


def test_random_operators_miss_15_to_35_percent_by_parts_that_belong_together():
    shares = []
    for seed in range(50):
        missing = random_operator(seed).measurement.missing_features
        shares.append(len(missing) / 130)
        for part in PARTS:
            names = set(part.split())
            assert names <= missing or not names & missing, part
        left = Counter(f.group for f in random_operator(seed).measurement.catalogue().features)
        assert set(left) == {f.group for f in catalogue().features}
    assert 0.15 <= min(shares) < 0.20
    assert 0.30 < max(shares) <= 0.35


def test_parts_are_of_one_group_each_and_name_no_feature_twice():
    group = {feature.name: feature.group for feature in catalogue().features}
    names = [name for part in PARTS for name in part.split()]
    assert len(names) == len(set(names))
    assert all(len({group[name] for name in part.split()}) == 1 for part in PARTS)


def test_the_same_seed_gives_the_same_operator_and_another_seed_another():
    assert random_operator(5) == random_operator(5)
    assert random_operator(5).name == "R5"
    worlds = {random_operator(seed).busy_attempts for seed in range(50)}
    gaps = {random_operator(seed).measurement.missing_features for seed in range(50)}
    assert len(worlds) == len(gaps) == 50


def test_random_operators_lie_within_the_ranges_and_fill_them():
    operators = [random_operator(seed) for seed in range(200)]
    ranges = {
        "busy_attempts": (12, 60), "attempts_sigma": (0.9, 1.4), "profile_exponent": (0.7, 1.2),
        "profile_shift_hours": (-2, 3), "hold_seconds": (20, 120), "connection_kb": (300, 3000),
        "failure_scale": (0.5, 3),
    }  # fmt: skip
    for name, (low, high) in ranges.items():
        drawn = np.array([getattr(operator, name) for operator in operators])
        assert low <= drawn.min() < low + 0.1 * (high - low), name
        assert high - 0.1 * (high - low) < drawn.max() <= high, name
    for operator in operators:
        for shares in (operator.type_shares, operator.carrier_shares, operator.cause_mix):
            assert sum(shares) == pytest.approx(1)
    gains = np.log([gain for o in operators for name, gain in o.measurement.gains.items() if name in COUNTERS])
    assert np.std(gains) == pytest.approx(0.3, abs=0.01)
    assert abs(np.mean(gains)) < 0.01
    weights = [weight for o in operators for weight in o.measurement.smoothing_weights.values()]
    assert 0.2 <= min(weights) < 0.25
    assert 0.95 < max(weights) <= 1


def test_random_operators_report_no_share_above_100_percent_and_no_gap_as_a_level():
    for seed in range(50):
        measurement = random_operator(seed).measurement
        assert all(f.high <= 100 for f in measurement.catalogue().features if f.unit == "%")
        assert not measurement.zero_for_null & set(measurement.offsets)
        assert not set(measurement.gains) & set(measurement.offsets)
        for name in measurement.zero_for_null:
            assert catalogue().features[POSITION[name]].unit in ("kbps", "ms", "s", "B")


@pytest.mark.parametrize("seed", range(5))
def test_the_true_counters_add_up_in_the_network_of_random_operator(seed):
    network = Network(90, seed=2, operator=random_operator(seed))
    assert network.names[0] == f"R{seed}00000-1"
    assert_identities(records(network, *anytime(network, 1500, seed=seed)))
    assert_identities(grave(network, "cell_outage")(*busy_minutes(network, 60, seed=seed)))
