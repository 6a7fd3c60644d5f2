"""What must not matter does not: how polls cut the log, who the neighbours are, in which order cells are heard."""

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from detector.core.lifecycle import SILENT, Event
from detector.core.pipeline import Pipeline, PollResult
from detector.core.scoring.classifier import Classifier
from detector.core.scoring.exemplars import ExemplarIndex
from detector.core.settings import Settings
from tests import naive
from tests.builders import (
    ALPHA,
    STRANGE,
    T0,
    Told,
    add,
    catalogue,
    exemplar,
    fleet_baseline,
    judge_for,
    minutes_of,
    network,
    nosy,
    pipeline,
    plain,
    play,
    records,
    settings,
    told_of,
    unit,
)
from tests.core.strategies import Storm, narrow_settings, storms


def spelt_out(events: list[Event]) -> list[tuple[str, str, str, int, str, int]]:
    return [
        (event.change, event.alarm.cell, event.alarm.name, event.alarm.onset, event.alarm.severity, event.minute)
        for event in events
    ]


def test_a_fault_is_named_with_its_first_minute_and_cleared_when_it_is_over() -> None:
    chosen = settings(score_minutes=1, hold_minutes=4)
    log = [*minutes_of("a", 0, 10), *minutes_of("a", 10, 20, ALPHA), *minutes_of("a", 20, 30)]
    work = play(pipeline(chosen), log)
    assert told_of(work.events) == [("new", "a", "alpha", 10), ("cleared", "a", "alpha", 23)]
    assert {event.alarm.onset for event in work.events} == {T0 + 10}
    assert work.verdicts == {"normal": 20, "fault": 10, "unknown": 0, "insufficient": 0}


def test_what_nobody_taught_is_unknown_after_its_patience() -> None:
    chosen = settings(score_minutes=1, unknown_minutes=3)
    work = play(pipeline(chosen), [*minutes_of("a", 0, 5), *minutes_of("a", 5, 12, STRANGE)])
    assert told_of(work.events) == [("new", "a", "unknown", 7)]


def test_a_label_taught_at_night_judges_the_minutes_before_it() -> None:
    """The remembered minutes are scored anew: the fault is named at the next minute, with the onset it had."""
    chosen = settings(score_minutes=1, unknown_minutes=3, hold_minutes=8)
    trained = judge_for(chosen)
    blank = Classifier(type(trained.exemplar_index)([], trained.exemplar_index.normal), chosen.weights, chosen.budget)
    taken = Pipeline(catalogue(), fleet_baseline(), plain, blank, chosen)
    before = play(taken, [*minutes_of("a", 0, 5), *minutes_of("a", 5, 10, ALPHA)])
    assert {name for _, _, name, _ in told_of(before.events)} <= {"unknown"}
    taken.use_classifier(trained)
    after = play(taken, minutes_of("a", 10, 11, ALPHA), first_offset=10)
    assert told_of(after.events)[-1] == ("new", "a", "alpha", 10)
    assert after.events[-1].alarm.onset == T0 + 5


def test_a_silent_replay_tells_nothing_and_counts_as_replayed() -> None:
    work = play(pipeline(settings(score_minutes=1)), minutes_of("a", 0, 9, ALPHA), audible=False)
    assert (work.events, work.rejections, work.verdicts) == ([], [], {})
    assert work.outcomes == {"replayed": 9}


def test_what_is_kept_silent_is_counted_once_though_the_partition_is_taken_up_anew_in_its_midst() -> None:
    chosen = settings()
    normal = judge_for(chosen).exemplar_index.normal
    judging = Classifier(
        ExemplarIndex([exemplar("works", unit(0, 1, 0, 0), "ignore")], normal), chosen.weights, chosen.budget
    )
    works = (ALPHA[0], 0.0, STRANGE[2])
    log = [*minutes_of("a", 0, 70), *minutes_of("a", 70, 110, works), *minutes_of("a", 110, 140)]
    alone = pipeline(chosen, plain, judging)
    undisturbed = play(alone, log)
    assert [one.name for one in undisturbed.suppressed_episodes] == ["works"]
    begun = undisturbed.suppressed_episodes[0].minute - T0

    # when another takes over, after it began or before
    for at, counted in ((begun + 1, 0), (begun + 10, 0), (105, 0), (begun, 1), (60, 1)):
        crashed, taken = pipeline(chosen, plain, judging), pipeline(chosen, plain, judging)
        play(crashed, log[:at])
        memory = crashed.checkpoint(0)
        assert memory is not None
        taken.assign(0, memory, crashed.open_alarms())
        play(taken, log[memory.replay_offset : at], first_offset=memory.replay_offset, audible=False)
        taken.catch_up(0)
        assert len(play(taken, log[at:], first_offset=at).suppressed_episodes) == counted, at


def test_an_empty_poll_changes_nothing() -> None:
    taken = pipeline()
    assert taken.process([]) == PollResult()
    assert taken.process([(records([]), True)]).events == []


def test_a_partition_put_down_leaves_nothing_behind() -> None:
    taken = pipeline(settings(score_minutes=1))
    play(taken, minutes_of("a", 0, 5, ALPHA))
    taken.revoke(0)
    assert (taken.watermarks(), taken.open_alarms(), len(taken.cells)) == ({}, [], 0)
    work = play(taken, minutes_of("a", -5000, -4995, ALPHA))
    assert told_of(work.events) == [("new", "a", "alpha", -5000)]


@given(narrow_settings(), storms())
def test_every_event_is_that_of_the_slow_twin_however_polls_cut_the_log(chosen: Settings, storm: Storm) -> None:
    log = storm.log()
    work = play(pipeline(chosen, nosy), log, storm.polls(len(log)))
    twin = naive.play(chosen, nosy, judge_for(chosen), log)
    assert spelt_out(work.events) == twin.events


@given(narrow_settings(15), storms())
def test_every_event_of_quarter_hours_is_that_of_the_slow_twin(chosen: Settings, storm: Storm) -> None:
    log = storm.log(period=15)
    work = play(pipeline(chosen, nosy), log, storm.polls(len(log)))
    twin = naive.play(chosen, nosy, judge_for(chosen), log)
    assert spelt_out(work.events) == twin.events


@given(narrow_settings(), storms(), storms())
def test_neighbours_in_other_partitions_change_nothing(chosen: Settings, mine: Storm, other: Storm) -> None:
    """Both travel in the same batches of the encoder and live in the same arrays, with the same names."""
    logs = {0: mine.log(), 7: other.log()}
    alone = {partition: play(pipeline(chosen, nosy), log, partition=partition) for partition, log in logs.items()}
    taken, together, rng, at = pipeline(chosen, nosy), PollResult(), mine.rng, Counter[int]()
    while any(at[partition] < len(log) for partition, log in logs.items()):
        shares = []
        for partition, log in logs.items():
            size = int(rng.integers(0, 40))
            shares.append((records(log[at[partition] :][:size], partition, at[partition]), True))
            at[partition] += size
        add(together, taken.process(shares))
    for partition, work in alone.items():
        assert spelt_out(work.events) == spelt_out([event for event in together.events if event.partition == partition])


@given(narrow_settings(), st.integers(0, 2**32), st.sampled_from((3, 8)))
def test_the_order_of_cells_within_lateness_changes_no_verdict(chosen: Settings, seed: int, cells: int) -> None:
    """Each cell in its own order, against the others by up to two minutes. Silences may come a minute apart."""
    chosen = settings(**{**vars(chosen), "behind_minutes": 8, "ahead_minutes": 6, "silent_minutes": 8})
    rng = np.random.default_rng(seed)
    names = [f"cell-{k}" for k in range(cells)]
    calm = network(names, 0, 1)
    told = [
        Told(one.cell, one.minute, tuple(rng.integers(-6, 7, 3).astype(float).tolist()))
        for one in network(names, 1, 60)
        if rng.random() < 0.9
    ]
    events = []
    for _ in range(2):
        slowness = {name: rng.random() * 2 for name in names}
        shuffled = sorted(told, key=lambda one: one.minute + slowness[one.cell])
        work = play(pipeline(chosen, nosy), [*calm, *shuffled], rng.integers(1, 90, len(told)).tolist())
        assert work.outcomes["rejected"] == 0
        events.append(Counter(one for one in spelt_out(work.events) if one[2] != SILENT))
    assert events[0] == events[1]
