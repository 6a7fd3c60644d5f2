"""An alarm is one episode: it begins above the threshold, ends after a quiet hold, and rises in severity only."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from detector.core.ingest.micro_batch import MicroBatch
from detector.core.lifecycle import Alarm, AlarmLifecycle, Event, Persistence
from detector.core.scoring.classifier import Classifier
from detector.core.scoring.exemplars import ExemplarIndex
from detector.core.scoring.score_history import ScoreHistory, ScoreWindow
from detector.core.settings import kernel
from detector.core.suppression import SuppressedEpisode, SuppressionTracker
from tests.builders import T0, embedded, exemplar, judge, told_of, unit

ROW = 2
QUIET, LOUD, BETWEEN = 0.0, 5.0, 3.5
"""Below the lower threshold of 3, above the threshold of 4, and between the two."""


class Life:
    """One cell's minutes, its scores given outright: alpha, beta, unknown. One minute makes the smoothed score."""

    def __init__(self, *, hold: int = 3, patience: int = 2, minutes: int = 1, half_life: float = 1.0) -> None:
        self.persistence = Persistence(threshold=4, clear_margin=1, hold_minutes=hold, unknown_minutes=patience)
        self.scores = ScoreHistory(4, 1, 1, kernel(minutes, half_life), minutes + max(hold, patience))
        self.scores.use_classifier(lambda e, _: np.zeros((len(e), 3), np.float16), 3)
        self.scores.refresh(np.array([ROW]))
        self.alarms = AlarmLifecycle(["alpha", "beta", "unknown"], self.persistence)
        self.alarms.restore(0, [])
        self.minute = T0
        self.told: list[Event] = []

    def live(
        self, alpha: float = QUIET, beta: float = QUIET, unknown: float = QUIET, *, scored: bool = True, times: int = 1
    ) -> list[tuple[str, str, int]]:
        """Passes some minutes of these scores; gives what was told of them, as (change, name, minute)."""
        events: list[Event] = []
        for _ in range(times):
            rows, minute = np.array([ROW]), np.array([self.minute])
            if scored:
                score = np.array([[alpha, beta, unknown]], np.float16)
                self.scores.push(rows, minute, embedded(np.zeros((1, 1)), np.ones(1)), score)
            window = self.scores.window(rows, minute, np.array([scored]))
            events += step(self.alarms, turn(rows, minute), window)
            self.minute += 1
        self.told += events
        return [(change, name, minute) for change, _, name, minute in told_of(events)]


def turn(rows: NDArray[np.int64], minute: NDArray[np.int64], watermark: int | None = None) -> MicroBatch:
    many = len(rows)
    yes, no = np.ones(many, bool), np.zeros(many, bool)
    return MicroBatch(
        partition=0,
        rows=rows,
        minute=minute,
        coverage=np.ones(many, np.float32),
        ends_silence=yes,
        starts_anew=no,
        watermark=watermark,
    )


def step(alarms: AlarmLifecycle, one: MicroBatch, scores: ScoreWindow) -> list[Event]:
    """A turn of the one cell, as the pipeline takes it."""
    return alarms.step(one, ["a"], alarms.has_open_alarm(0, ["a"]), scores)


def test_an_alarm_is_raised_at_the_threshold_and_not_below() -> None:
    life = Life()
    assert life.live(alpha=3.99) == []
    assert life.live(alpha=4) == [("new", "alpha", 1)]


def test_an_alarm_is_cleared_after_a_quiet_hold() -> None:
    life = Life(hold=3)
    life.live(alpha=LOUD)
    assert life.live(times=2) == []
    assert life.live() == [("cleared", "alpha", 3)]
    assert life.alarms.open_alarms() == []


def test_flapping_between_the_thresholds_changes_nothing() -> None:
    life = Life(hold=3)
    life.live(alpha=LOUD)
    for _ in range(10):
        assert life.live(alpha=BETWEEN) == []
        assert life.live(alpha=LOUD) == []


def test_flapping_faster_than_the_hold_changes_nothing() -> None:
    life = Life(hold=3)
    life.live(alpha=LOUD)
    for _ in range(10):
        assert life.live(times=2) == []
        assert life.live(alpha=LOUD) == []


def test_a_score_between_the_thresholds_starts_the_hold_again() -> None:
    life = Life(hold=3)
    life.live(alpha=LOUD)
    life.live(times=2)
    assert life.live(alpha=BETWEEN) == []
    assert life.live(times=2) == []
    assert life.live() == [("cleared", "alpha", 6)]


def test_a_minute_never_told_within_the_hold_is_not_a_quiet_one() -> None:
    life = Life(hold=3)
    life.live(alpha=LOUD)
    life.live()
    life.minute += 1
    assert life.live(times=2) == []
    assert life.live() == [("cleared", "alpha", 5)]


def test_severity_rises_and_never_falls() -> None:
    life = Life()
    assert life.live(alpha=4) == [("new", "alpha", 0)]
    assert life.live(alpha=6) == [("changed", "alpha", 1)]
    assert life.live(alpha=4) == []
    assert life.live(alpha=9) == [("changed", "alpha", 3)]
    assert life.live(alpha=6) == []
    assert [event.alarm.severity for event in life.told] == ["minor", "major", "critical"]
    assert len({event.alarm.onset for event in life.told}) == 1, "one episode, one onset"


def test_an_alarm_may_begin_critical() -> None:
    life = Life()
    life.live(alpha=12)
    assert [event.alarm.severity for event in life.told] == ["critical"]


def test_the_onset_is_the_first_of_the_minutes_that_all_scored_above_the_lower_threshold() -> None:
    life = Life(hold=4)
    life.live(times=2)
    life.live(alpha=BETWEEN, times=2)
    life.live(alpha=LOUD)
    assert life.told[0].alarm.onset == T0 + 2
    assert life.told[0].minute == T0 + 4


def test_unknown_needs_its_patience() -> None:
    life = Life(patience=3)
    assert life.live(unknown=LOUD, times=2) == []
    assert life.live() == []
    assert life.live(unknown=LOUD, times=2) == []
    assert life.live(unknown=LOUD) == [("new", "unknown", 5)]


def test_a_named_fault_supersedes_unknown() -> None:
    life = Life(patience=2)
    life.live(unknown=LOUD, times=2)
    assert life.live(alpha=LOUD, unknown=LOUD) == [("cleared", "unknown", 2), ("new", "alpha", 2)]
    assert life.told[-2].superseded_by == "alpha"
    assert [alarm.name for alarm in life.alarms.open_alarms()] == ["alpha"]


def test_unknown_is_not_raised_beside_a_named_fault() -> None:
    life = Life(patience=1)
    life.live(alpha=LOUD)
    assert life.live(alpha=BETWEEN, unknown=12, times=5) == []


def test_a_second_fault_is_named_only_once_the_first_is_quiet() -> None:
    life = Life()
    life.live(alpha=LOUD)
    assert life.live(alpha=LOUD, beta=12) == []
    assert life.live(alpha=BETWEEN, beta=12) == []
    assert life.live(alpha=QUIET, beta=12) == [("new", "beta", 3)]


def test_of_two_faults_at_once_the_stronger_is_named() -> None:
    assert Life().live(alpha=5, beta=6) == [("new", "beta", 0)]


def test_an_insufficient_minute_raises_nothing() -> None:
    life = Life(minutes=3, half_life=10)
    life.live(times=2)
    life.live(alpha=LOUD, beta=LOUD, unknown=LOUD, scored=False)
    assert life.told == []


def test_an_insufficient_minute_clears_nothing() -> None:
    """Also where the minutes before it, smoothed, would be quiet up to this one."""
    life = Life(hold=3, minutes=3, half_life=10)
    life.live(alpha=12, times=3)
    life.live(times=4)
    assert [alarm.name for alarm in life.alarms.open_alarms()] == ["alpha"]
    assert life.live(scored=False) == []
    assert life.live() == [("cleared", "alpha", 8)]


def test_a_retired_class_is_cleared_at_the_cells_next_minute() -> None:
    life = Life()
    life.live(alpha=LOUD)
    life.alarms.use_classes(["beta", "unknown"], life.persistence)
    life.scores.use_classifier(lambda e, _: np.zeros((len(e), 2), np.float16), 2)
    life.scores.refresh(np.array([ROW]))
    rows, minute = np.array([ROW]), np.array([life.minute])
    window = ScoreWindow(rows=rows, minute=minute, smoothed=np.zeros((1, 2), np.float32), score_history=life.scores)
    events = step(life.alarms, turn(rows, minute), window)
    assert told_of(events) == [("cleared", "a", "alpha", 1)]
    assert events[0].superseded_by == "the label was retired"


def test_a_retired_class_is_cleared_also_by_an_insufficient_minute() -> None:
    life = Life()
    life.live(alpha=LOUD)
    life.alarms.use_classes(["beta", "unknown"], life.persistence)
    rows, minute = np.array([ROW]), np.array([life.minute])
    window = ScoreWindow(
        rows=rows, minute=minute, smoothed=np.full((1, 2), np.nan, np.float32), score_history=life.scores
    )
    events = step(life.alarms, turn(rows, minute), window)
    assert told_of(events) == [("cleared", "a", "alpha", 1)]


def test_no_fault_class_at_all_leaves_unknown() -> None:
    scores = ScoreHistory(4, 1, 1, kernel(1, 1.0), 4)
    alarms = AlarmLifecycle(["unknown"], Persistence(threshold=4, clear_margin=1, hold_minutes=3, unknown_minutes=1))
    rows, minute = np.array([ROW]), np.array([T0])
    scores.push(rows, minute, embedded(np.zeros((1, 1)), np.ones(1)), np.array([[9]], np.float16))
    events = step(alarms, turn(rows, minute), scores.window(rows, minute, np.array([True])))
    assert told_of(events) == [("new", "a", "unknown", 0)]


def test_restored_alarms_go_on_as_if_nothing_had_happened() -> None:
    life = Life(hold=2)
    alarm = Alarm("a", "alpha", T0 - 7, "major")
    life.alarms.restore(0, [alarm])
    assert life.live(alpha=LOUD) == []
    assert life.live(times=2) == [("cleared", "alpha", 2)]
    assert life.told[-1].alarm == alarm


def test_a_dropped_partition_takes_its_alarms_along_and_leaves_the_others() -> None:
    life = Life()
    life.live(alpha=LOUD)
    life.alarms.restore(1, [Alarm("a", "beta", T0, "minor")])
    life.alarms.drop(0)
    assert [alarm.name for alarm in life.alarms.open_alarms()] == ["beta"]


def test_the_alarm_of_a_neighbour_is_left_alone() -> None:
    life = Life()
    life.alarms.restore(0, [Alarm("b", "alpha", T0, "minor")])
    assert life.live(times=5) == []
    assert [alarm.cell for alarm in life.alarms.open_alarms()] == ["b"]


def test_a_taught_severity_is_the_alarms_whatever_it_scores() -> None:
    life = Life()
    life.alarms.use_classes(["alpha", "beta", "unknown"], replace(life.persistence, severities={"alpha": "major"}))
    life.live(alpha=LOUD)
    life.live(alpha=30)
    assert [(event.change, event.alarm.severity) for event in life.told] == [("new", "major")]


def test_a_quiet_episode_is_withheld_once_until_it_has_gone_below_the_lower_threshold() -> None:
    quarantined = replace(exemplar("alpha", unit(0, 1, 0, 0)), is_quarantined=True)
    classifier = Classifier(ExemplarIndex([quarantined], judge().exemplar_index.normal), np.ones(1, np.float32), 50.0)
    classifier.threshold = 4
    tracker = SuppressionTracker(classifier, clear_margin=1)
    heard = []
    for minute, score in enumerate((QUIET, LOUD, BETWEEN, LOUD, np.nan, LOUD)):
        one = turn(np.array([ROW]), np.array([T0 + minute]))
        smoothed = np.array([[QUIET, score]], np.float32)
        window = ScoreWindow(rows=one.rows, minute=one.minute, smoothed=smoothed, score_history=Life().scores)
        heard += tracker.step(one, ["a"], window)
    assert heard == [
        SuppressedEpisode(cell="a", name="alpha", reason="quarantined", minute=T0 + minute) for minute in (1, 5)
    ]
