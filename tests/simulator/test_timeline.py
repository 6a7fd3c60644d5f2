"""What befalls a network, in its records: who is struck, who feels it, when it is over, and what it is called."""

import numpy as np
import pytest

from tests.simulator.builders import FIRST_MONDAY, POSITION, busy_minutes
from tests.simulator.test_records import assert_identities, assert_within_bounds
from trainer.simulator import (
    FAULTS,
    OPERATOR_B,
    FaultEpisode,
    Network,
    NetworkTimeline,
    draw_severity,
    effects,
    records,
)
from trainer.simulator.faults.episodes import constants_of
from trainer.simulator.faults.fault_class import amount_of
from trainer.simulator.faults.footprints import MOST_ABSORBED, footprint, struck_cells
from trainer.simulator.timeline import ACTIVE, HEALTHY, ONSET, RECOVERY

BEGIN = FIRST_MONDAY + 11 * 60
MIDDLE = 165
"""A cell of the sixth site in the sixth row of ten: all around it are others."""

ATTEMPTS = [POSITION[f"rrc_att_{cause}"] for cause in ("mo_data", "mo_sig", "mt", "other")]
PLACES = ("cell", "site", "chain", "region", "network")
NATURAL = {
    "backhaul_congestion": "chain", "backhaul_loss": "chain", "baseband_overload": "site", "sync_loss_tdd": "site",
    "signalling_storm": "region", "core_cp_outage": "region", "userplane_failure": "region", "dns_failure": "region",
    "mass_event": "site", "maintenance": "site", "holiday": "network", "app_flash_crowd": "network",
}  # fmt: skip
"""Whom a class strikes, where that is not one cell."""


def episode(name, place="cell", cell=MIDDLE, begin=BEGIN, minutes=40, severity=1.0, seed=3, **more):
    return FaultEpisode(cell, FAULTS[name], begin, begin + minutes, severity, seed, place, **more)


def centre(network, name):
    """A cell that the class can strike, with neighbours on every side."""
    return next(c for c in range(MIDDLE, network.cells) if network.statics.tdd[c] or not FAULTS[name].tdd_only)


def everywhere(network, minutes):
    """Every cell in each of those minutes. # -> cell [n], minute [n]"""
    return np.tile(np.arange(network.cells), len(minutes)), np.repeat(minutes, network.cells)


def differs(one, other):
    """# [n, F], [n, F] -> [n]"""
    return ~((one == other) | (np.isnan(one) & np.isnan(other))).all(axis=1)


def changed(life, cell, minute):
    return differs(life.true_values(cell, minute), life.true_twin(cell, minute))


def feeling(network, what, struck):
    """Slowly and obviously: the healthy cells that the spills of an episode name."""
    found = set()
    for spill in what.fault.spills if what.place != "network" else ():
        most = amount_of(spill.most, constants_of(what))
        for cell in struck:
            around = network.neighbours(cell).tolist()
            if spill.to == "far ring":
                second = {c for near in around for c in network.neighbours(near).tolist()}
                near = sorted(second - {*around, cell})
            else:
                kept = {"sectors": {True}, "nearest": {False}, "ring": {True, False}}[spill.to]
                near = [c for c in around if (c // 3 == cell // 3) in kept]
            near = near[: int(min(most, len(near)))]
            found |= {c for c in near if network.statics.tdd[c] or not spill.tdd_only}
    return found - set(struck)


def sites_of(cells):
    return sorted({cell // 3 for cell in cells})


# Where an episode strikes


def test_each_place_strikes_the_cells_that_it_names(town):
    def struck(place, **more):
        return struck_cells(town, episode("dns_failure", place, **more))

    region = town.statics.region
    assert struck(None) == struck("cell") == [MIDDLE]
    assert struck("site") == [165, 166, 167]
    assert struck("site", cell=167) == [165, 166, 167]
    assert struck("region") == np.flatnonzero(region == region[MIDDLE]).tolist()
    assert struck("network") == list(range(300))


def test_a_chain_is_two_to_five_neighbouring_sites_of_one_row_wherever_it_begins(town):
    lengths = set()
    for seed in range(40):
        for cell in (MIDDLE, 0, 29, 299):  # in the middle, at both ends of the first row, the very last
            sites = sites_of(struck_cells(town, episode("backhaul_loss", "chain", cell=cell, seed=seed)))
            lengths.add(len(sites))
            assert cell // 3 in sites
            assert sites == list(range(sites[0], sites[-1] + 1))
            assert len({site // town.side for site in sites}) == 1
    assert lengths == {2, 3, 4, 5}


@pytest.mark.parametrize("place", ["site", "chain", "region", "network"])
def test_only_tdd_cells_lose_their_time_in_a(place, town):
    struck = struck_cells(town, episode("sync_loss_tdd", place, cell=centre(town, "sync_loss_tdd")))
    assert struck
    assert town.statics.tdd[struck].all()


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", ["cell_outage", "ul_interference", "sync_loss_tdd", "mass_event"])
def test_the_cells_of_a_footprint_change_and_no_others(name, place, town):
    what = episode(name, place, cell=centre(town, name))
    struck = struck_cells(town, what)
    cell, minute = everywhere(town, BEGIN + np.array([17, 25, 33]))

    found = set(cell[changed(NetworkTimeline(town, [what]), cell, minute)].tolist())

    assert found == set(struck) | feeling(town, what, struck)


@pytest.mark.parametrize("place", ["site", "chain", "region"])
@pytest.mark.parametrize("name", ["cell_outage", "dl_interference", "ho_pingpong", "sync_loss_tdd"])
def test_a_stricken_cell_does_not_feel_its_stricken_neighbours_as_well(name, place, town):
    parts = footprint(town, episode(name, place, cell=centre(town, name)))
    struck = [cell for part in parts if part.primary for cell in part.cells]
    near = [cell for part in parts if not part.primary for cell in part.cells]
    assert near
    assert not set(struck) & set(near)
    assert len(struck) == len(set(struck))
    assert max(near.count(cell) for cell in near) <= len(FAULTS[name].spills)


@pytest.mark.parametrize("name", FAULTS)
def test_it_changes_its_own_minutes_and_cells_and_nothing_else_with(name, town):
    what = episode(name, NATURAL.get(name, "cell"), cell=centre(town, name))
    struck = struck_cells(town, what)
    near = feeling(town, what, struck)
    minutes = np.array([-1440, -2, -1, 0, 5, 12, 25, 39])
    cell, minute = everywhere(town, np.concatenate([BEGIN + minutes, what.effect_end + np.array([-1, 0, 1, 60])]))

    touched = changed(NetworkTimeline(town, [what]), cell, minute)

    inside = (minute >= BEGIN) & (minute < what.effect_end)
    assert not touched[~inside].any()
    assert set(cell[touched].tolist()) <= {*struck, *near}
    assert touched[np.isin(cell, struck) & inside].mean() > 0.3
    assert near == set() or touched[np.isin(cell, [*near]) & inside].any()


@pytest.mark.parametrize("name", FAULTS)
def test_without_a_place_no_neighbour_feels(name, town):
    cell = centre(town, name)
    cells, minute = everywhere(town, BEGIN + np.array([5, 20]))
    touched = changed(NetworkTimeline(town, [episode(name, None, cell=cell)]), cells, minute)
    assert set(cells[touched].tolist()) <= {cell}


@pytest.mark.parametrize("cells", [1, 2, 4])
def test_the_smallest_networks_have_all_places_too(cells):
    # Given a network of TDD cells, so that every class can strike there,
    network = next(n for n in (Network(cells, seed) for seed in range(1000)) if n.statics.tdd.all())
    episodes = [episode(name, place, cell=cells - 1) for name in FAULTS for place in PLACES]
    life = NetworkTimeline(network, episodes)
    cell, minute = everywhere(network, BEGIN + np.array([4]))
    assert changed(life, cell, minute).all()
    assert life.labels(cell, minute).primary.all()


# A function of the minute


def crowded(network):
    """Many episodes of all kinds of place on top of each other."""
    rng = np.random.default_rng(5)
    episodes = []
    for number, name in enumerate([*FAULTS, *FAULTS]):
        cell = int(rng.integers(150, 180)) if not FAULTS[name].tdd_only else centre(network, name)
        place = (*PLACES, None)[number % 6]
        begin = BEGIN + int(rng.integers(-60, 60))
        episodes.append(FaultEpisode(cell, FAULTS[name], begin, begin + 90, float(rng.uniform(0.2, 1)), number, place))
    return NetworkTimeline(network, episodes)


@pytest.mark.bitwise
@pytest.mark.parametrize("operator", ["A", "B"])
def test_a_minute_is_the_same_alone_in_any_order_and_in_any_company(operator, town):
    network = town if operator == "A" else Network(300, seed=1, operator=OPERATOR_B)
    life, rng = crowded(network), np.random.default_rng(1)
    cell, minute = rng.integers(140, 200, 600), BEGIN + rng.integers(-70, 160, 600)
    together = life.reported_values(cell, minute)

    order = rng.permutation(600)
    np.testing.assert_array_equal(life.reported_values(cell[order], minute[order]), together[order])
    for rows in (1, 7, 50):
        parts = [slice(start, start + rows) for start in range(0, 12 * rows, rows)]
        apart = np.concatenate([life.reported_values(cell[part], minute[part]) for part in parts])
        np.testing.assert_array_equal(apart, together[: len(apart)])
    assert differs(together, life.reported_twin(cell, minute)).mean() > 0.5


def test_labels_are_the_same_alone_and_in_any_order(town):
    life, rng = crowded(town), np.random.default_rng(2)
    cell, minute = rng.integers(140, 200, 300), BEGIN + rng.integers(-70, 160, 300)
    order = rng.permutation(300)
    together, shuffled = life.labels(cell, minute), life.labels(cell[order], minute[order])
    for name, column in vars(together).items():
        np.testing.assert_array_equal(vars(shuffled)[name], column[order], err_msg=name)
        alone = [vars(life.labels(cell[[row]], minute[[row]]))[name][0] for row in range(40)]
        np.testing.assert_array_equal(alone, column[:40], err_msg=name)


def test_the_twin_is_a_life_in_which_nothing_happens(town):
    cell, minute = busy_minutes(town, 300, seed=3)
    life, empty = crowded(town), NetworkTimeline(town)
    np.testing.assert_array_equal(life.reported_twin(cell, minute), empty.reported_values(cell, minute))
    np.testing.assert_array_equal(life.true_twin(cell, minute), records(town, cell, minute))
    assert (empty.labels(cell, minute).name == "normal").all()


def test_no_minutes_at_all_are_answered_too(town):
    none = np.empty(0, np.int64)
    assert crowded(town).reported_values(none, none).shape == (0, 130)
    assert len(crowded(town).labels(none, none).name) == 0


def test_two_episodes_on_one_cell_compose(town):
    # Given noise of the uplink and dead name servers, in one cell at once,
    cell, minute = np.full(30, MIDDLE), BEGIN + np.arange(5, 35)
    noise, names = episode("ul_interference", seed=2), episode("dns_failure", seed=1)

    both, loud, mute, healthy = (
        NetworkTimeline(town, what).true_values(cell, minute) for what in ([noise, names], [noise], [names], [])
    )

    # then the cell is as loud as with the one alone, and its names are as dead as with the other.
    uplink, timeouts = POSITION["ul_ni_dbm"], POSITION["dns_timeout"]
    np.testing.assert_allclose(both[:, uplink], loud[:, uplink], atol=0.1)
    assert loud[:, uplink].mean() > healthy[:, uplink].mean() + 3
    assert both[:, timeouts].sum() == pytest.approx(mute[:, timeouts].sum(), rel=0.1)
    assert mute[:, timeouts].sum() > 3 * healthy[:, timeouts].sum()


# Users who find another cell


def full_outage(cell, place="cell"):
    """Of the two thirds that take the cell off the air altogether."""
    return next(
        what
        for what in (episode("cell_outage", place, cell=cell, seed=seed) for seed in range(cell, cell + 100))
        if constants_of(what)[0] >= 0.35
    )


@pytest.mark.parametrize("place", ["cell", "site"])
def test_neighbours_gain_three_quarters_of_what_an_outage_loses(place, town):
    # Given one outage of each of 25 cells or sites all over the town, each by itself,
    gained = lost = 0.0
    for cell in range(1, 300, 12):
        what = full_outage(cell, place)
        life, struck = NetworkTimeline(town, [what]), struck_cells(town, what)
        near = [c for part in footprint(town, what) if not part.primary for c in part.cells]
        cells = np.array(sorted({*struck, *near}))
        at, minute = np.repeat(cells, 5), np.tile(BEGIN + np.arange(10, 35, 5), len(cells))
        more = (life.true_values(at, minute) - life.true_twin(at, minute))[:, ATTEMPTS].sum(axis=1)
        gained += more[~np.isin(at, struck)].sum()
        lost -= more[np.isin(at, struck)].sum()
    assert lost > 1000
    assert 0.6 < gained / lost < 0.85


def test_an_outage_brings_most_neighbours_a_little_and_some_a_lot(town):
    weights = [
        part.weight
        for cell in range(300)
        for part in footprint(town, episode("cell_outage", cell=cell))
        if not part.primary and any(move.knob == "demand_x" for move in part.moves)
        for _ in part.cells
    ]
    assert 0.05 < np.median(weights) < 0.12
    assert 0.4 < np.percentile(weights, 90) < 0.8
    assert max(weights) == MOST_ABSORBED


# How it ends


def test_the_first_minute_after_an_outage_is_a_partial_one(town):
    seconds = []
    for cell in range(0, 300, 11):
        what = full_outage(cell)
        life, minute = NetworkTimeline(town, [what]), what.end + np.array([-1, 0, 1])
        values, twin = (read(np.full(3, cell), minute) for read in (life.true_values, life.true_twin))
        before, first, after = values[:, POSITION["avail_s"]]
        assert before == 0
        assert first < twin[1, POSITION["avail_s"]]
        assert after == twin[2, POSITION["avail_s"]]
        assert what.effect_end == what.end + 1
        smaller = [POSITION[name] for name in ("cqi_reports", "pag_rx", "rrc_conn_mean")]
        assert (values[1, smaller] < twin[1, smaller]).all()
        seconds.append(first)
    assert 4 <= min(seconds) < 15  # 5 to 55 seconds, and the counter itself sometimes loses one
    assert 45 < max(seconds) <= 55


def test_the_users_of_a_cell_that_is_back_have_left_its_neighbours(town):
    what = full_outage(MIDDLE)
    near = town.neighbours(MIDDLE)
    for minute, felt in ((what.end - 1, True), (what.end, False)):
        assert changed(NetworkTimeline(town, [what]), near, np.full(len(near), minute)).any() == felt


def test_an_overloaded_baseband_is_restarted_for_three_minutes_at_its_end(town):
    what = episode("baseband_overload", "site")
    minute = what.end + np.arange(-2, 6)
    seconds = NetworkTimeline(town, [what]).true_values(np.full(8, MIDDLE), minute)[:, POSITION["avail_s"]]
    assert (seconds[2:5] == 0).all()
    assert (seconds[[0, 1, 5, 6, 7]] >= 59).all()
    assert what.effect_end == what.end + 3


@pytest.mark.parametrize("name", ["signalling_storm", "core_cp_outage"])
def test_a_storm_dies_away_within_an_hour_and_a_half(name):
    lasting = []
    for seed in range(40):
        what = episode(name, "region", minutes=120, severity=0.5, seed=seed)
        fading = what.intensity(np.arange(what.end, what.effect_end))
        third = len(fading) // 3
        parts = [fading[:third].mean(), fading[third : 2 * third].mean(), fading[2 * third :].mean()]
        assert 0.5 > parts[0] > parts[1] > parts[2] > 0
        assert (what.intensity(np.array([what.effect_end, what.effect_end + 1])) == 0).all()
        lasting.append(what.effect_end - what.end)
    assert 30 <= min(lasting) < 40
    assert 80 < max(lasting) <= 90


def test_a_slow_ramp_takes_its_time():
    slow = episode("pa_degradation", minutes=1440, severity=0.8, ramp_minutes=600)
    fast = episode("pa_degradation", minutes=1440, severity=0.8)
    hours = BEGIN + np.arange(1440)
    by_hour = slow.intensity(hours).reshape(24, 60).mean(axis=1)
    assert by_hour[0] == pytest.approx(0.15 * 0.8, rel=0.05)
    assert by_hour[5] == pytest.approx(0.55 * 0.8, rel=0.05)
    assert by_hour[12] == pytest.approx(0.8, rel=0.05)
    assert fast.intensity(hours).reshape(24, 60).mean(axis=1)[1] == pytest.approx(0.8, rel=0.05)


# What it is called


def test_each_minute_of_an_episode_is_labelled_by_its_phase(town):
    what = episode("signalling_storm", "cell", severity=0.7)
    minute = np.arange(BEGIN - 5, what.effect_end + 5)
    labels = NetworkTimeline(town, [what]).labels(np.full(len(minute), MIDDLE), minute)

    inside = (minute >= BEGIN) & (minute < what.effect_end)
    np.testing.assert_array_equal(labels.name, np.where(inside, "signalling_storm", "normal"))
    np.testing.assert_array_equal(labels.episode, np.where(inside, 0, -1))
    np.testing.assert_array_equal(labels.primary, inside)
    np.testing.assert_array_equal(labels.severity, np.where(inside, np.float32(0.7), 0))
    np.testing.assert_array_equal(labels.intensity, what.intensity(minute))
    phases = [HEALTHY] * 5 + [ONSET] * 10 + [ACTIVE] * 30 + [RECOVERY] * (what.effect_end - what.end) + [HEALTHY] * 5
    np.testing.assert_array_equal(labels.phase, phases)
    assert (labels.others == 0).all()


@pytest.mark.parametrize("name", FAULTS)
def test_its_footprint_is_labelled_and_nothing_else_with(name, town):
    what = episode(name, NATURAL.get(name, "cell"), cell=centre(town, name))
    struck = struck_cells(town, what)
    near = feeling(town, what, struck)
    minutes = np.array([BEGIN - 1, BEGIN, BEGIN + 20, what.end - 1, what.end, what.effect_end - 1, what.effect_end])
    cell, minute = everywhere(town, minutes)

    labels = NetworkTimeline(town, [what]).labels(cell, minute)

    inside = (minute >= BEGIN) & (minute < what.effect_end)
    here = np.isin(cell, [*struck, *near]) & inside
    np.testing.assert_array_equal(labels.name != "normal", here)
    np.testing.assert_array_equal(labels.episode, np.where(here, 0, -1))
    np.testing.assert_array_equal(labels.primary, np.isin(cell, struck) & inside)
    assert (labels.name[labels.primary] == name).all()
    called = {spill.called or name for spill in FAULTS[name].spills}
    assert set(labels.name[here & ~labels.primary].tolist()) == (called if near else set())
    assert (labels.severity[here] > 0).all()
    assert (labels.severity[here & ~labels.primary] <= 1).all()
    assert (labels.phase[here & (minute < BEGIN + 10)] == ONSET).all()
    assert (labels.phase[~here] == HEALTHY).all()


def test_a_cells_own_fault_comes_before_what_it_feels_of_a_neighbours(town):
    # Given a grave outage, whose neighbour has a slight trouble of its own for ten minutes,
    outage, near = full_outage(MIDDLE), int(town.neighbours(MIDDLE)[2])
    own = episode("ho_pingpong", cell=near, begin=BEGIN + 10, minutes=10, severity=0.12)
    minute = BEGIN + np.arange(30)
    for episodes in ([outage, own], [own, outage]):
        labels = NetworkTimeline(town, episodes).labels(np.full(30, near), minute)
        at_once = (minute >= own.begin) & (minute < own.end)
        np.testing.assert_array_equal(labels.name, np.where(at_once, "ho_pingpong", "neighbour_absorb"))
        np.testing.assert_array_equal(labels.primary, at_once)
        np.testing.assert_array_equal(labels.others, at_once.astype(int))
        np.testing.assert_array_equal(labels.episode == episodes.index(own), at_once)


def test_of_two_faults_the_graver_speaks_and_the_other_is_counted(town):
    slight = episode("dns_failure", severity=0.3, minutes=30)
    grave = episode("ul_interference", severity=0.8, begin=BEGIN + 10, minutes=10)
    third = episode("ho_too_late", severity=0.5, begin=BEGIN + 15, minutes=5)
    labels = NetworkTimeline(town, [slight, grave, third]).labels(np.full(30, MIDDLE), BEGIN + np.arange(30))
    assert labels.name.tolist() == ["dns_failure"] * 10 + ["ul_interference"] * 10 + ["dns_failure"] * 10
    assert labels.others.tolist() == [0] * 10 + [1] * 5 + [2] * 5 + [0] * 10


# What holds of every record


@pytest.mark.parametrize("name", FAULTS)
def test_the_counters_of_stricken_cells_and_neighbours_add_up_with(name, town):
    place, cell = NATURAL.get(name, "cell"), centre(town, name)
    episodes = [
        episode(name, place, cell=cell, begin=begin, severity=severity, seed=seed)
        for begin, severity, seed in ((BEGIN, 0.3, 0), (BEGIN + 200, 1.0, 1))
    ]
    life, rng = NetworkTimeline(town, episodes), np.random.default_rng(len(name))
    for what in episodes:
        cells = sorted({c for part in footprint(town, what) for c in part.cells or range(town.cells)})
        minutes = np.array(
            [*range(what.begin, what.begin + 20, 3), *range(what.end - 1, min(what.effect_end, what.end + 4))]
        )
        cell, minute = rng.choice(cells, 150), rng.choice(minutes, 150)
        values = life.true_values(cell, minute)
        assert_identities(values)
        assert_within_bounds(values)


def test_the_counters_add_up_where_everything_happens_at_once(town):
    life, rng = crowded(town), np.random.default_rng(8)
    values = life.true_values(rng.integers(140, 200, 1500), BEGIN + rng.integers(-60, 150, 1500))
    assert_identities(values)
    assert_within_bounds(values)


# How visible it is


def visible(network, name, severities, seed=5):
    """The effect of 90 minutes in the middle of busy hours, one cell each and by itself."""
    cell, minute = busy_minutes(network, len(severities), seed)
    begin = minute + 14 * 1440 - 45
    episodes = [
        FaultEpisode(int(cell[k]), FAULTS[name], int(begin[k]), int(begin[k]) + 90, float(severities[k]), k)
        for k in range(len(severities))
    ]
    return effects(NetworkTimeline(network, episodes), cell, begin, begin + 90)


@pytest.mark.parametrize("name", ["cell_outage", "ul_interference", "capacity_loss", "mass_event", "dns_failure"])
def test_the_graver_the_more_visible_is(name, town):
    slight, grave = (visible(town, name, np.full(30, severity)) for severity in (0.2, 0.8))
    assert np.median(slight) < np.median(grave)
    assert (slight <= grave + 0.5).mean() > 0.9


def test_what_changes_nothing_has_no_effect(town):
    cell, minute = busy_minutes(town, 20, seed=1)
    np.testing.assert_array_equal(effects(NetworkTimeline(town), cell, minute, minute + 60), np.zeros(20, np.float32))
    assert effects(NetworkTimeline(town), cell[:0], minute[:0], minute[:0]).shape == (0,)


def test_an_effect_is_the_same_whichever_others_are_asked_for(town):
    cell, minute = busy_minutes(town, 20, seed=2)
    life = NetworkTimeline(town, [episode("dns_failure", "network", begin=FIRST_MONDAY, minutes=5 * 1440)])
    together = effects(life, cell, minute, minute + 45)
    np.testing.assert_array_equal(effects(life, cell[::-1], minute[::-1], minute[::-1] + 45), together[::-1])
    np.testing.assert_array_equal(effects(life, cell[3:4], minute[3:4], minute[3:4] + 45), together[3:4])


def test_a_short_episode_is_seen_in_its_own_minutes_alone(town):
    # Given an outage of four minutes: were its half hour's healthy minutes counted, it would be seen an eighth as well.
    short, long = full_outage(MIDDLE), full_outage(MIDDLE)
    life = NetworkTimeline(town, [short])
    cell, begin = np.array([MIDDLE]), np.array([BEGIN])
    brief, whole = effects(life, cell, begin, begin + 4), effects(life, cell, begin, np.array([long.end]))
    assert brief == pytest.approx(whole, rel=0.25)


SEEN = {"ul_interference": 10, "rx_branch_loss": 6.4, "dns_failure": 5.6, "cell_outage": 46}
"""Median effects of the reference implementation."""


@pytest.mark.parametrize("name", SEEN)
def test_it_is_as_visible_as_it_was(name, town):
    severities = [draw_severity(u) for u in np.random.default_rng(1).random(40)]
    found = float(np.median(visible(town, name, severities)))
    assert SEEN[name] / 1.6 < found < SEEN[name] * 1.6
