"""How far a partition has come is decided by what its cells say, never by a clock, and never by one cell of many."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.core.ingest.samples import Reason
from detector.core.ingest.watermark import Watermark, quorum
from tests import naive
from tests.builders import ALPHA, T0, Told, minutes_of, network, pipeline, play, refusals, settings, told_of

DAY = 1440


@pytest.mark.parametrize(
    ("voters", "needed"), [(0, 1), (1, 1), (2, 1), (3, 2), (4, 2), (5, 3), (6, 3), (7, 4), (10, 5), (11, 5), (1000, 5)]
)
def test_a_quorum_is_half_of_the_cells_and_at_most_the_setting(voters: int, needed: int) -> None:
    assert quorum(voters, 5) == needed


def test_a_minute_too_far_ahead_of_the_network_is_refused() -> None:
    log = [*network("abcde", 0, 10), Told("a", T0 + 15), Told("a", T0 + 14)]
    work = play(pipeline(settings(ahead_minutes=5, quorum_cells=3)), log)
    assert refusals(work) == [(50, Reason.TOO_FAR_AHEAD)]


def test_too_far_ahead_is_decided_by_the_log_and_by_no_clock() -> None:
    """The same log, years ago, today and in the future, decides the same; and so does playing it again."""
    log = [*network("abc", 0, 10), Told("a", T0 + 400), *network("bc", 10, 12), Told("a", T0 + 5)]
    told = []
    for years in (-20, 0, 0, 60):
        shifted = [one._replace(minute=one.minute + years * 365 * DAY) for one in log]
        told.append(refusals(play(pipeline(), shifted)))
    assert told[0] == told[1] == told[2] == told[3] == [(30, Reason.TOO_FAR_AHEAD)]


def test_one_bad_clock_does_not_move_the_frontier() -> None:
    taken = pipeline()
    log = [told._replace(minute=told.minute + DAY) if told.cell == "c" else told for told in network("abc", 10, 40)]
    work = play(taken, [*network("abc", 0, 10), *log])
    assert taken.watermarks() == {0: T0 + 39}
    assert len(refusals(work)) == 30
    assert {reason for _, reason in refusals(work)} == {Reason.TOO_FAR_AHEAD}


def test_a_bad_clock_that_is_the_partitions_very_first_record_is_outvoted_by_the_third_cell() -> None:
    taken = pipeline()
    work = play(taken, [Told("bad", T0 + 75 * 365 * DAY), *network("abc", 0, 5)])
    assert taken.watermarks() == {0: T0 + 4}
    assert refusals(work) == [(1, Reason.TOO_LATE), (2, Reason.TOO_LATE)], "what it cost until then"


BUFFERS = pytest.mark.parametrize("minutes", [10, 60, 600, DAY - 1])
"""What a site may hold of one cell while it is cut off."""


@BUFFERS
def test_a_bad_clock_that_empties_its_buffer_does_not_move_the_frontier(minutes: int) -> None:
    """A producer sends what it holds of one cell in a row: many records, and still one voice."""
    taken = pipeline(settings(quorum_cells=3))
    burst = minutes_of("bad", DAY, DAY + minutes)
    play(taken, [*network("abcdef", 0, 10), *burst])
    assert taken.watermarks() == {0: T0 + 9}


@BUFFERS
def test_a_bad_clock_that_empties_its_buffer_costs_no_other_cell_its_window(minutes: int) -> None:
    taken = pipeline(settings(quorum_cells=3, min_coverage=0.5, score_minutes=1))
    burst = minutes_of("bad", DAY, DAY + minutes)
    work = play(taken, [*network("abcdef", 0, 50), *burst, *minutes_of("a", 50, 51, ALPHA)])
    assert told_of(work.events) == [("new", "a", "alpha", 50)]


def test_a_bad_clock_that_comes_right_is_believed_again() -> None:
    # given: two cells, one of which ran a day ahead for a while and is right again
    taken = pipeline(settings(quorum_cells=2))
    ahead = [Told("c", T0 + DAY + 10)]
    play(taken, [*network("abc", 0, 10), *ahead, *network("abc", 10, 20)])
    # when: only it and one other go on
    work = play(taken, network("bc", 20, 30))
    # then: the two are a quorum of three, and its word counts
    assert refusals(work) == []
    assert taken.watermarks() == {0: T0 + 29}


def test_a_whole_network_that_returns_after_hours_moves_the_frontier_and_nobody_is_called_silent() -> None:
    taken = pipeline(settings(quorum_cells=3, silent_minutes=6))
    cells = "abcdefgh"
    work = play(taken, [*network(cells, 0, 10), *network(cells, 310, 330)])
    assert taken.watermarks() == {0: T0 + 329}
    assert work.events == []
    assert len(refusals(work)) <= 3, "a quorum had to speak"


def test_a_network_that_returns_after_half_an_hour_is_not_called_silent_either() -> None:
    cells = "abcdefgh"
    log = [*network(cells, 0, 10), *network(cells, 40, 60)]
    assert play(pipeline(settings(ahead_minutes=5, silent_minutes=6)), log).events == []


def test_a_cell_that_does_not_return_with_its_network_is_called_silent_from_its_own_last_minute() -> None:
    cells = "abcdefgh"
    log = [*network(cells, 0, 10), *network(cells[1:], 40, 60)]
    work = play(pipeline(settings(ahead_minutes=5, silent_minutes=6)), log)
    assert told_of(work.events) == [("new", "a", "cell_silent", 46)]
    assert work.events[0].alarm.onset == T0 + 10


@pytest.mark.parametrize(("alive", "until"), [("a", DAY + 20), ("ab", 200)])
def test_one_or_two_live_cells_among_dead_ones_are_not_stuck_for_ever(alive: str, until: int) -> None:
    taken = pipeline(settings(quorum_cells=3, ahead_minutes=5))
    play(taken, [*network("abcdefghij", 0, 10), *network(alive, 10, until)])
    assert taken.watermarks()[0] >= T0 + until - 2


@pytest.mark.parametrize(("alive", "minutes"), [("a", DAY), ("ab", 30)])
def test_a_few_live_cells_are_believed_after_an_hour_of_records_and_a_lone_one_after_a_day(
    alive: str, minutes: int
) -> None:
    """A lone cell's log is that of a bad clock which empties its buffer, and nobody's buffer holds a day."""
    taken = pipeline(settings(quorum_cells=3, ahead_minutes=5))
    play(taken, [*network("abcdefghij", 0, 10), *network(alive, 100, 99 + minutes)])
    assert taken.watermarks() == {0: T0 + 9}
    play(taken, network(alive, 99 + minutes, 100 + minutes))
    assert taken.watermarks() == {0: T0 + 99 + minutes}


def test_a_network_back_after_longer_than_the_memory_still_outvotes_a_bad_clock() -> None:
    """Those who brought the frontier there have just been heard, though it was far back when they began to speak."""
    taken = pipeline(settings(quorum_cells=3))
    back = [Told(cell, T0 + 500) for cell in "abc"]
    play(taken, [*network("abcdef", 0, 10), *back, Told("bad", T0 + 38_000_000), *network("abcdef", 501, 503)])
    assert taken.watermarks() == {0: T0 + 502}


def test_a_cell_that_claimed_a_far_minute_and_died_is_forgotten_like_any_other() -> None:
    chosen = settings()
    taken = pipeline(chosen)
    play(taken, [*network("abcd", 0, 10), Told("d", T0 + 38_000_000)])
    for minute in range(10, chosen.tolerance.memory_minutes + 12, 4):
        play(taken, network("abc", minute, minute + 4))
    assert sorted(name for name in taken.cells.names if name) == ["a", "b", "c"]


def test_an_old_minute_does_not_pull_the_frontier_back() -> None:
    taken = pipeline()
    play(taken, [*network("abc", 0, 20), *minutes_of("a", 12, 18), *minutes_of("d", 1, 3)])
    assert taken.watermarks() == {0: T0 + 19}


def test_a_partition_has_no_memory_before_its_first_sane_record() -> None:
    taken = pipeline()
    assert taken.checkpoint(0) is None
    play(taken, [Told("a", T0)])
    memory = taken.checkpoint(0)
    assert memory is not None
    assert (memory.replay_offset, memory.frontier, memory.voters) == (0, T0, 1)


def test_a_replay_begins_no_earlier_than_it_must() -> None:
    chosen = settings()
    taken = pipeline(chosen)
    play(taken, network("abc", 0, 400))
    memory = taken.checkpoint(0)
    assert memory is not None
    back = chosen.tolerance.memory_minutes + chosen.tolerance.ahead_minutes
    assert memory.frontier - memory.replay_minute == back
    assert memory.replay_offset == pytest.approx(3 * (399 - back), abs=3)


def test_a_forgotten_cell_has_no_voice_when_the_others_move_the_frontier_without_it() -> None:
    watermark = Watermark(np.full(8, -1, np.int64), 3, 5)
    for row, minute in ((0, 10), (1, 10), (2, 10), (3, 10), (4, 10), (5, 10), (0, 100)):
        watermark.observe(np.array([row]), np.array([minute]))
    watermark.forget(np.array([0]))
    for row in (1, 2):
        watermark.observe(np.array([row]), np.array([200]))
    assert (watermark.minute, watermark.cell_count) == (10, 5), "two voices are no quorum of three"


CLAIMS = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 30) | st.integers(100, 110)), min_size=1, max_size=60)


@given(CLAIMS, st.integers(1, 5), st.integers(1, 6))
def test_the_frontier_is_that_of_the_slow_twin(claims: list[tuple[int, int]], quorum_cells: int, ahead: int) -> None:
    twin = naive.Watermark(quorum_cells, ahead)
    watermark = Watermark(np.full(8, -1, np.int64), quorum_cells, ahead)
    for cell, minute in claims:
        rose = watermark.observe(np.array([cell]), np.array([minute]))
        assert rose == twin.observe(str(cell), minute)
        assert watermark.minute == twin.minute
        assert watermark.cell_count == len(twin.claims)


@given(CLAIMS, st.integers(1, 5), st.integers(1, 6))
def test_the_frontier_stands_still_for_as_long_as_run_length_says(
    claims: list[tuple[int, int]], quorum_cells: int, ahead: int
) -> None:
    """Heard in the runs it names, it passes the same minutes as heard one by one."""
    one_by_one = Watermark(np.full(8, -1, np.int64), quorum_cells, ahead)
    in_runs = Watermark(np.full(8, -1, np.int64), quorum_cells, ahead)
    rows, minute = np.array(claims, np.int64).T
    at = 0
    while at < len(claims):
        stop = at + 1
        while stop < len(claims) and rows[stop] not in rows[at:stop]:
            stop += 1
        stop = at + in_runs.run_length(rows[at:stop], minute[at:stop])
        stood = in_runs.minute
        for offset in range(at, stop):
            assert one_by_one.minute == stood, "it was to stand still up to the last record of the run"
            one_by_one.observe(rows[offset : offset + 1], minute[offset : offset + 1])
        in_runs.observe(rows[at:stop], minute[at:stop])
        assert in_runs.minute == one_by_one.minute
        at = stop
