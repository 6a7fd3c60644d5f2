"""Timeline of a network: struck cells, affected neighbours, ends of episodes, and labels."""

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
"""Cell of the sixth site in the sixth row of ten: it has neighbours on all sides."""

ATTEMPTS = [POSITION[f"rrc_att_{cause}"] for cause in ("mo_data", "mo_sig", "mt", "other")]
PLACES = ("cell", "site", "chain", "region", "network")
NATURAL = {
    "backhaul_congestion": "chain", "backhaul_loss": "chain", "baseband_overload": "site", "sync_loss_tdd": "site",
    "signalling_storm": "region", "core_cp_outage": "region", "userplane_failure": "region", "dns_failure": "region",
    "mass_event": "site", "maintenance": "site", "holiday": "network", "app_flash_crowd": "network",
}  # fmt: skip
"""Kind of place that a class strikes, if it is not one cell."""


def episode(name, place_kind="cell", cell=MIDDLE, begin=BEGIN, minutes=40, severity=1.0, seed=3, **more):
    return FaultEpisode(
        cell, FAULTS[name], begin, begin + minutes, severity=severity, seed=seed, place_kind=place_kind, **more
    )


def centre(network, name):
    """Return a cell that the class can strike, with neighbours on all sides."""
    return next(c for c in range(MIDDLE, network.cells) if network.statics.tdd[c] or not FAULTS[name].tdd_only)


def everywhere(network, minutes):
    """Return every cell in each of those minutes. # -> cell [n], minute [n]"""
    return np.tile(np.arange(network.cells), len(minutes)), np.repeat(minutes, network.cells)


def differs(first_values, second_values):
    """Return the rows with any difference. # [n, F], [n, F] -> [n]"""
    return ~((first_values == second_values) | (np.isnan(first_values) & np.isnan(second_values))).all(axis=1)


def changed(timeline, cell, minute):
    return differs(timeline.true_values(cell, minute), timeline.true_twin(cell, minute))


def feeling(network, fault_episode, primary_cells):
    """Return the healthy cells that an episode's spillovers reach, computed slowly and obviously."""
    changed_cells = set()
    for spill in fault_episode.fault.spills if fault_episode.place_kind != "network" else ():
        most = amount_of(spill.max_cells, constants_of(fault_episode))
        for cell in primary_cells:
            around = network.neighbours(cell).tolist()
            if spill.neighbourhood == "far ring":
                second = {c for neighbours in around for c in network.neighbours(neighbours).tolist()}
                neighbours = sorted(second - {*around, cell})
            else:
                site_matches = {"sectors": {True}, "nearest": {False}, "ring": {True, False}}[spill.neighbourhood]
                neighbours = [c for c in around if (c // 3 == cell // 3) in site_matches]
            neighbours = neighbours[: int(min(most, len(neighbours)))]
            changed_cells |= {c for c in neighbours if network.statics.tdd[c] or not spill.tdd_only}
    return changed_cells - set(primary_cells)


def sites_of(cells):
    return sorted({cell // 3 for cell in cells})


# Cells that an episode strikes


def test_each_place_strikes_the_cells_that_it_names(town):
    def primary_cells(place_kind, **more):
        return struck_cells(town, episode("dns_failure", place_kind, **more))

    region = town.statics.region
    assert primary_cells(None) == primary_cells("cell") == [MIDDLE]
    assert primary_cells("site") == [165, 166, 167]
    assert primary_cells("site", cell=167) == [165, 166, 167]
    assert primary_cells("region") == np.flatnonzero(region == region[MIDDLE]).tolist()
    assert primary_cells("network") == list(range(300))


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


@pytest.mark.parametrize("place_kind", ["site", "chain", "region", "network"])
def test_only_tdd_cells_lose_their_time_in_a(place_kind, town):
    primary_cells = struck_cells(town, episode("sync_loss_tdd", place_kind, cell=centre(town, "sync_loss_tdd")))
    assert primary_cells
    assert town.statics.tdd[primary_cells].all()


@pytest.mark.parametrize("place_kind", PLACES)
@pytest.mark.parametrize("name", ["cell_outage", "ul_interference", "sync_loss_tdd", "mass_event"])
def test_the_cells_of_a_footprint_change_and_no_others(name, place_kind, town):
    fault_episode = episode(name, place_kind, cell=centre(town, name))
    primary_cells = struck_cells(town, fault_episode)
    cell, minute = everywhere(town, BEGIN + np.array([17, 25, 33]))

    changed_cells = set(cell[changed(NetworkTimeline(town, [fault_episode]), cell, minute)].tolist())

    assert changed_cells == set(primary_cells) | feeling(town, fault_episode, primary_cells)


@pytest.mark.parametrize("place_kind", ["site", "chain", "region"])
@pytest.mark.parametrize("name", ["cell_outage", "dl_interference", "ho_pingpong", "sync_loss_tdd"])
def test_a_stricken_cell_does_not_feel_its_stricken_neighbours_as_well(name, place_kind, town):
    parts = footprint(town, episode(name, place_kind, cell=centre(town, name)))
    primary_cells = [cell for part in parts if part.primary for cell in part.cells]
    neighbours = [cell for part in parts if not part.primary for cell in part.cells]
    assert neighbours
    assert not set(primary_cells) & set(neighbours)
    assert len(primary_cells) == len(set(primary_cells))
    assert max(neighbours.count(cell) for cell in neighbours) <= len(FAULTS[name].spills)


@pytest.mark.parametrize("name", FAULTS)
def test_it_changes_its_own_minutes_and_cells_and_nothing_else_with(name, town):
    fault_episode = episode(name, NATURAL.get(name, "cell"), cell=centre(town, name))
    primary_cells = struck_cells(town, fault_episode)
    neighbours = feeling(town, fault_episode, primary_cells)
    minutes = np.array([-1440, -2, -1, 0, 5, 12, 25, 39])
    cell, minute = everywhere(
        town, np.concatenate([BEGIN + minutes, fault_episode.effect_end + np.array([-1, 0, 1, 60])])
    )

    touched = changed(NetworkTimeline(town, [fault_episode]), cell, minute)

    inside = (minute >= BEGIN) & (minute < fault_episode.effect_end)
    assert not touched[~inside].any()
    assert set(cell[touched].tolist()) <= {*primary_cells, *neighbours}
    assert touched[np.isin(cell, primary_cells) & inside].mean() > 0.3
    assert neighbours == set() or touched[np.isin(cell, [*neighbours]) & inside].any()


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
    episodes = [episode(name, place_kind, cell=cells - 1) for name in FAULTS for place_kind in PLACES]
    timeline = NetworkTimeline(network, episodes)
    cell, minute = everywhere(network, BEGIN + np.array([4]))
    assert changed(timeline, cell, minute).all()
    assert timeline.labels(cell, minute).primary.all()


# A function of the minute


def crowded(network):
    """Return a timeline with many overlapping episodes of all kinds of place."""
    rng = np.random.default_rng(5)
    episodes = []
    for number, name in enumerate([*FAULTS, *FAULTS]):
        cell = int(rng.integers(150, 180)) if not FAULTS[name].tdd_only else centre(network, name)
        place_kind = (*PLACES, None)[number % 6]
        begin = BEGIN + int(rng.integers(-60, 60))
        episodes.append(
            FaultEpisode(
                cell,
                FAULTS[name],
                begin,
                begin + 90,
                severity=float(rng.uniform(0.2, 1)),
                seed=number,
                place_kind=place_kind,
            )
        )
    return NetworkTimeline(network, episodes)


@pytest.mark.bitwise
@pytest.mark.parametrize("operator", ["A", "B"])
def test_a_minute_is_the_same_alone_in_any_order_and_in_any_company(operator, town):
    network = town if operator == "A" else Network(300, seed=1, operator=OPERATOR_B)
    timeline, rng = crowded(network), np.random.default_rng(1)
    cell, minute = rng.integers(140, 200, 600), BEGIN + rng.integers(-70, 160, 600)
    together = timeline.reported_values(cell, minute)

    order = rng.permutation(600)
    np.testing.assert_array_equal(timeline.reported_values(cell[order], minute[order]), together[order])
    for rows in (1, 7, 50):
        parts = [slice(start, start + rows) for start in range(0, 12 * rows, rows)]
        apart = np.concatenate([timeline.reported_values(cell[part], minute[part]) for part in parts])
        np.testing.assert_array_equal(apart, together[: len(apart)])
    assert differs(together, timeline.reported_twin(cell, minute)).mean() > 0.5


def test_labels_are_the_same_alone_and_in_any_order(town):
    timeline, rng = crowded(town), np.random.default_rng(2)
    cell, minute = rng.integers(140, 200, 300), BEGIN + rng.integers(-70, 160, 300)
    order = rng.permutation(300)
    together, shuffled = timeline.labels(cell, minute), timeline.labels(cell[order], minute[order])
    for name, column in vars(together).items():
        np.testing.assert_array_equal(vars(shuffled)[name], column[order], err_msg=name)
        alone = [vars(timeline.labels(cell[[row]], minute[[row]]))[name][0] for row in range(40)]
        np.testing.assert_array_equal(alone, column[:40], err_msg=name)


def test_the_twin_is_a_life_in_which_nothing_happens(town):
    cell, minute = busy_minutes(town, 300, seed=3)
    timeline, empty = crowded(town), NetworkTimeline(town)
    np.testing.assert_array_equal(timeline.reported_twin(cell, minute), empty.reported_values(cell, minute))
    np.testing.assert_array_equal(timeline.true_twin(cell, minute), records(town, cell, minute))
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
        NetworkTimeline(town, fault_episode).true_values(cell, minute)
        for fault_episode in ([noise, names], [noise], [names], [])
    )

    # then the cell is as loud as with the one alone, and its names are as dead as with the other.
    uplink, timeouts = POSITION["ul_ni_dbm"], POSITION["dns_timeout"]
    np.testing.assert_allclose(both[:, uplink], loud[:, uplink], atol=0.1)
    assert loud[:, uplink].mean() > healthy[:, uplink].mean() + 3
    assert both[:, timeouts].sum() == pytest.approx(mute[:, timeouts].sum(), rel=0.1)
    assert mute[:, timeouts].sum() > 3 * healthy[:, timeouts].sum()


# Neighbours that absorb users


def full_outage(cell, place_kind="cell"):
    """Return an outage of the two thirds that put the cell out of service for whole minutes."""
    return next(
        fault_episode
        for fault_episode in (
            episode("cell_outage", place_kind, cell=cell, seed=seed) for seed in range(cell, cell + 100)
        )
        if constants_of(fault_episode)[0] >= 0.35
    )


@pytest.mark.parametrize("place_kind", ["cell", "site"])
def test_neighbours_gain_three_quarters_of_what_an_outage_loses(place_kind, town):
    # Given one outage of each of 25 cells or sites all over the town, each by itself,
    gained = lost = 0.0
    for cell in range(1, 300, 12):
        fault_episode = full_outage(cell, place_kind)
        timeline, primary_cells = NetworkTimeline(town, [fault_episode]), struck_cells(town, fault_episode)
        neighbours = [c for part in footprint(town, fault_episode) if not part.primary for c in part.cells]
        cells = np.array(sorted({*primary_cells, *neighbours}))
        cells, minute = np.repeat(cells, 5), np.tile(BEGIN + np.arange(10, 35, 5), len(cells))
        more = (timeline.true_values(cells, minute) - timeline.true_twin(cells, minute))[:, ATTEMPTS].sum(axis=1)
        gained += more[~np.isin(cells, primary_cells)].sum()
        lost -= more[np.isin(cells, primary_cells)].sum()
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


# End of an episode


def test_the_first_minute_after_an_outage_is_a_partial_one(town):
    seconds = []
    for cell in range(0, 300, 11):
        fault_episode = full_outage(cell)
        timeline, minute = NetworkTimeline(town, [fault_episode]), fault_episode.end + np.array([-1, 0, 1])
        values, twin = (read(np.full(3, cell), minute) for read in (timeline.true_values, timeline.true_twin))
        before, first, after = values[:, POSITION["avail_s"]]
        assert before == 0
        assert first < twin[1, POSITION["avail_s"]]
        assert after == twin[2, POSITION["avail_s"]]
        assert fault_episode.effect_end == fault_episode.end + 1
        smaller = [POSITION[name] for name in ("cqi_reports", "pag_rx", "rrc_conn_mean")]
        assert (values[1, smaller] < twin[1, smaller]).all()
        seconds.append(first)
    assert 4 <= min(seconds) < 15  # 5 to 55 seconds, and the counter itself sometimes loses one
    assert 45 < max(seconds) <= 55


def test_the_users_of_a_cell_that_is_back_have_left_its_neighbours(town):
    fault_episode = full_outage(MIDDLE)
    neighbours = town.neighbours(MIDDLE)
    for minute, felt in ((fault_episode.end - 1, True), (fault_episode.end, False)):
        assert (
            changed(NetworkTimeline(town, [fault_episode]), neighbours, np.full(len(neighbours), minute)).any() == felt
        )


def test_an_overloaded_baseband_is_restarted_for_three_minutes_at_its_end(town):
    fault_episode = episode("baseband_overload", "site")
    minute = fault_episode.end + np.arange(-2, 6)
    seconds = NetworkTimeline(town, [fault_episode]).true_values(np.full(8, MIDDLE), minute)[:, POSITION["avail_s"]]
    assert (seconds[2:5] == 0).all()
    assert (seconds[[0, 1, 5, 6, 7]] >= 59).all()
    assert fault_episode.effect_end == fault_episode.end + 3


@pytest.mark.parametrize("name", ["signalling_storm", "core_cp_outage"])
def test_a_storm_dies_away_within_an_hour_and_a_half(name):
    lasting = []
    for seed in range(40):
        fault_episode = episode(name, "region", minutes=120, severity=0.5, seed=seed)
        fading = fault_episode.intensity(np.arange(fault_episode.end, fault_episode.effect_end))
        third = len(fading) // 3
        parts = [fading[:third].mean(), fading[third : 2 * third].mean(), fading[2 * third :].mean()]
        assert 0.5 > parts[0] > parts[1] > parts[2] > 0
        assert (fault_episode.intensity(np.array([fault_episode.effect_end, fault_episode.effect_end + 1])) == 0).all()
        lasting.append(fault_episode.effect_end - fault_episode.end)
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


# Labels


def test_each_minute_of_an_episode_is_labelled_by_its_phase(town):
    fault_episode = episode("signalling_storm", "cell", severity=0.7)
    minute = np.arange(BEGIN - 5, fault_episode.effect_end + 5)
    labels = NetworkTimeline(town, [fault_episode]).labels(np.full(len(minute), MIDDLE), minute)

    inside = (minute >= BEGIN) & (minute < fault_episode.effect_end)
    np.testing.assert_array_equal(labels.name, np.where(inside, "signalling_storm", "normal"))
    np.testing.assert_array_equal(labels.episode, np.where(inside, 0, -1))
    np.testing.assert_array_equal(labels.primary, inside)
    np.testing.assert_array_equal(labels.severity, np.where(inside, np.float32(0.7), 0))
    np.testing.assert_array_equal(labels.intensity, fault_episode.intensity(minute))
    phases = (
        [HEALTHY] * 5
        + [ONSET] * 10
        + [ACTIVE] * 30
        + [RECOVERY] * (fault_episode.effect_end - fault_episode.end)
        + [HEALTHY] * 5
    )
    np.testing.assert_array_equal(labels.phase, phases)
    assert (labels.others == 0).all()


@pytest.mark.parametrize("name", FAULTS)
def test_its_footprint_is_labelled_and_nothing_else_with(name, town):
    fault_episode = episode(name, NATURAL.get(name, "cell"), cell=centre(town, name))
    primary_cells = struck_cells(town, fault_episode)
    neighbours = feeling(town, fault_episode, primary_cells)
    minutes = np.array(
        [
            BEGIN - 1,
            BEGIN,
            BEGIN + 20,
            fault_episode.end - 1,
            fault_episode.end,
            fault_episode.effect_end - 1,
            fault_episode.effect_end,
        ]
    )
    cell, minute = everywhere(town, minutes)

    labels = NetworkTimeline(town, [fault_episode]).labels(cell, minute)

    inside = (minute >= BEGIN) & (minute < fault_episode.effect_end)
    labelled = np.isin(cell, [*primary_cells, *neighbours]) & inside
    np.testing.assert_array_equal(labels.name != "normal", labelled)
    np.testing.assert_array_equal(labels.episode, np.where(labelled, 0, -1))
    np.testing.assert_array_equal(labels.primary, np.isin(cell, primary_cells) & inside)
    assert (labels.name[labels.primary] == name).all()
    labels_nearby = {spill.look_alike or name for spill in FAULTS[name].spills}
    assert set(labels.name[labelled & ~labels.primary].tolist()) == (labels_nearby if neighbours else set())
    assert (labels.severity[labelled] > 0).all()
    assert (labels.severity[labelled & ~labels.primary] <= 1).all()
    assert (labels.phase[labelled & (minute < BEGIN + 10)] == ONSET).all()
    assert (labels.phase[~labelled] == HEALTHY).all()


def test_a_cells_own_fault_comes_before_what_it_feels_of_a_neighbours(town):
    # Given a grave outage, whose neighbour has a slight trouble of its own for ten minutes,
    outage, neighbours = full_outage(MIDDLE), int(town.neighbours(MIDDLE)[2])
    own_episode = episode("ho_pingpong", cell=neighbours, begin=BEGIN + 10, minutes=10, severity=0.12)
    minute = BEGIN + np.arange(30)
    for episodes in ([outage, own_episode], [own_episode, outage]):
        labels = NetworkTimeline(town, episodes).labels(np.full(30, neighbours), minute)
        at_once = (minute >= own_episode.begin) & (minute < own_episode.end)
        np.testing.assert_array_equal(labels.name, np.where(at_once, "ho_pingpong", "neighbour_absorb"))
        np.testing.assert_array_equal(labels.primary, at_once)
        np.testing.assert_array_equal(labels.others, at_once.astype(int))
        np.testing.assert_array_equal(labels.episode == episodes.index(own_episode), at_once)


def test_of_two_faults_the_graver_speaks_and_the_other_is_counted(town):
    slight = episode("dns_failure", severity=0.3, minutes=30)
    grave = episode("ul_interference", severity=0.8, begin=BEGIN + 10, minutes=10)
    third = episode("ho_too_late", severity=0.5, begin=BEGIN + 15, minutes=5)
    labels = NetworkTimeline(town, [slight, grave, third]).labels(np.full(30, MIDDLE), BEGIN + np.arange(30))
    assert labels.name.tolist() == ["dns_failure"] * 10 + ["ul_interference"] * 10 + ["dns_failure"] * 10
    assert labels.others.tolist() == [0] * 10 + [1] * 5 + [2] * 5 + [0] * 10


# Identities of every record


@pytest.mark.parametrize("name", FAULTS)
def test_the_counters_of_stricken_cells_and_neighbours_add_up_with(name, town):
    place_kind, cell = NATURAL.get(name, "cell"), centre(town, name)
    episodes = [
        episode(name, place_kind, cell=cell, begin=begin, severity=severity, seed=seed)
        for begin, severity, seed in ((BEGIN, 0.3, 0), (BEGIN + 200, 1.0, 1))
    ]
    timeline, rng = NetworkTimeline(town, episodes), np.random.default_rng(len(name))
    for fault_episode in episodes:
        cells = sorted({c for part in footprint(town, fault_episode) for c in part.cells or range(town.cells)})
        minutes = np.array(
            [
                *range(fault_episode.begin, fault_episode.begin + 20, 3),
                *range(fault_episode.end - 1, min(fault_episode.effect_end, fault_episode.end + 4)),
            ]
        )
        cell, minute = rng.choice(cells, 150), rng.choice(minutes, 150)
        values = timeline.true_values(cell, minute)
        assert_identities(values)
        assert_within_bounds(values)


def test_the_counters_add_up_where_everything_happens_at_once(town):
    timeline, rng = crowded(town), np.random.default_rng(8)
    values = timeline.true_values(rng.integers(140, 200, 1500), BEGIN + rng.integers(-60, 150, 1500))
    assert_identities(values)
    assert_within_bounds(values)


# Effect


def visible(network, name, severities, seed=5):
    """Return the effect of 90 minutes in busy hours for each severity, in one cell each."""
    cell, minute = busy_minutes(network, len(severities), seed)
    begin = minute + 14 * 1440 - 45
    episodes = [
        FaultEpisode(int(cell[k]), FAULTS[name], int(begin[k]), int(begin[k]) + 90, float(severities[k]), seed=k)
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
    timeline = NetworkTimeline(town, [episode("dns_failure", "network", begin=FIRST_MONDAY, minutes=5 * 1440)])
    together = effects(timeline, cell, minute, minute + 45)
    np.testing.assert_array_equal(effects(timeline, cell[::-1], minute[::-1], minute[::-1] + 45), together[::-1])
    np.testing.assert_array_equal(effects(timeline, cell[3:4], minute[3:4], minute[3:4] + 45), together[3:4])


def test_a_short_episode_is_seen_in_its_own_minutes_alone(town):
    # Given an outage of four minutes: were its half hour's healthy minutes counted, it would be seen an eighth as well.
    short, long = full_outage(MIDDLE), full_outage(MIDDLE)
    timeline = NetworkTimeline(town, [short])
    cell, begin = np.array([MIDDLE]), np.array([BEGIN])
    brief, whole = effects(timeline, cell, begin, begin + 4), effects(timeline, cell, begin, np.array([long.end]))
    assert brief == pytest.approx(whole, rel=0.25)


SEEN = {"ul_interference": 10, "rx_branch_loss": 6.4, "dns_failure": 5.6, "cell_outage": 46}
"""Median effects of the reference implementation."""


@pytest.mark.parametrize("name", SEEN)
def test_it_is_as_visible_as_it_was(name, town):
    severities = [draw_severity(u) for u in np.random.default_rng(1).random(40)]
    changed_cells = float(np.median(visible(town, name, severities)))
    assert SEEN[name] / 1.6 < changed_cells < SEEN[name] * 1.6
