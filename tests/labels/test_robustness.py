"""A label's radius beside the obvious way to find it: fade the example a little, ask the judge, and again."""

import numpy as np
import pytest

from detector.config.schema import Config
from detector.core.encoder import Encoder
from detector.core.features import ABSENT
from detector.core.settings import Settings
from detector.labels.embedding import label_windows
from detector.labels.label import write_label
from detector.labels.robustness import SHARES, robustness
from detector.labels.store import LabelStore
from tests.service.network import CATALOGUE, FAR, MEAN, NAMES, SPEC, SPREAD, T0, build_bundle, label

TWENTIETH = 0.05


@pytest.fixture(scope="module")
def bundle():
    return build_bundle()


@pytest.fixture(scope="module")
def encode(bundle):
    return Encoder(SPEC, bundle.weights)


def judged(bundle, encode, told, **alarms):
    settings = Config(bundle="").settings_at(1)
    labels = LabelStore(bundle, encode, Settings(**{**vars(settings), **alarms}), 0)
    labels.put_all(told)
    return labels.classifier()


def records(*labels):
    return [(one.id.encode(), write_label(one)) for one in labels]


def faint(name: str, feature: str):
    """An episode that hardly differs from ordinary life."""
    numbers = np.random.default_rng(5).normal(size=(90, len(NAMES)))
    numbers[30:, NAMES.index(feature)] += FAR / 40
    return label(name, feature, values=(MEAN + SPREAD * numbers).astype("<f4").tobytes())


TAUGHT = records(
    label("drop_storm", "drops"),
    label("power_loss", "power"),
    label("held_back", "delay", quarantined=True),
    label("crowd", "users", kind="ignore"),
    label("usual", "signalling", kind="normal"),
    faint("nothing_much", "throughput"),
)


def radius_by_hand(one, column, judge, encode):
    window = label_windows(one, CATALOGUE)[0]
    least = None
    for share in SHARES[::-1].tolist():
        faded = np.array([[ABSENT if c == ABSENT else round(c * share) for c in row] for row in window.tolist()])
        if judge.score_columns(encode(faded[None].astype(np.int8)))[0, column] < judge.threshold:
            break
        least = share
    return None if least is None else round(1 - least, 2)


def test_a_radius_is_how_far_an_example_fades_before_it_is_not_named(bundle, encode):
    judge = judged(bundle, encode, TAUGHT)
    found = robustness(TAUGHT, judge, bundle, encode)
    assert set(found) == {"drop_storm-1", "power_loss-1", "held_back-1", "nothing_much-1"}
    for name, feature in (("drop_storm", "drops"), ("power_loss", "power")):
        expected = radius_by_hand(label(name, feature), judge.classes.index(name), judge, encode)
        assert found[f"{name}-1"] == expected
        assert 0.3 < expected < 0.96
    held = [quiet.name for quiet in judge.suppressed_classes].index("held_back")
    assert found["held_back-1"] == radius_by_hand(label("held_back", "delay"), len(judge.classes) + held, judge, encode)
    assert found["nothing_much-1"] is None


def test_a_smaller_budget_narrows_it_and_a_classes_own_only_its(bundle, encode):
    plain, mean, own = (
        robustness(TAUGHT, judged(bundle, encode, TAUGHT, **knobs), bundle, encode)
        for knobs in ({}, {"budget": 0.001}, {"budgets": {"drop_storm": 1e-4}})
    )
    assert all(mean[name] < plain[name] for name in ("drop_storm-1", "power_loss-1"))
    assert own["drop_storm-1"] < plain["drop_storm-1"]
    assert abs(own["power_loss-1"] - plain["power_loss-1"]) <= TWENTIETH, "it has one class less to share with"


def test_what_is_retired_or_no_label_has_none(bundle, encode):
    judge = judged(bundle, encode, TAUGHT)
    told = [*TAUGHT, (b"drop_storm-1", None), (b"garbage", b"no label"), (b"old", TAUGHT[0][1][:-1] + b" ")]
    found = robustness(told, judge, bundle, encode)
    assert "drop_storm-1" not in found
    assert "power_loss-1" in found
    assert robustness([], judge, bundle, encode) == {}


def test_a_label_of_another_day_counts_like_any_other(bundle, encode):
    many = records(*(label(f"class_{k}", NAMES[k % len(NAMES)], id=f"l{k}", minute=T0 - 100 * k) for k in range(120)))
    found = robustness(many, judged(bundle, encode, many), bundle, encode)
    assert len(found) == 120
