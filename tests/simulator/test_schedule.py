"""Rates, places, hours and durations of random episodes."""

import time
from collections import Counter

import numpy as np
import pytest

from tests.simulator.builders import FIRST_MONDAY
from trainer.simulator import FAULTS, Network
from trainer.simulator.faults.schedule import (
    CAPACITY_CARRIERS,
    DAY,
    LIVE_RATES,
    LONGEST,
    NIGHT_WORK,
    SHORTEST,
    draw_day,
    duration_minutes,
)
from trainer.simulator.network.cells import STADIUM

MONDAY = FIRST_MONDAY // DAY
DAYS = range(MONDAY, MONDAY + 60)
FACTOR = 3.0
"""Factor on the live rates: sixty days of a small network give enough episodes, but no daily match in a stadium."""

ALL = dict.fromkeys(LIVE_RATES, FACTOR)
ALWAYS = {"energy_saving"}


@pytest.fixture(scope="module")
def city():
    return Network(1200, seed=2)


@pytest.fixture(scope="module")
def drawn(city):
    """Episodes that begin on those days."""
    return [e for day in DAYS for e in draw_day(city, 7, day, ALL)]


def of(drawn, name, place_kind=None):
    return [e for e in drawn if e.fault.name == name and place_kind in (None, e.place_kind)]


def expected(network, rate, place_kind, share):
    """Return the expected episodes per day: by the network's cells, or by its places."""
    statics, per_day = network.statics, rate.per_day * share
    if rate.unit == "1000 cells":
        return per_day * network.cells / 1000
    stadiums = len(set(statics.site[statics.type == STADIUM].tolist()))
    capacity = np.isin(statics.carrier, CAPACITY_CARRIERS).sum()
    places = {"site": network.cells // 3, "region": len(set(statics.region.tolist())), "network": 1, "cell": capacity}
    return per_day * (stadiums if rate.eligible == "stadiums" else places[place_kind])


@pytest.mark.parametrize("name", [name for name in LIVE_RATES if name not in ALWAYS and not FAULTS[name].tdd_only])
def test_it_happens_as_often_as_the_table_says(name, city, drawn):
    for place_kind in {place_kind for rate in LIVE_RATES[name] for place_kind in rate.places}:
        mean = len(DAYS) * FACTOR * sum(
            expected(city, rate, place_kind, rate.places[place_kind])
            for rate in LIVE_RATES[name]
            if place_kind in rate.places
        )  # fmt: skip
        assert abs(len(of(drawn, name, place_kind)) - mean) < 3 * np.sqrt(mean), place_kind


def test_a_clock_is_lost_at_tdd_sites_alone_and_as_often_as_the_table_says(city, drawn):
    lost = of(drawn, "sync_loss_tdd")
    assert all(city.statics.tdd[e.cell] for e in lost)
    sites = len(set(city.statics.site[city.statics.tdd > 0].tolist()))
    mean = len(DAYS) * FACTOR * 0.1 * sites * 3 / 1000
    assert abs(len(lost) - mean) < 3 * np.sqrt(mean)


def test_the_same_share_of_capacity_cells_saves_energy_every_night(city):
    nights = [[e.cell for e in draw_day(city, 7, day, {"energy_saving": 1.0})] for day in DAYS[:5]]
    assert all(night == nights[0] for night in nights)
    capacity = np.flatnonzero(np.isin(city.statics.carrier, CAPACITY_CARRIERS))
    assert set(nights[0]) <= set(capacity.tolist())
    assert abs(len(nights[0]) - 0.3 * len(capacity)) < 3 * np.sqrt(0.21 * len(capacity))


def test_nights_of_saving_energy_begin_and_last_differently(city):
    first_night, next_night = (
        [(e.begin % DAY, e.end - e.begin) for e in draw_day(city, 7, day, {"energy_saving": 1.0})] for day in DAYS[:2]
    )
    assert len(set(first_night)) > 0.9 * len(first_night)
    assert np.mean([a == b for a, b in zip(first_night, next_night, strict=True)]) < 0.1


def test_a_day_is_the_same_whichever_other_days_and_classes_are_drawn(city, drawn):
    for day in (DAYS[-1], DAYS[3]):
        whole = list(draw_day(city, 7, day, ALL))
        assert whole == [e for e in drawn if e.begin // DAY == day]
        alone = [e for name in LIVE_RATES for e in draw_day(city, 7, day, {name: FACTOR})]
        assert alone == whole


def test_another_day_and_another_seed_bring_others(city):
    names = set(LIVE_RATES) - ALWAYS
    drawn = [draw_day(city, *when, ALL) for when in ((7, MONDAY), (7, MONDAY + 1), (8, MONDAY))]
    first_night, *others = [
        {(e.cell, e.fault.name) for e in day if e.place_kind == "cell" and e.fault.name in names} for day in drawn
    ]
    assert len(first_night) > 15
    for other in others:
        assert len(first_night & other) <= 1


def test_what_happens_seldom_happens_often_too_when_everything_is_more_frequent(city):
    # Given the same luck, a factor only adds episodes.
    rare = set(draw_day(city, 7, MONDAY, dict.fromkeys(LIVE_RATES, 1.0)))
    assert rare < set(draw_day(city, 7, MONDAY, dict.fromkeys(LIVE_RATES, 5.0)))


def test_a_factor_of_zero_brings_nothing(city):
    assert not [e for day in DAYS for e in draw_day(city, 7, day, dict.fromkeys(LIVE_RATES, 0.0))]
    assert not list(draw_day(city, 7, MONDAY, {}))


@pytest.mark.parametrize("name", LIVE_RATES)
def test_it_begins_in_its_hours_and_lasts_as_long_as_it_may(name, drawn):
    first, last = (0, 5) if name in NIGHT_WORK else FAULTS[name].hours
    episodes = of(drawn, name)
    hours = [e.begin % DAY / 60 for e in episodes]
    assert first <= min(hours)
    assert max(hours) < last
    assert max(hours) - min(hours) > 0.5 * (last - first) * (len(hours) > 10)
    assert all(SHORTEST <= e.end - e.begin <= LONGEST for e in episodes)
    assert all(0.12 <= e.severity <= 1 for e in episodes)
    assert {e.place_kind for e in episodes} <= {place_kind for rate in LIVE_RATES[name] for place_kind in rate.places}


@pytest.mark.parametrize("name", ["cell_outage", "ul_interference", "capacity_loss", "backhaul_loss", "maintenance"])
def test_its_durations_have_the_median_and_the_90th_percentile_of(name):
    fault = FAULTS[name]
    minutes = [duration_minutes(fault, z) for z in np.random.default_rng(1).standard_normal(20_000).tolist()]
    assert np.median(minutes) == pytest.approx(fault.median_minutes, rel=0.05)
    assert np.percentile(minutes, 90) == pytest.approx(fault.p90_minutes, rel=0.06)


def test_drawn_durations_are_those_of_the_class(city, drawn):
    minutes = [e.end - e.begin for e in of(drawn, "ul_interference")]
    assert len(minutes) > 300
    assert np.median(minutes) == pytest.approx(90, rel=0.25)
    assert np.percentile(minutes, 90) == pytest.approx(600, rel=0.35)


def test_only_what_builds_up_slowly_has_a_ramp_of_its_own(drawn):
    slow = [e.ramp_minutes for e in drawn if e.fault.name in ("pa_degradation", "baseband_overload")]
    assert all(10 <= ramp <= 720 for ramp in slow)
    assert np.median(slow) == pytest.approx(np.sqrt(10 * 720), rel=0.4)
    assert {e.ramp_minutes for e in drawn if e.fault.name == "ul_interference"} == {None}


def test_episodes_are_members_of_their_family_each_with_luck_of_its_own(drawn):
    assert Counter(e.seed for e in drawn).most_common(1)[0][1] <= 2  # 2^31 seeds
    severities = [e.severity for e in drawn]
    assert np.percentile(severities, [20, 50, 90]) == pytest.approx([0.26, 0.52, 0.90], abs=0.04)


def test_a_day_of_ten_thousand_cells_is_drawn_at_once():
    network, begin = Network(10_000, seed=1), time.process_time()
    assert len(list(draw_day(network, 1, MONDAY, dict.fromkeys(LIVE_RATES, 1.0)))) > 1000
    assert time.process_time() - begin < 5
