"""A crash anywhere gives the same events as a run without it.

The successor gets what a commit carries, `checkpoint()` and the open alarms, hears the log again from there without a
word, and goes on aloud. Here the log, the settings and the place of the crash are as bad as they come. The stories at
the beginning were found by the property at the end.
"""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from detector.core.ingest.checkpoint import MAX_LAGGARDS
from detector.core.ingest.intake import LAG_MINUTES
from detector.core.pipeline import Pipeline
from detector.core.settings import SLACK_MINUTES, Settings
from tests.builders import T0, Told, chatter, minutes_of, network, nosy, pipeline, play, refusals, settings
from tests.core.strategies import Storm, narrow_settings, storms
from tests.core.test_pipeline import spelt_out


def successor(chosen: Settings, crashed: Pipeline, log: Sequence[Told], polls: Sequence[int] = ()) -> Pipeline:
    """Takes over from a pipeline that has committed all of this log."""
    memory = crashed.checkpoint(0)
    taken = pipeline(chosen, nosy)
    taken.assign(0, memory, crashed.open_alarms())
    begin = memory.replay_offset if memory else 0
    play(taken, log[begin:], polls, first_offset=begin, audible=False)
    taken.catch_up(0)
    return taken


def assert_a_restart_changes_nothing(
    chosen: Settings, log: Sequence[Told], cuts: Sequence[int], polls: Sequence[int] = ()
) -> None:
    """Plays the log undisturbed, and again with a crash at every cut: all that is told afterwards is compared."""
    undisturbed, disturbed = pipeline(chosen, nosy), pipeline(chosen, nosy)
    begin = 0
    for cut in [*cuts, len(log)]:
        expected = play(undisturbed, log[begin:cut], polls, first_offset=begin)
        work = play(disturbed, log[begin:cut], polls, first_offset=begin)
        assert spelt_out(work.events) == spelt_out(expected.events)
        assert refusals(work) == refusals(expected)
        assert disturbed.watermarks() == undisturbed.watermarks()
        if cut < len(log):
            disturbed = successor(chosen, disturbed, log[:cut], polls)
            begin = cut


def in_a_storm_a_restart_changes_nothing(
    chosen: Settings, log: Sequence[Told], cuts: Sequence[int], polls: Sequence[int]
) -> None:
    """The same, but for what `Pipeline.checkpoint` does not promise: a frontier that falls far after the commit.

    It does where a quorum of clocks was wrong together and has come right again.
    """
    try:
        assert_a_restart_changes_nothing(chosen, log, cuts, polls)
    except AssertionError:
        assume(not any(falls_far_after(chosen, log, cut) for cut in cuts))
        raise


def falls_far_after(chosen: Settings, log: Sequence[Told], cut: int) -> bool:
    """Whether the frontier ever lies more than the slack below where it stood at the cut."""
    alone = pipeline(chosen, nosy)
    play(alone, log[:cut])
    stood = alone.watermarks().get(0, 0)
    for offset in range(cut, len(log)):
        play(alone, log[offset : offset + 1], first_offset=offset)
        if alone.watermarks()[0] < stood - max(SLACK_MINUTES, chosen.period_minutes):
            return True
    return False


def long_life(cells: str, end: int, seed: int = 0) -> list[Told]:
    """A network that has lived long enough for its beginning to be forgotten; no window of it like another."""
    return chatter(network(cells, 0, end), np.random.default_rng(seed))


def test_a_restart_in_an_orderly_network_changes_nothing() -> None:
    chosen = settings()
    log = long_life("abcdef", 220)
    assert_a_restart_changes_nothing(chosen, log, [6 * 150 + 2])


def test_a_restart_replays_no_more_than_the_memory() -> None:
    chosen = settings()
    log = long_life("abcdef", 220)
    crashed = pipeline(chosen, nosy)
    play(crashed, log)
    memory = crashed.checkpoint(0)
    assert memory is not None
    minutes = chosen.tolerance.memory_minutes + chosen.tolerance.ahead_minutes
    assert len(log) - memory.replay_offset <= 6 * (minutes + 1)


def test_a_replay_encodes_what_can_still_matter_and_no_more() -> None:
    chosen = settings(behind_minutes=40)
    log = long_life("abcdef", 260)
    crashed = pipeline(chosen, nosy)
    play(crashed, log)
    taken = pipeline(chosen, nosy)
    memory = crashed.checkpoint(0)
    taken.assign(0, memory, crashed.open_alarms())
    work = play(taken, log[memory.replay_offset :], first_offset=memory.replay_offset, audible=False)
    assert 6 * chosen.keep_minutes <= work.window_count <= 6 * (chosen.keep_minutes + LAG_MINUTES + 1)


@pytest.mark.slow
@pytest.mark.parametrize("lag", [1, LAG_MINUTES - 1, LAG_MINUTES, LAG_MINUTES + 1, 12, 30, 38])
@pytest.mark.parametrize("seed", range(3))
def test_a_restart_while_a_cell_lags_and_then_goes_on_where_it_stopped_changes_nothing(lag: int, seed: int) -> None:
    """Its minutes were buffered, and come in order: their scores are averaged with those from before the restart."""
    chosen = settings(behind_minutes=40, score_minutes=5, silent_minutes=60)
    log = long_life("abcdef", 260, seed)
    before = [one for one in log if one.minute < T0 + 200 and not (one.cell == "e" and one.minute >= T0 + 200 - lag)]
    buffered = [one for one in log if T0 + 200 - lag <= one.minute < T0 + 200 and one.cell == "e"]
    after = [one for one in log if one.minute >= T0 + 200]
    assert_a_restart_changes_nothing(chosen, [*before, *buffered, *after], [len(before)])


@pytest.mark.slow
def test_a_restart_while_more_cells_lag_than_a_commit_can_mark_changes_nothing() -> None:
    chosen = settings(behind_minutes=20, score_minutes=5, silent_minutes=60)
    slow = [f"slow-{number}" for number in range(MAX_LAGGARDS + 1)]
    log = chatter(network(["a", "b", "c", "d", *slow], 0, 130), np.random.default_rng(2))
    late = [one for one in log if one.cell in slow and one.minute >= T0 + 105]
    early = [one for one in log if one not in set(late)]
    before = [one for one in early if one.minute < T0 + 120]
    after = [one for one in early if one.minute >= T0 + 120]
    assert_a_restart_changes_nothing(chosen, [*before, *late, *after], [len(before)])


def test_a_restart_just_after_a_restart_changes_nothing() -> None:
    log = long_life("abcde", 230)
    assert_a_restart_changes_nothing(settings(), log, [700, 701, 703, 720, 900])


def test_a_restart_during_a_silence_neither_repeats_nor_forgets_it() -> None:
    log = [one for one in long_life("abcde", 200) if not (one.cell == "e" and T0 + 150 <= one.minute < T0 + 170)]
    for cut in (752, 780, 829, 840):
        assert_a_restart_changes_nothing(settings(), log, [cut])


def test_a_restart_before_the_first_sane_record_changes_nothing() -> None:
    assert_a_restart_changes_nothing(settings(), long_life("abc", 20), [1, 2])


def test_a_restart_soon_after_a_bad_clock_opened_the_partition_changes_nothing() -> None:
    """The frontier began in 2099 and fell: a replay must not be judged by what it was at first."""
    opening = [Told("bad", T0 + 38_000_000)]
    assert_a_restart_changes_nothing(settings(), [*opening, *long_life("abc", 40)], [60])


def test_a_restart_long_after_a_bad_clock_opened_the_partition_replays_no_more_than_the_memory() -> None:
    opening = [Told("bad", T0 + 38_000_000)]
    log = [*opening, *long_life("abc", 300)]
    crashed = pipeline(settings(), nosy)
    play(crashed, log)
    memory = crashed.checkpoint(0)
    assert memory is not None
    assert memory.replay_minute <= memory.frontier
    assert memory.replay_offset > 300


def test_a_restart_soon_after_a_first_minute_a_little_ahead_changes_nothing() -> None:
    """The first cell runs two minutes ahead of those that follow; its minutes count all the same."""
    log = [*minutes_of("a", 2, 3), *minutes_of("b", 0, 1), *minutes_of("c", 0, 1)]
    rest = [one._replace(minute=one.minute + 2 * (one.cell == "a")) for one in network("abc", 1, 30)]
    assert_a_restart_changes_nothing(settings(), chatter([*log, *rest], np.random.default_rng(0)), [4])


def test_a_restart_after_a_partition_has_grown_changes_nothing() -> None:
    """One cell lives alone and is away for a while; many join. The replay must not ask the many about the one."""
    rng = np.random.default_rng(3)
    alone = [*minutes_of("a", 0, 20), *minutes_of("a", 40, 60)]
    log = chatter([*alone, *network("abcdef", 60, 80)], rng)
    assert_a_restart_changes_nothing(settings(quorum_cells=5), log, [60])


def test_a_restart_after_the_second_cell_leapt_ahead_changes_nothing() -> None:
    log = [
        *minutes_of("a", 49, 50),
        *minutes_of("b", 132, 133),
        *minutes_of("c", 132, 133),
        *minutes_of("d", 133, 134),
        *minutes_of("b", 189, 190),
        *minutes_of("c", 190, 192),
    ]
    chosen = settings(late_minutes=2, behind_minutes=5, ahead_minutes=6, silent_minutes=2, score_minutes=2)
    assert_a_restart_changes_nothing(chosen, chatter(log, np.random.default_rng(1)), [4])


def test_a_restart_while_a_bad_clock_is_away_changes_nothing() -> None:
    """A cell claimed next week, was refused, and died: what it claimed must not count longer than the log is read."""
    chosen = settings(quorum_cells=5)
    bad = [Told("f", T0 + 10_000)]
    log = [*long_life("abcdef", 10), *bad, *long_life("abcde", 300)[50:]]
    assert_a_restart_changes_nothing(chosen, log, [1200])
    undisturbed = pipeline(chosen, nosy)
    play(undisturbed, log, [100] * 20)
    assert "f" not in undisturbed.cells.names, "not heard for the memory: forgotten"


@given(narrow_settings(), storms(cells=(12, 24)), st.floats(0, 1))
def test_a_restart_anywhere_in_a_network_of_dozens_changes_nothing(
    chosen: Settings, storm: Storm, place: float
) -> None:
    """Dozens of cells, all heard once before anything goes wrong."""
    known = [Told(f"cell-{number}", T0) for number in range(storm.cells)]
    log = [*known, *storm.log()]
    cut = len(known) + round(place * (len(log) - len(known)))
    in_a_storm_a_restart_changes_nothing(chosen, log, [cut], storm.polls(len(log)))


@given(narrow_settings(), storms(troubles=("holes", "late", "twice", "silences", "deaths")), st.floats(0, 1))
def test_a_restart_anywhere_among_honest_clocks_changes_nothing(chosen: Settings, storm: Storm, place: float) -> None:
    log = storm.log()
    assert_a_restart_changes_nothing(chosen, log, [round(place * len(log))], storm.polls(len(log)))


@given(narrow_settings(), storms(), st.lists(st.floats(0, 1), min_size=1, max_size=3))
def test_a_restart_anywhere_in_any_storm_changes_nothing(chosen: Settings, storm: Storm, places: list[float]) -> None:
    log = storm.log()
    cuts = sorted({round(place * len(log)) for place in places})
    in_a_storm_a_restart_changes_nothing(chosen, log, cuts, storm.polls(len(log)))


@given(narrow_settings(15), storms(), st.lists(st.floats(0, 1), min_size=1, max_size=3))
def test_a_restart_anywhere_in_any_storm_of_quarter_hours_changes_nothing(
    chosen: Settings, storm: Storm, places: list[float]
) -> None:
    log = storm.log(period=15)
    cuts = sorted({round(place * len(log)) for place in places})
    in_a_storm_a_restart_changes_nothing(chosen, log, cuts, storm.polls(len(log)))
