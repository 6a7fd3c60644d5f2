"""A window holds the last 60 minutes of its cell, whatever order, holes and repetitions they came in."""

import numpy as np
from hypothesis import given

from detector.core.features import ABSENT, WINDOW
from detector.core.ingest.samples import Reason
from detector.core.settings import Settings
from tests import naive
from tests.builders import (
    ALPHA,
    CALM,
    FEATURES,
    STRANGE,
    T0,
    Assessor,
    Told,
    judge_for,
    minutes_of,
    network,
    pipeline,
    play,
    refusals,
    settings,
    told_of,
)
from tests.core.strategies import Storm, narrow_settings, storms

ONE = (1.0, 1.0, 1.0)
CODE_OF_ONE = 16


def test_a_minute_lands_in_its_window_by_its_number() -> None:
    listener = Assessor()
    play(pipeline(encode=listener), [Told("a", T0 + 0), Told("a", T0 + 3, ONE), Told("a", T0 + 4)])
    window = listener.windows[-1]
    assert window[-1].tolist() == [0, 0, 0]
    assert window[-2].tolist() == [CODE_OF_ONE] * 3
    assert window[-5].tolist() == [0, 0, 0]


def test_a_hole_is_absent_and_never_zero() -> None:
    listener = Assessor()
    play(pipeline(encode=listener), [Told("a", T0 + 0), Told("a", T0 + 3)])
    first, second = listener.windows
    assert (first[:-1] == ABSENT).all()
    assert (second[-3:-1] == ABSENT).all()
    assert (second[:-4] == ABSENT).all()
    assert (second[[-1, -4]] == 0).all()


def test_a_feature_that_was_not_reported_is_absent_and_its_neighbours_are_not() -> None:
    listener = Assessor()
    play(pipeline(encode=listener), [Told("a", T0, (1.0, None, 0.0))])
    assert listener.windows[0, -1].tolist() == [CODE_OF_ONE, ABSENT, 0]


def test_the_same_minute_again_changes_nothing() -> None:
    listener = Assessor()
    log = [Told("a", T0 + 1, ONE), Told("a", T0 + 1, ONE), Told("a", T0 + 2, ONE)]
    work = play(pipeline(encode=listener), log)
    assert work.outcomes == {"in_order": 2, "duplicate": 1, "late": 0, "restated": 0, "rejected": 0}
    assert len(listener.windows) == 2
    assert np.count_nonzero((listener.windows[-1] != ABSENT).all(axis=1)) == 2


def test_the_same_minute_with_other_values_replaces_the_first() -> None:
    listener = Assessor()
    log = [Told("a", T0 + 1, ALPHA), Told("a", T0 + 1, ONE), Told("a", T0 + 2)]
    work = play(pipeline(encode=listener), log)
    assert work.outcomes["restated"] == 1
    assert listener.windows[-1, -2].tolist() == [CODE_OF_ONE] * 3


def test_a_minute_corrected_back_and_forth_is_restated_each_time() -> None:
    log = [Told("a", T0 + 1, values) for values in (ONE, CALM, ONE, ONE)]
    outcomes = play(pipeline(), log).outcomes
    assert (outcomes["restated"], outcomes["duplicate"]) == (2, 1)


def test_a_late_minute_fills_its_hole_and_fires_nothing() -> None:
    listener = Assessor()
    log = [Told("a", T0 + 1), Told("a", T0 + 3), Told("a", T0 + 2, ONE), Told("a", T0 + 4)]
    work = play(pipeline(encode=listener), log)
    assert work.outcomes["late"] == 1
    assert len(listener.windows) == 3
    assert listener.windows[-1, -3].tolist() == [CODE_OF_ONE] * 3


def test_a_late_fault_raises_no_alarm_of_its_own() -> None:
    log = [*minutes_of("a", 0, 5), Told("a", T0 + 6), Told("a", T0 + 5, ALPHA)]
    assert play(pipeline(settings(score_minutes=1)), log).events == []


def test_a_minute_at_the_edge_of_lateness_is_taken_and_one_beyond_is_refused() -> None:
    log = [Told("a", T0 + 10), Told("a", T0 + 5), Told("a", T0 + 4)]
    work = play(pipeline(settings(late_minutes=5)), log)
    assert work.outcomes["late"] == 1
    assert refusals(work) == [(2, Reason.TOO_LATE)]


def test_a_cell_that_begins_far_behind_its_network_is_refused() -> None:
    log = [*network("abc", 0, 20), Told("d", T0 + 11), Told("d", T0 + 10)]
    work = play(pipeline(settings(behind_minutes=8)), log)
    assert refusals(work) == [(61, Reason.TOO_LATE)]


def test_a_jump_of_59_minutes_keeps_one_minute_of_the_past() -> None:
    listener = Assessor()
    log = [*network("abc", 0, 1), *network("abc", 59, 60)]
    play(pipeline(settings(ahead_minutes=59), encode=listener), log)
    assert (listener.windows[3, 0] == 0).all()
    assert (listener.windows[3, 1:-1] == ABSENT).all()


def test_a_jump_of_60_minutes_empties_the_window() -> None:
    listener = Assessor()
    log = [*network("abc", 0, 5), *network("abc", 64, 65)]
    play(pipeline(settings(ahead_minutes=60), encode=listener), log)
    assert (listener.windows[-1, :-1] == ABSENT).all()
    assert (listener.windows[-1, -1] == 0).all()


def test_too_little_coverage_is_insufficient_and_no_alarm() -> None:
    chosen = settings(min_coverage=0.5, score_minutes=1)
    thin = play(pipeline(chosen), minutes_of("a", 0, 29, ALPHA))
    assert thin.events == []
    assert thin.verdicts["insufficient"] == 29
    assert thin.window_count == 0
    enough = play(pipeline(chosen), minutes_of("a", 0, 30, ALPHA))
    assert told_of(enough.events) == [("new", "a", "alpha", 29)]
    assert (enough.verdicts["insufficient"], enough.verdicts["fault"]) == (29, 1)


def test_a_forgotten_cell_makes_room_and_leaves_no_trace_in_its_row() -> None:
    # given: one row more than cells, and a cell that dies while it is loud
    chosen = settings(max_cells=4, quorum_cells=2, score_minutes=1)
    listener = Assessor()
    taken = pipeline(chosen, encode=listener)
    memory = chosen.tolerance.memory_minutes
    play(taken, sorted([*network("abc", 0, 5), *minutes_of("dead", 0, 5, STRANGE)], key=lambda told: told.minute))
    for minute in range(5, memory + 10):
        play(taken, network("abc", minute, minute + 1))
    assert sorted(name for name in taken.cells.names if name) == ["a", "b", "c"]
    # when: another cell is given its row
    work = play(taken, minutes_of("young", memory + 9, memory + 10))
    # then: it begins with nothing
    assert len(taken.cells.names) == 4
    assert work.outcomes["in_order"] == 1
    assert (listener.windows[-1, :-1] == ABSENT).all()
    assert work.events == []


def test_more_cells_than_there_is_room_for_are_refused_and_the_others_unharmed() -> None:
    work = play(pipeline(settings(max_cells=2)), network("abcb", 0, 2))
    assert refusals(work) == [(2, Reason.TOO_MANY_CELLS), (6, Reason.TOO_MANY_CELLS)]
    assert work.outcomes["in_order"] == 4


def test_a_forgotten_cell_that_speaks_again_within_the_poll_begins_like_a_new_one() -> None:
    # given: a cell alone, a network that begins hours later, and the cell with minutes a little behind it
    log = [
        Told("a", T0 + 1),
        Told("b", T0 + 508),
        Told("a", T0 + 505),
        *(Told("b", T0 + minute) for minute in (510, 512)),
        *(Told(cell, T0 + 514) for cell in "cd"),
    ]
    chosen = settings(late_minutes=3, behind_minutes=4, ahead_minutes=2, silent_minutes=9, quorum_cells=2)
    # then: its silence is counted from its own last minute, in one poll as in seven
    silent = [("new", "a", "cell_silent", 514)]
    assert told_of(play(pipeline(chosen), log, [1] * 7).events) == silent
    assert told_of(play(pipeline(chosen), log).events) == silent


def test_a_leap_does_not_excuse_a_cell_that_speaks_only_later_in_the_poll() -> None:
    # given: a single cell that leaps, then cells that show it had run ahead
    log = [Told("b", T0 + 85), Told("b", T0 + 87), Told("c", T0 + 81), Told("a", T0 + 83), Told("a", T0 + 84)]
    chosen = settings(ahead_minutes=1, silent_minutes=3, quorum_cells=2)
    silent = [("new", "c", "cell_silent", 84)]
    assert told_of(play(pipeline(chosen), log, [1] * 5).events) == silent
    assert told_of(play(pipeline(chosen), log).events) == silent


def test_a_cell_whose_own_clock_had_run_ahead_begins_anew_with_an_empty_window() -> None:
    # given: a cell alone that is loud, and whose clock is an hour ahead of the cells that join
    early = minutes_of("a", 60, 70, ALPHA)
    joined = [Told("b", T0 + 8), Told("c", T0 + 8)]
    back = minutes_of("a", 8, 9, ALPHA)
    listener = Assessor()
    taken = pipeline(settings(score_minutes=4, half_life_minutes=50.0, min_coverage=0.0), encode=listener)
    play(taken, [*early, *joined, *back])
    assert (listener.windows[-1, :-1] == ABSENT).all()


@given(narrow_settings(), storms())
def test_the_windows_are_those_of_the_slow_twin(chosen: Settings, storm: Storm) -> None:
    log = storm.log()
    listener = Assessor()
    taken = pipeline(settings(**{**vars(chosen), "min_coverage": 0.0}), encode=listener)
    work = play(taken, log, storm.polls(len(log)))
    twin = naive.play(settings(**{**vars(chosen), "min_coverage": 0.0}), Assessor(), judge_for(chosen), log)
    expected = np.array([window for *_, window in twin.windows], np.int8).reshape(-1, WINDOW, FEATURES)
    assert np.array_equal(listener.windows, expected)
    told = {outcome: twin.outcomes.count(outcome) for outcome in ("in_order", "late", "duplicate", "restated")}
    assert {outcome: work.outcomes.get(outcome, 0) for outcome in told} == told
    assert refusals(work) == [(at, outcome) for at, outcome in enumerate(twin.outcomes) if outcome.startswith("too_")]


@given(storms(troubles=("late", "holes", "twice"), cells=(1, 3, 5)))
def test_after_a_stretch_told_in_another_order_the_windows_are_the_same(storm: Storm) -> None:
    """Within lateness, order is forgotten: a stretch shuffled by less than that, then the same orderly rest."""
    chosen = settings(late_minutes=9, behind_minutes=12, ahead_minutes=9)
    rng = storm.rng
    orderly = network("abc", 0, 70)
    troubled = [told._replace(values=(float(rng.integers(8)), 0.0, 0.0)) for told in orderly if rng.random() < 0.9]
    begin, end = T0 + 20, T0 + 50
    delay = {id(told): rng.integers(0, 4) if begin <= told.minute < end else 0 for told in troubled}
    shuffled = sorted(troubled, key=lambda told: told.minute + delay[id(told)])
    assert sorted(troubled) == sorted(shuffled)
    ends = []
    for log in (troubled, shuffled):
        listener = Assessor()
        taken = pipeline(chosen, encode=listener)
        play(taken, log, storm.polls(len(log)))
        after = len([told for told in log if told.minute >= end + 4])
        ends.append(listener.windows[-after:])
    assert np.array_equal(*ends)
