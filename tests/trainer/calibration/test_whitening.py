"""What normal life varies in and what faults do beside it: measured, and what is too little to be measured on."""

from dataclasses import replace

import numpy as np
import pytest

from detector.core.encoder import Encoder
from detector.core.features import ABSENT, STEPS
from detector.core.networks.spec import Spec
from tests.weights import random_weights
from trainer.calibration.whitening import FEWEST, LEAST, RIDGE, Normality, fault_axes, mean_deviations, whitening
from trainer.data.examples import Examples

FEATURES = 6

Array = np.ndarray


def level(deviations: Array) -> Array:
    """Windows that lie where they lie for all of their hour. # in spreads [n, F] -> int8 [n, 60, F]"""
    codes = np.rint(deviations * STEPS).clip(-127, 127).astype(np.int8)
    return np.repeat(codes[:, None], 60, axis=1)


def loaded(rng: np.random.Generator, count: int, features: int = FEATURES, load: float = 1.5) -> Array:
    """Normal windows: load moves all features together, and each a little by itself."""
    own = rng.normal(0, 0.5, (count, features))
    return level(load * rng.normal(size=(count, 1)) * np.linspace(0.5, 1, features) + own)


def by_hand(windows: Array) -> tuple[Array, Array]:
    """Mean and covariance of the windows' means, number by number. # -> [F], [F, F]"""
    mean = np.array(
        [
            [np.mean([0.0 if code == ABSENT else code / STEPS for code in window[:, k]]) for k in range(len(window[0]))]
            for window in windows
        ]
    )
    away = mean - mean.mean(axis=0)
    return mean, sum(np.outer(one, one) for one in away) / (len(away) - 1)


def test_a_mean_deviation_is_in_spreads_and_a_minute_not_reported_counts_as_usual(rng: np.random.Generator) -> None:
    windows = np.where(rng.random((5, 60, 3)) < 0.2, ABSENT, rng.integers(-127, 128, (5, 60, 3))).astype(np.int8)
    windows[0], windows[1] = 127, ABSENT

    np.testing.assert_allclose(mean_deviations(windows), by_hand(windows)[0], rtol=1e-5, atol=1e-6)
    assert mean_deviations(windows)[:2].tolist() == [[8, 8, 8], [0, 0, 0]]


def test_whitened_normal_windows_are_uncorrelated_and_of_variance_one_up_to_the_ridge(rng: np.random.Generator) -> None:
    windows = loaded(rng, 300)
    mean, covariance = by_hand(windows)
    before = np.corrcoef(mean, rowvar=False)[~np.eye(FEATURES, dtype=bool)]

    centre, whiten = whitening(windows)

    ridge = np.diag(RIDGE * np.diag(covariance) + LEAST)
    np.testing.assert_allclose(centre, mean.mean(axis=0), atol=1e-5)
    np.testing.assert_allclose(whiten.T @ (covariance + ridge) @ whiten, np.eye(FEATURES), atol=1e-4)
    after = np.cov((mean - centre) @ whiten, rowvar=False)
    assert before.min() > 0.5
    assert np.abs(after[~np.eye(FEATURES, dtype=bool)]).max() < 0.1
    assert ((np.diag(after) > 0.8) & (np.diag(after) < 1)).all(), "a ridge takes from every variance"


def test_of_all_whitenings_it_is_the_one_whose_features_stay_most_like_themselves(rng: np.random.Generator) -> None:
    """Kessy et al. 2018: the sum of the correlations of each feature with its whitened self is largest."""
    windows = loaded(rng, 400)
    mean, covariance = by_hand(windows)
    centre, whiten = whitening(windows)

    def likeness(matrix: Array) -> Array:
        return np.corrcoef(mean, (mean - centre) @ matrix, rowvar=False)[:FEATURES, FEATURES:]

    here = likeness(whiten)
    assert (here.argmax(axis=1) == np.arange(FEATURES)).all()
    for _ in range(50):
        turned = whiten @ np.linalg.qr(rng.normal(size=(FEATURES, FEATURES)))[0]
        assert np.trace(likeness(turned)) < np.trace(here)
    spread = np.sqrt(np.diag(covariance) * (1 + RIDGE) + LEAST)
    np.testing.assert_allclose(spread[:, None] * whiten, (spread[:, None] * whiten).T, atol=1e-4)


def test_a_feature_never_reported_stays_nothing_and_stirs_no_other(rng: np.random.Generator) -> None:
    windows = loaded(rng, 300)
    windows[:, :, 2] = ABSENT
    others = np.arange(FEATURES) != 2

    centre, whiten = whitening(windows)

    assert np.isfinite(whiten).all()
    away = (mean_deviations(windows) - centre) @ whiten
    np.testing.assert_allclose(away[:, 2], 0, atol=1e-6)
    np.testing.assert_allclose(whiten[2, others], 0, atol=1e-5)
    without = whitening(windows[:, :, others])[1]
    np.testing.assert_allclose(whiten[np.ix_(others, others)], without, atol=1e-4)


@pytest.mark.parametrize("features", [1, 2, 3])
def test_few_features_and_windows_that_are_all_alike_are_whitened_in_numbers(features: int) -> None:
    for windows in (loaded(np.random.default_rng(0), 50, features), np.full((9, 60, features), 40, np.int8)):
        centre, whiten = whitening(windows)

        assert (centre.shape, whiten.shape) == ((features,), (features, features))
        assert np.isfinite(whiten).all()


def test_an_ordinary_window_has_size_one_and_a_fault_that_load_does_not_explain_a_larger_one(
    rng: np.random.Generator,
) -> None:
    centre, whiten = whitening(loaded(rng, 2000))
    spec = Spec(FEATURES, first=4, second=4, hidden=4, dimension=2, shift=3)
    encode = Encoder(spec, {**random_weights(spec), "centre": centre, "whiten": whiten})
    busy, odd = np.linspace(0.5, 1, FEATURES) * 3, np.array([1, -1, 1, -1, 1, -1]) * 3.0

    sizes = encode(np.concatenate([loaded(rng, 1000), level(np.stack([busy, odd]))])).size.astype(float)

    assert np.sqrt(np.mean(sizes[:1000] ** 2)) == pytest.approx(1, abs=0.05)
    assert sizes[1000] < 1.5
    assert sizes[1001] > 4


def befallen(rng: np.random.Generator, knobs: list[tuple[int, float]], each: int) -> tuple[Array, Array]:
    """Windows and twins: every knob moves one feature by so many spreads, more or less."""
    twins = loaded(rng, each * len(knobs))
    change = np.zeros((len(twins), FEATURES))
    for place, (feature, spreads) in enumerate(knobs):
        change[place * each : (place + 1) * each, feature] = spreads * rng.uniform(0.8, 1.2, each)
    return np.clip(twins.astype(int) + np.rint(change * STEPS)[:, None].astype(int), -127, 127).astype(np.int8), twins


def test_the_axes_are_those_of_the_knobs_that_faults_turn(rng: np.random.Generator) -> None:
    windows, twins = befallen(rng, [(1, 3.0), (4, -3.0)], 40)
    whiten = whitening(twins)[1]

    axes = fault_axes(windows, twins, whiten, 2)

    np.testing.assert_allclose(axes.T @ axes, np.eye(2), atol=1e-5)
    change = (mean_deviations(windows) - mean_deviations(twins)) @ whiten
    np.testing.assert_allclose(np.linalg.norm(change @ axes, axis=1), np.linalg.norm(change, axis=1), rtol=0.02)


def test_episodes_count_alike_however_far_they_go(rng: np.random.Generator) -> None:
    windows, twins = befallen(rng, [(1, 1.5), (1, 1.5), (4, 5.0)], 20)

    axis = fault_axes(windows, twins, np.eye(FEATURES, dtype=np.float32), 1)[:, 0]

    np.testing.assert_allclose(axis, np.eye(FEATURES)[1], atol=0.1)


def test_axes_come_in_the_order_of_what_faults_do_with_a_sign_that_is_always_the_same(rng: np.random.Generator) -> None:
    windows, twins = befallen(rng, [(1, -3.0), (1, -3.0), (1, -3.0), (4, 3.0)], 20)
    eye = np.eye(FEATURES, dtype=np.float32)

    axes = fault_axes(windows, twins, eye, FEATURES)

    np.testing.assert_allclose(axes.T @ axes, np.eye(FEATURES), atol=1e-5)
    np.testing.assert_allclose(axes[:, :2], eye[:, [1, 4]], atol=0.1)
    assert (axes[np.abs(axes).argmax(axis=0), np.arange(FEATURES)] > 0).all()


def test_more_axes_than_features_are_filled_with_nothing(rng: np.random.Generator) -> None:
    windows, twins = befallen(rng, [(1, 3.0), (4, 3.0)], 20)
    whiten = np.eye(FEATURES, dtype=np.float32)

    axes = fault_axes(windows, twins, whiten, FEATURES + 3)

    assert axes.shape == (FEATURES, FEATURES + 3)
    np.testing.assert_array_equal(axes[:, FEATURES:], 0)
    np.testing.assert_array_equal(axes[:, :FEATURES], fault_axes(windows, twins, whiten, FEATURES))


def test_faults_that_changed_nothing_give_axes_all_the_same(rng: np.random.Generator) -> None:
    twins = loaded(rng, 20)

    axes = fault_axes(twins, twins, np.eye(FEATURES, dtype=np.float32), 4)

    np.testing.assert_allclose(axes.T @ axes, np.eye(4), atol=1e-6)


def examples(rng: np.random.Generator, counts: list[int], scale: list[float]) -> Examples:
    """Networks of so many windows each, whose normal life goes so far."""
    twins = np.concatenate([loaded(rng, n, load=far) for n, far in zip(counts, scale, strict=True)])
    number = np.repeat(np.arange(len(counts)), counts)
    windows = np.clip(twins + 40 * np.eye(FEATURES, dtype=np.int16)[0], -127, 127).astype(np.int8)
    return Examples(windows, twins, 0 * number, np.ones(len(number), np.float32), number)


def test_every_network_is_whitened_by_its_own_twins_and_one_with_too_few_by_the_firsts(
    rng: np.random.Generator,
) -> None:
    enough = FEWEST * FEATURES
    told = examples(rng, [enough + 40, enough - 1, enough], [1.5, 0.3, 0.3])

    normality = Normality.of(told, Spec(FEATURES, shift=4))

    assert normality.centre.shape == (3, FEATURES)
    assert normality.whiten.shape == (3, FEATURES, FEATURES)
    for number, of in ((0, 0), (1, 0), (2, 2)):
        centre, whiten = whitening(told.twins[told.network == of])
        np.testing.assert_array_equal(normality.centre[number], centre)
        np.testing.assert_array_equal(normality.whiten[number], whiten)
    at_home = told.network == 0
    home = fault_axes(told.windows[at_home], told.twins[at_home], normality.whiten[0], 4)
    np.testing.assert_array_equal(normality.project, home)


def test_a_first_network_with_too_few_twins_is_all_there_is(rng: np.random.Generator) -> None:
    told = examples(rng, [12], [1.0])

    normality = Normality.of(told, Spec(FEATURES))

    assert np.isfinite(normality.whiten).all()
    assert normality.project.shape == (FEATURES, 48)
    again = Normality.of(replace(told, label=told.label + 1), Spec(FEATURES))
    np.testing.assert_array_equal(again.whiten, normality.whiten)
