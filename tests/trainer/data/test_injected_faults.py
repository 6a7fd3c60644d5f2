"""Fault families injected into normal windows: what each shape does to the codes, and what none ever does."""

from dataclasses import replace

import numpy as np
import pytest

from detector.core.features import ABSENT, STEPS
from tests.weights import random_windows
from trainer.data.injected_faults import SHAPES, Families, draw_families, inject, inject_families

FEATURES, TOUCHED, COUNT = 8, 2, 40
GROUP = np.array([1, 4])

shapes = pytest.mark.parametrize("shape", SHAPES)


@pytest.fixture(scope="module")
def calm() -> np.ndarray:
    """Gentle, correlated windows without a gap. # int8 [600, 60, 8]"""
    rng = np.random.default_rng(1)
    level = 10 * rng.standard_normal((600, 1, 4))
    noise = 6 * rng.standard_normal((600, 60, FEATURES))
    return np.clip(np.rint(np.repeat(level, 2, axis=2) + noise), -60, 60).astype(np.int8)


def family_of(shape: str, size: float = 4.0) -> Families:
    """One family of one part, in the features of GROUP."""
    sizes = np.zeros((1, 2, FEATURES), np.float32)
    sizes[0, 0, GROUP] = size
    number = list(SHAPES).index(shape)
    return Families(sizes, np.full((1, 2), number), np.full((1, 2), 0.5, np.float32), np.zeros(1, bool))


def injected(shape: str, calm: np.ndarray, seed: int = 3, size: float = 4.0) -> np.ndarray:
    family = np.zeros(COUNT, np.int64)
    return inject(calm[:COUNT], family_of(shape, size), family, calm[-COUNT:], np.random.default_rng(seed))


def change(windows: np.ndarray, calm: np.ndarray) -> np.ndarray:
    """In spreads; a lost code is as large as can be. # [COUNT, 60, TOUCHED]"""
    lost = windows[:, :, GROUP] == ABSENT
    moved = (windows.astype(float) - calm[:COUNT])[:, :, GROUP] / STEPS
    return np.where(lost, 16.0, moved)


@shapes
def test_a_shape_shows_in_its_features_and_nowhere_else(shape: str, calm: np.ndarray) -> None:
    windows = injected(shape, calm)

    others = np.setdiff1d(np.arange(FEATURES), GROUP)
    np.testing.assert_array_equal(windows[:, :, others], calm[:COUNT][:, :, others])
    assert (windows != calm[:COUNT]).any(axis=(1, 2)).mean() > 0.8


@shapes
def test_nothing_is_touched_before_the_onset(shape: str, calm: np.ndarray) -> None:
    begin = 60 - np.random.default_rng(3).integers(5, 120, size=COUNT)
    windows = injected(shape, calm)

    for window, twin, first in zip(windows, calm, begin, strict=False):
        np.testing.assert_array_equal(window[: max(first, 0)], twin[: max(first, 0)])


@shapes
def test_what_was_absent_stays_absent(shape: str, rng: np.random.Generator) -> None:
    gappy = random_windows(rng, COUNT, FEATURES, absent=0.3)

    windows = inject(gappy, family_of(shape), np.zeros(COUNT, np.int64), gappy[::-1], np.random.default_rng(3))

    assert (windows[gappy == ABSENT] == ABSENT).all()
    if shape != "drop-out":
        assert (windows[gappy != ABSENT] != ABSENT).all()


def test_a_step_is_as_high_from_its_first_minute_to_the_last(calm: np.ndarray) -> None:
    moved = change(injected("step", calm), calm)

    for window in moved:
        on = window[window[:, 0] != 0, 0]
        assert not len(on) or np.ptp(on) < 2 / STEPS
    assert 2 < moved[moved > 0].mean() < 4


def test_a_ramp_and_a_trend_grow(calm: np.ndarray) -> None:
    for shape in ("ramp", "trend"):
        moved = change(injected(shape, calm, size=1.5), calm)
        assert (np.diff(moved, axis=1) > -2 / STEPS).all()
        assert moved[:, -1].mean() > 1.3 * moved[:, 30].mean()  # a ramp of long ago is level


def test_what_oscillates_goes_both_ways_and_a_burst_comes_and_goes(calm: np.ndarray) -> None:
    waves = change(injected("oscillation", calm), calm)
    assert (waves > 1).any(axis=1).mean() > 0.5
    assert (waves < -1).any(axis=1).mean() > 0.5

    bursts = change(injected("burst", calm), calm)[:, :, 0]
    switched = np.count_nonzero(np.diff((bursts != 0).astype(int), axis=1), axis=1)
    assert np.median(switched) >= 3


def test_a_pulse_passes_and_what_is_damped_dies_away(calm: np.ndarray) -> None:
    pulse = change(injected("pulse", calm), calm)
    assert pulse.max() > 4
    assert (np.abs(pulse) > 0.5).sum(axis=1).max() < 30

    begin = 60 - np.random.default_rng(3).integers(5, 120, size=COUNT)
    early = (begin > 0) & (begin < 10)
    damped = np.abs(change(injected("damped", calm), calm)[early])
    assert damped[:, 10:20].max() > 2 * damped[:, -5:].max()


def test_variance_moves_no_mean_but_spreads(calm: np.ndarray) -> None:
    moved = change(injected("variance", calm), calm)

    assert abs(moved.mean()) < 0.2
    assert moved.std() > 1.5


def test_what_freezes_says_the_same_from_then_on(calm: np.ndarray) -> None:
    windows = injected("freeze", calm)[:, :, GROUP]

    assert (windows[:, -4:] == windows[:, -1:]).all(axis=(1, 2)).mean() > 0.7
    assert not (calm[:COUNT, -4:, GROUP] == calm[:COUNT, -1:, GROUP]).all(axis=(1, 2)).any()


def test_a_drop_out_loses_more_the_larger_it_is(calm: np.ndarray) -> None:
    small, large = ((injected("drop-out", calm, size=size) == ABSENT).mean() for size in (1.0, 6.0))

    assert 0 < small < large


def test_a_lag_repeats_what_was_said_minutes_ago(calm: np.ndarray) -> None:
    """A period position of 0.5 is a lag of eleven minutes."""
    windows = injected("lag", calm)[:, :, GROUP]

    late = (windows[:, 20:] == calm[:COUNT, 9:49][:, :, GROUP]).all(axis=1)
    assert late.mean() > 0.35


def test_a_broken_correlation_follows_a_stranger(calm: np.ndarray) -> None:
    windows = injected("broken correlation", calm)[:, :, GROUP]

    strange = (windows[:, -4:] == calm[-COUNT:, -4:][:, :, GROUP]).all(axis=1)
    assert strange.mean() > 0.8


def test_a_family_with_variants_shows_one_of_its_parts(calm: np.ndarray) -> None:
    families = family_of("step")
    families.size[0, 1, 6] = 4
    varied = replace(families, variants=np.ones(1, bool))

    windows = inject(calm[:COUNT], varied, np.zeros(COUNT, np.int64), calm[-COUNT:], np.random.default_rng(3))

    moved = (windows != calm[:COUNT]).any(axis=1)
    first, second = moved[:, GROUP].any(axis=1), moved[:, 6]
    assert not (first & second).any()
    assert 5 < first.sum() < COUNT - 5


def test_families_differ_and_most_touch_few_features(calm: np.ndarray, rng: np.random.Generator) -> None:
    families = draw_families(np.concatenate([calm] * 4, axis=2), 300, rng)

    touched = (families.size != 0).sum(axis=2)
    assert (touched[:, 0] >= 1).all()
    assert touched.max() <= 16
    assert 0.5 < (touched[:, 0] <= 4).mean() < 0.95
    assert 0.4 < (touched[:, 1] > 0).mean() < 0.6
    assert set(families.shape.ravel()) == set(range(len(SHAPES)))


def test_examples_follow_from_the_seed_and_know_their_twins(calm: np.ndarray) -> None:
    first, again, other = (inject_families(calm, 40, 4, seed) for seed in (5, 5, 6))

    for name in ("windows", "twins", "label", "effect"):
        np.testing.assert_array_equal(getattr(first, name), getattr(again, name))
    assert (first.windows != other.windows).any()
    assert first.label.tolist() == np.repeat(np.arange(40), 4).tolist()
    assert np.median(first.effect) > 0.3
    untouched = (first.windows == first.twins).all(axis=(1, 2))
    assert (first.effect[untouched] == 0).all()


@pytest.mark.parametrize("features", [1, 2, 3])
def test_a_catalogue_may_be_as_small_as_it_likes(features: int, calm: np.ndarray) -> None:
    examples = inject_families(np.ascontiguousarray(calm[:, :, :features]), 60, 3, 0)

    assert examples.windows.shape == (180, 60, features)
    assert (examples.effect > 0.3).mean() > 0.4
