from dataclasses import astuple, replace

import numpy as np
import pytest

from tests.simulator.builders import FIRST_MONDAY, POSITION
from trainer.simulator import Network, records
from trainer.simulator.delivery import COLLECTOR, LINK, LIVE, PERFECT, deliver, partial_records

DECADES_MINUTES = 40_000_000
"""Span of minutes so long that hardly two random ones share an outage: each is an independent draw."""


def anytime(network, n, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, network.cells, n), rng.integers(1, DECADES_MINUTES, n)


def one_day(cells, days=1):
    """Return every minute of those cells. # -> cell [n], minute [n]"""
    minutes = FIRST_MONDAY + np.arange(days * 1440)
    return np.tile(cells, len(minutes)), np.repeat(minutes, len(cells))


def missing(arrivals, n):
    return np.bincount(arrivals.row, minlength=n) == 0


def mean_minutes(outage_minutes):
    """Return the mean of a log-uniform duration."""
    shortest, longest = outage_minutes
    return (longest - shortest) / np.log(longest / shortest)


def latency(arrivals, minute):
    """Return the seconds to each first version's arrival, without duplicates. # -> [arrived rows]"""
    _, first = np.unique(arrivals.row, return_index=True)
    return (arrivals.received - (minute[arrivals.row] + 1) * 60)[first]


@pytest.fixture(scope="module")
def requested(town):
    return anytime(town, 1_200_000)


@pytest.fixture(scope="module")
def live(town, requested):
    return deliver(town, LIVE, *requested)


def test_records_are_as_late_as_a_streaming_exporter_makes_them(live, requested):
    late = latency(live, requested[1])
    assert np.percentile(late, [50, 95]) == pytest.approx([22, 42], rel=0.05)
    assert np.percentile(late, [99, 99.9]) == pytest.approx([103, 543], rel=0.1)
    assert np.mean(late > 60) == pytest.approx(0.017, rel=0.1)
    assert np.mean(late > 300) == pytest.approx(0.0044, rel=0.1)
    assert late.min() > 10


def test_records_are_lost_doubled_and_restated_as_often_as_specified(live, requested):
    n = len(requested[0])
    came = ~missing(live, n)
    versions = np.bincount(live.row[live.sequence == 0], minlength=n)
    assert 1 - came.mean() == pytest.approx(0.0023, rel=0.2)
    assert np.mean(versions[came] == 2) == pytest.approx(0.0015, rel=0.2)
    assert np.count_nonzero(live.sequence) / came.sum() == pytest.approx(0.0004, rel=0.2)
    assert versions.max() == 2


@pytest.mark.parametrize("outage", [COLLECTOR, LINK], ids=lambda outage: outage.name)
def test_as_many_minutes_fall_into_an_outage_as_specified(outage, town, requested):
    # Given a network whose only trouble are these outages, twenty times as often as specified,
    often = replace(outage, probability=20 * outage.probability)
    arrivals = deliver(town, replace(PERFECT, outages=(often,)), *requested)
    lost, held = missing(arrivals, len(requested[0])).mean(), np.mean(latency(arrivals, requested[1]) > 0)
    # Then as many are lost, and late, as there are minutes in them.
    affected = often.probability * mean_minutes(outage.duration_range) / outage.block_minutes
    assert lost == pytest.approx(affected * outage.lost_share, rel=0.2)
    assert held == pytest.approx(affected * (1 - outage.lost_share), rel=0.2)


@pytest.mark.parametrize("outage", [COLLECTOR, LINK], ids=lambda outage: outage.name)
def test_an_outage_loses_all_its_records_or_delivers_them_all_at_its_end(outage, town):
    # Given 60 days with an outage in every block, and two cells of one place,
    delivery = replace(PERFECT, outages=(replace(outage, probability=1.0),))
    cell, minute = one_day(np.array([0, 1]), days=60)
    arrivals = deliver(town, delivery, cell, minute)
    gone = missing(arrivals, len(cell))
    received = np.full(len(cell), np.nan)
    received[arrivals.row] = arrivals.received
    late = received > (minute + 1) * 60
    block, ends = minute // outage.block_minutes, []
    for number in np.unique(block):
        inside = (block == number) & (gone | late)
        shut = np.unique(minute[inside])
        # Then what is affected is one stretch, of both cells alike, lost as a whole or arrived as a whole,
        assert np.all(np.diff(shut) == 1)
        assert inside.sum() == 2 * len(shut)
        assert outage.duration_range[0] <= len(shut) <= outage.duration_range[1]
        assert gone[inside].all() or (received[inside] == (shut[-1] + 2) * 60).all()
        ends.append(gone[inside].all())
    # and it is lost as often as specified.
    assert np.mean(ends) == pytest.approx(outage.lost_share, abs=0.12)


@pytest.mark.parametrize(("outage", "near", "far"), [(COLLECTOR, 3, 24), (LINK, 1, 3)], ids=["region", "site"])
def test_an_outage_is_shared_by_its_place_and_goes_no_farther(outage, near, far, town):
    minute = FIRST_MONDAY + np.arange(1440)
    delivery = replace(PERFECT, outages=(replace(outage, probability=1.0, lost_share=1.0),))
    same_cell, near_cell, far_cell = (
        missing(deliver(town, delivery, np.full(1440, cell), minute), 1440) for cell in (0, near, far)
    )
    assert same_cell.any()
    assert (same_cell == near_cell).all()
    assert (same_cell != far_cell).any()


def test_a_lost_record_leaves_no_trace_and_troubles_do_not_mask_each_other(town):
    # Given a month in which much is lost, for three reasons, and everything else is doubled and restated,
    outages = tuple(replace(outage, probability=1.0) for outage in (COLLECTOR, LINK))
    everything = replace(LIVE, lost_p=0.1, doubled_p=1.0, restated_p=1.0, stuck_p=0, outages=outages)
    cell, minute = one_day(np.arange(6), days=30)
    n = len(cell)
    arrivals = deliver(town, everything, cell, minute)
    alone = [replace(PERFECT, lost_p=0.1), *(replace(PERFECT, outages=(outage,)) for outage in outages)]
    lost = np.any([missing(deliver(town, delivery, cell, minute), n) for delivery in alone], axis=0)
    # Then a record is either lost, for any reason, or comes twice and is restated once.
    assert 0.1 < lost.mean() < 0.12
    assert (np.bincount(arrivals.row, minlength=n) == np.where(lost, 0, 3)).all()


def test_arrivals_come_in_the_order_of_their_arrival(live):
    assert (np.diff(live.received) >= 0).all()


def test_records_overtake_each_other(town):
    cell, minute = one_day(np.array([5]), days=10)
    arrivals = deliver(town, LIVE, cell, minute)
    assert (np.diff(arrivals.stamp) < 0).any()


def test_a_copy_is_exact_and_comes_within_a_minute(live):
    first_version = live.sequence == 0
    row, received = live.row[first_version], live.received[first_version]
    order = np.lexsort((received, row))
    pairs = order[np.flatnonzero(np.diff(row[order]) == 0)[:, None] + [0, 1]]  # [copies, 2]
    gap = np.diff(received[pairs], axis=1)
    assert len(pairs) > 1000
    assert (gap >= 0).all()
    assert (gap <= 60).all()
    for column in (live.stamp, live.share, live.source, live.suspect):
        assert (np.diff(column[first_version][pairs].astype(np.float64), axis=1) == 0).all()


def test_a_restatement_comes_whole_five_to_fifteen_minutes_after_a_suspect_part(town):
    # Given a day in which every record is restated,
    cell, minute = one_day(np.arange(20))
    arrivals = deliver(town, replace(LIVE, restated_p=1.0, doubled_p=0, stuck_p=0), cell, minute)
    order = np.lexsort((arrivals.sequence, arrivals.row))
    sequence, share, suspect, received = (
        column[order].reshape(-1, 2)
        for column in (arrivals.sequence, arrivals.share, arrivals.suspect, arrivals.received)
    )
    assert (sequence == [0, 1]).all()
    assert (suspect == [True, False]).all()
    assert (share[:, 1] == 1).all()
    assert [share[:, 0].min(), share[:, 0].max()] == pytest.approx([0.3, 0.9], abs=0.01)
    wait = np.diff(received, axis=1)
    assert [wait.min(), wait.max()] == pytest.approx([300, 900], abs=5)


def test_a_stuck_exporter_repeats_its_last_record_with_new_timestamps(town):
    # Given 30 days on each of which the exporter gets stuck once,
    cell, minute = one_day(np.array([3, 4]), days=30)
    arrivals = deliver(town, replace(PERFECT, stuck_p=1.0), cell, minute)
    minute, cell = minute[arrivals.row], cell[arrivals.row]
    stuck = arrivals.source != minute
    assert (arrivals.stamp == minute * 60).all()
    assert (arrivals.suspect == stuck).all()
    for number in (3, 4):
        for day in range(FIRST_MONDAY // 1440, FIRST_MONDAY // 1440 + 30):
            stretch = stuck & (cell == number) & (minute // 1440 == day)
            # Then it is one stretch, all of it the record of the minute before.
            assert 3 <= stretch.sum() <= 20
            assert (np.diff(minute[stretch]) == 1).all()
            assert (arrivals.source[stretch] == minute[stretch][0] - 1).all()


def test_a_stuck_record_is_never_corrected(town):
    cell, minute = one_day(np.array([3, 4]))
    arrivals = deliver(town, replace(PERFECT, stuck_p=1.0, restated_p=1.0), cell, minute)
    stuck = arrivals.source != minute[arrivals.row]
    assert stuck.any()
    assert (arrivals.sequence[stuck] == 0).all()
    assert (arrivals.share[stuck] == 1).all()


def test_exporters_are_stuck_as_often_as_specified(town, requested):
    # Given exporters stuck fifty times as often,
    arrivals = deliver(town, replace(PERFECT, stuck_p=50 * LIVE.stuck_p), *requested)
    stuck = np.mean(arrivals.source != requested[1][arrivals.row])
    assert stuck == pytest.approx(50 * LIVE.stuck_p * mean_minutes(LIVE.stuck_minutes) / 1440, rel=0.2)


def test_three_of_a_hundred_sites_have_a_clock_that_is_always_off_by_the_same():
    network = Network(30_000, seed=2)
    clocks = replace(PERFECT, skewed_p=LIVE.skewed_p)
    cell = np.arange(network.cells)
    now, later = (
        deliver(network, clocks, cell, np.full(len(cell), minute)).stamp - minute * 60
        for minute in (FIRST_MONDAY, FIRST_MONDAY + 300_000)
    )
    site = now.reshape(-1, 3)
    assert (now == later).all()
    assert (site == site[:, :1]).all()
    assert np.mean(site[:, 0] != 0) == pytest.approx(0.03, rel=0.2)
    assert [site.min(), site.max()] == pytest.approx([-90, 90], abs=5)


def test_a_record_has_the_same_fate_alone_in_any_order_and_in_any_company(town):
    # Given a day of much trouble, and the same day shuffled and cut into blocks,
    outages = tuple(replace(outage, probability=0.5) for outage in (COLLECTOR, LINK))
    troubled = replace(LIVE, lost_p=0.05, doubled_p=0.05, restated_p=0.05, stuck_p=0.5, skewed_p=0.5, outages=outages)
    cell, minute = one_day(np.arange(0, 40, 2))

    def fates(rows):
        """Return all arrivals of each requested row, in the order of the rows of the day."""
        arrivals = deliver(town, troubled, cell[rows], minute[rows])
        columns = np.stack([rows[arrivals.row], *astuple(arrivals)[1:]])
        return columns[:, np.lexsort(columns[::-1])]

    everything = fates(np.arange(len(cell)))
    shuffled = np.random.default_rng(0).permutation(len(cell))
    assert (fates(shuffled) == everything).all()
    blocks = np.concatenate([fates(rows) for rows in np.array_split(np.arange(len(cell)), 37)], axis=1)
    assert (blocks == everything).all()
    some = np.sort(shuffled[:501])
    assert (fates(some) == everything[:, np.isin(everything[0], some)]).all()
    for row in some[:50]:
        assert (fates(np.array([row])) == everything[:, everything[0] == row]).all()


def test_networks_of_different_seeds_lose_different_records(town, requested):
    cell, minute = requested[0][:20_000], requested[1][:20_000]
    lossy = replace(PERFECT, lost_p=0.5)
    same_cell, near_cell = (
        missing(deliver(network, lossy, cell, minute), 20_000) for network in (town, Network(300, seed=2))
    )
    assert np.mean(same_cell == near_cell) == pytest.approx(0.5, abs=0.02)


def test_a_perfect_delivery_delivers_every_minute_whole_at_its_end(town):
    cell, minute = one_day(np.arange(10))
    arrivals = deliver(town, PERFECT, cell, minute)
    assert (arrivals.row == np.arange(len(cell))).all()
    assert (arrivals.received == (minute + 1) * 60).all()
    assert (arrivals.stamp == minute * 60).all()
    assert (arrivals.source == minute).all()
    assert (arrivals.share == 1).all()
    assert not arrivals.sequence.any()
    assert not arrivals.suspect.any()


def test_nothing_asked_is_nothing_delivered(town):
    nothing = np.array([], np.int64)
    assert [len(column) for column in astuple(deliver(town, LIVE, nothing, nothing))] == [0] * 7


def test_a_partial_record_has_a_share_of_its_counters_and_all_of_its_gauges(town):
    cell, minute = np.arange(50), np.full(50, FIRST_MONDAY + 600)
    whole = records(town, cell, minute)
    half = partial_records(whole, np.full(50, 0.5, np.float32))
    for name in ("avail_s", "rrc_succ", "pdcp_vol_dl_kb"):
        assert (half[:, POSITION[name]] == whole[:, POSITION[name]] // 2).all(), name
    for name in ("cqi_mean", "temp_c", "prb_util_dl_pct", "voice_loss_pct"):
        np.testing.assert_array_equal(half[:, POSITION[name]], whole[:, POSITION[name]], name)
    assert half.dtype == np.float32


def test_a_whole_record_is_left_as_it_is(town):
    whole = records(town, np.arange(50), np.full(50, FIRST_MONDAY + 600))
    np.testing.assert_array_equal(partial_records(whole, np.ones(50, np.float32)), whole)
