"""What a step learns from: windows of several networks, each in its own normal life, and what is said of the absent."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from detector.core.encoder import Encoder
from detector.core.features import ABSENT
from tests.builders import catalogue
from tests.trainer.left_alone import FEATURES, SPEC, pictures
from trainer.calibration.whitening import Normality, whitening
from trainer.data.examples import Examples
from trainer.data.sampler import ANCHORS, LOUD, NORMALS, ClassBalancedSampler
from trainer.training.learner import Hyperparameters, Learner


@cache
def learner() -> Learner:
    return Learner(SPEC, Hyperparameters(), Normality.of(pictures(), SPEC))


def of_two_networks(each: int = 200) -> Examples:
    """Faults add 3 to what is normal: about 10 in the first network, about 60 in the second."""
    rng = np.random.default_rng(2)
    network = np.arange(2 * each) % 2
    twins = (10 + 50 * network[:, None, None] + rng.integers(-2, 3, (2 * each, 60, FEATURES))).astype(np.int8)
    label = np.arange(2 * each) // 10
    return Examples(twins + np.int8(3), twins, label, np.full(2 * each, 9, np.float32), network)


def test_a_fault_is_moved_only_to_normal_life_of_its_own_network() -> None:
    examples = of_two_networks()
    batches = ClassBalancedSampler(examples, 0, catalogue(FEATURES), seed=1)
    for step in range(10):
        windows, _, network = batches.draw(step)
        reported = np.where(windows == ABSENT, np.nan, windows)
        seen = ~np.isnan(reported).all(axis=(1, 2))
        middle = np.nanmedian(reported[seen], axis=(1, 2))
        assert ((middle > 28) == (network[seen] == 1)).all(), "13 and 63, each by a gain"
        assert set(network.tolist()) == {0, 1}


def test_of_the_normal_windows_half_are_from_among_the_loudest() -> None:
    """Five of a hundred are loud here; drawn from all alike, three of sixty-four would be."""
    examples = of_two_networks()
    loud = np.arange(len(examples.twins)) % 40 < 2
    twins = np.where(loud[:, None, None], np.int8(127), examples.twins).astype(np.int8)
    batches = ClassBalancedSampler(replace(examples, twins=twins), 0, catalogue(FEATURES), seed=1)

    for step in range(5):
        ordinary = batches.draw(step)[0][ANCHORS:]
        shown = ordinary[(ordinary != ABSENT).any(axis=(1, 2))]
        middle = np.array([np.median(one[one != ABSENT]) for one in shown])
        assert abs((middle > 90).mean() - LOUD / NORMALS) < 0.15, "127 and at most 63, each by a gain"


def test_an_examination_sees_directions_as_they_will_be_served() -> None:
    windows = pictures(10, 5, seed=3).windows

    told, served = learner().encode(windows), Encoder(SPEC, learner().weights())(windows)

    np.testing.assert_allclose(told.direction.astype(float), served.direction.astype(float), atol=2e-3)


def test_what_is_served_of_a_training_is_measured_in_its_first_network() -> None:
    told, weights = pictures(), learner().weights()

    centre, whiten = whitening(told.twins[told.network == 0])

    np.testing.assert_array_equal(weights["centre"], centre)
    np.testing.assert_array_equal(weights["whiten"], whiten)


def test_a_window_is_learned_in_the_normal_life_of_its_own_network() -> None:
    """The same batch teaches otherwise when it is said to be of another network."""
    windows, label, network = ClassBalancedSampler(pictures(), 0, catalogue(FEATURES), seed=1).draw(0)
    losses = [
        Learner(SPEC, Hyperparameters(), Normality.of(pictures(), SPEC)).learn(0, windows, label, one)[0]
        for one in (network, network, 1 - network)
    ]

    assert losses[0] == losses[1]
    assert losses[0] != pytest.approx(losses[2], rel=1e-6)


@pytest.mark.parametrize("feature", [0, FEATURES - 1])
def test_of_a_feature_never_reported_in_an_hour_nothing_linear_is_learned(feature: int) -> None:
    """Whatever the weights make of its place among the whitened: there, the others would speak in its name."""
    told = Learner(SPEC, Hyperparameters(), Normality.of(pictures(), SPEC))
    windows = pictures(10, 5, seed=3).windows
    windows[:, :, feature] = ABSENT
    before = told.encode(windows).direction
    arrays = told.arrays()
    for name, first in (("weights/first", 0), ("weights/straight", 0), ("weights/hidden", SPEC.second)):
        last = len(arrays[name]) if name != "weights/hidden" else first + 3 * FEATURES
        arrays[name][first + feature : last : FEATURES] += 5

    told.restore(arrays)

    np.testing.assert_array_equal(told.encode(windows).direction, before)
    assert (told.encode(pictures(10, 5, seed=3).windows).direction != before).any()
