"""A cell that says nothing while its network goes on is an alarm of its own, raised once and ended by its voice."""

from tests.builders import ALPHA, T0, Told, minutes_of, network, pipeline, play, settings, told_of


def test_a_cell_silent_for_silent_minutes_of_its_network_raises_one_alarm() -> None:
    chosen = settings(silent_minutes=6)
    work = play(pipeline(chosen), [*network("abcd", 0, 10), *network("abc", 10, 60)])
    assert told_of(work.events) == [("new", "d", "cell_silent", 15)]
    assert work.events[0].alarm.onset == T0 + 10, "the first minute it failed to report"
    assert work.events[0].alarm.severity == "major"


def test_one_minute_less_is_no_silence() -> None:
    log = [*network("abcd", 0, 10), *network("abc", 10, 15), *network("dabc", 15, 20)]
    assert play(pipeline(settings(silent_minutes=6)), log).events == []


def test_a_silence_ends_when_the_cell_speaks() -> None:
    log = [*network("abcd", 0, 10), *network("abc", 10, 20), *network("abcd", 20, 25)]
    work = play(pipeline(settings(silent_minutes=6)), log)
    assert told_of(work.events) == [("new", "d", "cell_silent", 15), ("cleared", "d", "cell_silent", 20)]


def test_a_cell_that_delivers_old_minutes_does_not_end_its_silence() -> None:
    chosen = settings(silent_minutes=6, behind_minutes=30)
    buffered = minutes_of("d", 10, 14)
    log = [*network("abcd", 0, 10), *network("abc", 10, 20), *buffered, *network("abc", 20, 22)]
    assert told_of(play(pipeline(chosen), log).events) == [("new", "d", "cell_silent", 15)]


def test_a_cell_that_delivers_its_buffer_to_the_end_ends_its_silence_with_the_first_fresh_minute() -> None:
    chosen = settings(silent_minutes=6, behind_minutes=30)
    log = [*network("abcd", 0, 10), *network("abc", 10, 20), *minutes_of("d", 10, 20)]
    work = play(pipeline(chosen), log)
    assert told_of(work.events)[1:] == [("cleared", "d", "cell_silent", 14)]


def test_refused_minutes_do_not_end_a_silence() -> None:
    log = [*network("abcd", 0, 10), *network("abc", 10, 20), Told("d", T0 + 2), Told("d", T0 + 900)]
    work = play(pipeline(settings(silent_minutes=6)), log)
    assert told_of(work.events) == [("new", "d", "cell_silent", 15)]


def test_a_cell_that_falls_silent_again_is_told_again() -> None:
    log = [
        *network("abcd", 0, 10),
        *network("abc", 10, 20),
        *network("abcd", 20, 25),
        *network("abc", 25, 35),
    ]
    told = told_of(play(pipeline(settings(silent_minutes=6)), log).events)
    assert [change for change, *_ in told] == ["new", "cleared", "new"]
    assert told[-1] == ("new", "d", "cell_silent", 30)


def test_a_silence_outlives_the_cells_row_and_still_ends_when_it_speaks() -> None:
    chosen = settings(silent_minutes=6)
    end = chosen.tolerance.memory_minutes + 30
    taken = pipeline(chosen)
    for begin in range(0, end, 10):
        play(taken, network("abc" if begin else "abcd", begin, min(begin + 10, end)))
    assert "d" not in taken.cells.names
    assert [alarm.cell for alarm in taken.open_alarms()] == ["d"]
    work = play(taken, minutes_of("d", end, end + 1))
    assert told_of(work.events) == [("cleared", "d", "cell_silent", end)]
    assert taken.open_alarms() == []


def test_a_silent_cell_keeps_the_fault_it_had() -> None:
    log = [*network("abc", 0, 10), *minutes_of("d", 9, 10, ALPHA), *network("abc", 10, 20)]
    work = play(pipeline(settings(silent_minutes=6, score_minutes=1)), log)
    assert told_of(work.events) == [("new", "d", "alpha", 9), ("new", "d", "cell_silent", 15)]


def test_silence_is_counted_per_partition() -> None:
    taken = pipeline(settings(silent_minutes=6))
    play(taken, network("abc", 0, 10), partition=0)
    work = play(taken, network("xyz", 0, 60), partition=1)
    assert work.events == []


def test_silences_of_one_minute_are_told_in_the_order_of_their_names() -> None:
    log = [*network("dzacby", 0, 10), *network("abc", 10, 20)]
    told = told_of(play(pipeline(settings(silent_minutes=6)), log).events)
    assert [cell for _, cell, _, _ in told] == ["d", "y", "z"]
