"""What an alarm says of itself agrees with what it was judged by, and is found at little cost."""

from dataclasses import replace

import numpy as np
import pytest

from detector.core.evidence import AlarmContext, evidence
from detector.core.features import ABSENT, STEPS, WINDOW
from detector.core.lifecycle import CLEARED, NEW, Alarm, Event
from detector.core.scoring.classifier import Classifier
from detector.core.scoring.exemplars import ExemplarIndex
from tests import builders
from tests.builders import ALPHA, T0

RAISED = Event(NEW, 0, Alarm("c1", "alpha", T0, "minor"), T0 + 60, score=9.0)
ASKED: list[int] = []


class Counting(ExemplarIndex):
    """Remembers how many windows it was asked about, each time it was asked."""

    def match(self, embeddings):
        ASKED.append(len(embeddings))
        return super().match(embeddings)


def case(values=ALPHA):
    codes = np.tile(np.array(values) * STEPS, (WINDOW, 1)).astype(np.int8)
    return AlarmContext(codes, builders.plain(codes[None]), 1.0, np.array([[1, 1, 1], [0, 0, 0]], np.float32))


def told(event=RAISED, judge=None, of=None):
    return evidence(event, of or case(), judge or builders.judge(), builders.plain, builders.catalogue())


def test_direction_and_distance_make_the_score_and_the_margin_is_to_the_best_rival():
    judge = builders.judge()
    said, scores = told(judge=judge), judge.score_classes(case().embeddings)[0].astype(np.float32)
    assert said["direction"] + said["distance"] >= scores[0]
    assert [near["name"] for near in said["nearest"]] == ["alpha", "beta"]
    assert said["nearest"][0]["score"] == pytest.approx(said["direction"] + said["distance"], abs=0.02)
    assert said["margin"] == pytest.approx(said["nearest"][0]["score"] - said["nearest"][1]["score"], abs=0.02)


def test_it_says_which_feature_and_how_far_from_usual():
    first = told()["features"][0]
    assert (first["feature"], first["usual"], first["spreads"]) == ("f0", 0.0, pytest.approx(127 / STEPS, abs=0.1))


def test_what_was_not_reported_is_null():
    codes = case().codes.copy()
    codes[:, 1] = ABSENT
    said = told(of=replace(case(), codes=codes))
    assert all(part["observed"] is None for part in said["features"] if part["feature"] == "f1")
    assert said["coverage"] == 1.0


def test_what_carried_it_is_told_only_while_the_alarm_stands():
    assert {"features", "minutes"} <= set(told())
    assert not {"features", "minutes"} & set(told(replace(RAISED, change=CLEARED)))


def test_unknown_is_measured_by_itself_and_every_class_is_its_rival():
    said = told(replace(RAISED, alarm=replace(RAISED.alarm, name="unknown")))
    assert said["margin"] < 0
    assert said["nearest"][0]["name"] == "alpha"


def test_the_fingerprint_is_of_every_bit():
    other = replace(case(), embeddings=builders.plain(case((8.0, 0.1, 0.0)).codes[None]))
    cases = told(), told(), told(replace(RAISED, score=9.000001)), told(of=other)
    assert [said["fingerprint"] for said in cases].count(told()["fingerprint"]) == 2
    assert len({said["fingerprint"] for said in cases}) == 3


def test_the_library_is_asked_once_for_the_window_and_once_for_all_trials():
    usual = builders.judge().exemplar_index
    judge = Classifier(Counting(usual.exemplars, usual.normal, threads=1), np.ones(3, np.float32), 50.0)
    ASKED.clear()
    told(judge=judge)
    assert len(ASKED) == 2
    assert ASKED[0] == 1
