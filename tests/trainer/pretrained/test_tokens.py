"""What makes the shared encoder: views whitened by normal windows, and tokens learned elsewhere."""

import numpy as np
import pytest

from detector.core.networks.inputs import SPREAD_SCALE
from detector.core.networks.registry import spec_of
from detector.core.networks.shared import token_shapes
from tests.weights import random_windows
from trainer.calibration.normal_profile import measure_weights
from trainer.calibration.whitening import mean_deviations, view_whitening
from trainer.data.injected_faults import inject_families
from trainer.pretrained.tokens.token_training import EACH, FEATURES, build_training_set, learn_tokens


def related(rng: np.random.Generator, count: int, features: int) -> np.ndarray:
    """Normal windows in which all features follow one level. # int8 [count, 60, F]"""
    level = 20 * rng.standard_normal((count, 1, 1))
    noise = 20 * rng.standard_normal((count, 60, features)) + 6 * rng.standard_normal((count, 1, features))
    return np.clip(np.rint(level + noise), -127, 127).astype(np.int8)


def seen_mean(windows: np.ndarray) -> np.ndarray:
    return windows.mean(axis=1) * (8 * SPREAD_SCALE / 127)


def test_whitened_views_of_unseen_normal_windows_have_unit_spread_and_go_no_way_together(
    rng: np.random.Generator,
) -> None:
    centre, whiten = view_whitening(related(rng, 3000, 6))

    whitened = (seen_mean(related(rng, 3000, 6)) - centre[1]) @ whiten[1]

    np.testing.assert_allclose(np.cov(whitened, rowvar=False), np.eye(6), atol=0.25)
    np.testing.assert_allclose(whiten, whiten.swapaxes(1, 2), atol=1e-4)


def test_a_feature_that_leaves_its_fellows_is_louder_than_all_that_move_as_they_do(rng: np.random.Generator) -> None:
    centre, whiten = view_whitening(related(rng, 3000, 6))

    alone, together = np.zeros(6), np.full(6, 0.5)
    alone[2] = 0.5

    lengths = [np.linalg.norm((centre[1] + change - centre[1]) @ whiten[1]) for change in (alone, together)]
    assert lengths[0] > 1.5 * lengths[1]


def test_few_windows_for_many_features_are_not_believed(rng: np.random.Generator) -> None:
    """Else whatever they happen not to vary in would make a normal window an outlier."""
    few, unseen = (random_windows(rng, 90, 60, absent=0) for _ in range(2))
    centre, whiten = view_whitening(few)

    inside, outside = (np.linalg.norm((seen_mean(told) - centre[1]) @ whiten[1], axis=1) for told in (few, unseen))

    assert outside.mean() < 1.4 * inside.mean()


@pytest.mark.parametrize("kind", ["tree", "shared"])
def test_what_never_moves_is_measured_without_a_nan(kind: str) -> None:
    still = measure_weights(spec_of(kind, 4), np.zeros((50, 60, 4), np.int8))

    assert all(np.isfinite(value).all() for value in still.values())


@pytest.mark.parametrize("features", [5, 48])
def test_no_shift_of_few_features_is_lost(features: int) -> None:
    project = measure_weights(spec_of("shared", features), random_windows(np.random.default_rng(1), 200, features))[
        "project"
    ]

    assert project.shape == (features, 48)
    np.testing.assert_array_equal(project @ project.T, np.eye(features))


def test_of_many_features_a_shift_keeps_more_of_what_faults_do_than_any_directions_would() -> None:
    rng = np.random.default_rng(1)
    windows = related(rng, 1500, 96)
    first, again = (measure_weights(spec_of("shared", 96), windows) for _ in range(2))
    faults = inject_families(related(rng, 500, 96), 60, 2, seed=9)

    change = (mean_deviations(faults.windows) - mean_deviations(faults.twins)) @ first["whiten"]

    kept = np.square(change @ first["project"]).sum() / np.square(change).sum()
    assert kept > 0.52  # any 48 keep half, and here the features are all alike
    np.testing.assert_allclose(first["project"].T @ first["project"], np.eye(48), atol=1e-5)
    np.testing.assert_array_equal(first["project"], again["project"])


def test_tokens_are_learned_from_several_networks_and_follow_from_the_seed(rng: np.random.Generator) -> None:
    lessons = [build_training_set(inject_families(related(rng, 400, FEATURES), 40, EACH, seed)) for seed in range(2)]
    losses: list[float] = []

    tokens = learn_tokens(lessons, 60, 1, lambda step, loss: losses.append(loss))
    again = learn_tokens(lessons, 60, 1)

    assert {name: value.shape for name, value in tokens.items()} == token_shapes(spec_of("shared", 3))
    assert np.mean(losses[-10:]) < np.mean(losses[:10])
    for name, value in tokens.items():
        np.testing.assert_array_equal(again[name], value)
