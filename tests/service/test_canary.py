"""The canary: seen while all is well, missed when any part of the road is not, and heard by nobody else."""

import os
import time
from dataclasses import replace

import msgspec
import numpy as np
import pytest

from detector.bundle.verification import open_bundle
from detector.config.schema import Config
from detector.core.encoder import Encoder
from detector.core.features import STEPS, WINDOW
from detector.service.canary import FAR, Canary, CanaryResult, CanaryRunner
from tests.eventually import eventually
from tests.service.network import MINUTES, NAMES, SPEC, build_bundle, label, told
from tests.service.stage import serving
from trainer.pretrained.shipped import SHIPPED

SETTINGS = Config(bundle="").settings_at(1)

RECOGNISED, MISSED = (f'faultline_canary_plays_total{{outcome="{outcome}"}}' for outcome in ("recognised", "missed"))
WHEN = "faultline_canary_recognised_timestamp_seconds"


class Breakable:
    """An encoder that at some time begins to say something else."""

    def __init__(self, encode):
        self._encode, self.instead = encode, None

    def __call__(self, windows, /):
        made = self._encode(windows)
        return made if self.instead is None else self.instead(made)


@pytest.fixture(scope="module")
def small():
    return build_bundle()


@pytest.fixture
def encode(small):
    return Breakable(Encoder(SPEC, small.weights))


def with_features(bundle, **changes):
    features = [replace(feature, **changes) for feature in bundle.manifest.features]
    return replace(bundle, manifest=msgspec.structs.replace(bundle.manifest, features=features))


@pytest.mark.parametrize(
    "changes",
    [{}, {"transform": "log1p", "low": 0.0, "high": 1e9}, {"high": 14.0}, {"low": 6.0}],
    ids=["as it is", "logarithms", "no room above", "no room below"],
)
def test_any_catalogue_has_a_fault_that_its_bundle_recognises_again_and_again(small, encode, changes):
    canary = Canary(with_features(small, **changes), encode, SETTINGS, 0)
    assert [canary.play() for _ in range(3)] == [True] * 3


@pytest.mark.parametrize(
    "settings",
    [{"score_minutes": 15, "half_life_minutes": 60.0, "min_coverage": 1.0}, {"score_minutes": 1, "budget": 0.01}],
)
def test_it_is_recognised_with_other_knobs_too(small, encode, settings):
    assert Canary(small, encode, replace(SETTINGS, **settings), 0).play()


def scrambled(made):
    return replace(made, direction=made.direction[:, ::-1].copy())


def always_the_same(made):
    return made[np.zeros(len(made), int)]


@pytest.mark.parametrize("broken", [scrambled, always_the_same])
def test_an_encoder_that_says_something_else_is_noticed_at_the_next_play(small, encode, broken):
    canary = Canary(small, encode, SETTINGS, 0)
    assert canary.play()
    encode.instead = broken
    assert not canary.play()
    encode.instead = None
    assert canary.play()


def test_a_library_whose_ordinary_life_holds_worse_is_noticed(small, encode):
    stretches, minutes = small.normal.stretches.size.shape
    worse = np.zeros((stretches, WINDOW, len(NAMES)), np.int8)
    spreads = np.random.default_rng(0).uniform(FAR, 2 * FAR, stretches) * STEPS
    for number in range(stretches):
        worse[number, :, number // 2 % len(NAMES)] = spreads[number] * (-1) ** number
    life = encode(worse)[np.repeat(np.arange(stretches), minutes)].reshaped(stretches, minutes)
    assert not Canary(replace(small, normal=replace(small.normal, stretches=life)), encode, SETTINGS, 0).play()


def test_a_play_that_fails_is_a_miss_and_no_end_of_the_loop(small, encode):
    def gone(made):
        raise RuntimeError("the device is lost")

    encode.instead = gone
    plays, heard = CanaryRunner(60), []
    try:
        plays.use(Canary(small, encode, SETTINGS, 0))
        eventually(lambda: bool(heard.append(plays.poll()) or heard[-1]), "a play is told of")
    finally:
        plays.close()
    assert heard[-1] == CanaryResult(is_recognised=False, seconds=0.0, error="RuntimeError: the device is lost")


def test_what_another_bundle_began_is_not_told_of_the_one_in_office(small, encode):
    plays, heard = CanaryRunner(60), []
    try:
        plays.use(Canary(small, encode, SETTINGS, 0))
        assert plays.poll() is None
        plays.use(Canary(small, encode, replace(SETTINGS, budget=1e-15), 0))
        eventually(lambda: bool(heard.append(plays.poll()) or heard[-1]), "a play is told of")
    finally:
        plays.close()
    assert not heard[-1].is_recognised, "the second can recognise nothing"


@pytest.mark.broker
def test_the_daemon_recognises_it_and_no_topic_tells_of_it(stage, undisturbed):
    stage.teach(label("drop_storm", "drops"))
    records = told(0, MINUTES)
    stage.tell(records)

    # given one that is played as often as it can be
    began = time.time()
    with serving(stage.config(runtime={"canary_minutes": 1e-6})) as service:
        stage.wait_taken(len(records))
        eventually(lambda: service.metrics()[RECOGNISED] > 3, "it is played and recognised")
        seen = service.metrics()

    # then the metrics say so, and what was said is what is said without it
    assert seen[MISSED] == 0
    assert began <= seen[WHEN] <= time.time()
    assert 0 < seen["faultline_canary_play_seconds"] < 10
    assert stage.alarms() == undisturbed.alarms
    assert {number: (at.offset, at.metadata) for number, at in stage.committed().items()} == {
        number: (at.offset, at.metadata) for number, at in undisturbed.committed.items()
    }
    assert seen["faultline_cells_tracked"] == 8


@pytest.mark.broker
def test_it_is_played_at_once_when_another_bundle_takes_over_and_never_when_it_is_off(
    stage, bundle, other_bundle, tmp_path
):
    current = tmp_path / "current"
    current.symlink_to(bundle)
    soon = {"bundle": str(current), "runtime": {"reload_seconds": 0.1, "canary_minutes": 1440}}
    with serving(stage.config(**soon)) as service:
        service.wait_metric(RECOGNISED, 1)
        first = service.metrics()[WHEN]
        (tmp_path / "fresh").symlink_to(other_bundle)
        os.replace(tmp_path / "fresh", current)
        service.wait_metric(RECOGNISED, 2, 60)
        assert service.metrics()[WHEN] > first

    with serving(stage.config(runtime={"canary_minutes": 0})) as service:
        service.wait_metric("faultline_ready", 1)
        assert service.metrics()[RECOGNISED] == service.metrics()[WHEN] == 0
        assert service.metrics()["faultline_canary_period_seconds"] == 0


@pytest.mark.broker
def test_a_daemon_that_could_raise_no_alarm_says_so(stage):
    with serving(stage.config(alarms={"false_alarms_per_1000_cells_per_day": 1e-15})) as service:
        service.wait_metric(MISSED, 1)
        assert service.metrics()[WHEN] == 0
        (said,) = service.log.above_info()
        expected = (
            "the canary's fault was not recognised (no alarm), so the absence of alarms means nothing; check the bundle"
        )
        assert expected in said


def test_the_shipped_bundle_recognises_it():
    bundle, encode = open_bundle(SHIPPED, 0)
    assert Canary(bundle, encode, SETTINGS, 0).play()
