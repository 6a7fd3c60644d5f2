"""What normal is: the yardstick of the size, the bank and the stretches."""

import numpy as np
import pytest

from detector.core.encoder import Encoder
from detector.core.features import ABSENT, STEPS, Baseline
from detector.core.networks.spec import Spec
from tests.builders import Listener, catalogue, fleet_baseline
from tests.trainer.twins import TableHistory
from tests.weights import random_weights
from trainer.calibration import (
    BANK,
    STEP_MINUTES,
    STRETCH_WINDOWS,
    STRETCHES_AT_ONCE,
    measure_size,
    normal_windows,
    survey,
)
from trainer.history import SimulatedHistory

FEATURES = 3


@pytest.fixture
def restless(rng: np.random.Generator) -> TableHistory:
    """Two cells whose every minute is another."""
    values = rng.normal(0, 2, (2, 400, FEATURES)).astype(np.float32)
    return TableHistory(catalogue(FEATURES), ["a", "b"], 29_453_760, values)


def sizes(windows: np.ndarray, centre: np.ndarray, whiten: np.ndarray) -> np.ndarray:
    """As the encoder serves them."""
    spec = Spec(windows.shape[2], first=4, second=4, hidden=4, dimension=2)
    weights = {**random_weights(spec), "centre": centre, "whiten": whiten}
    return Encoder(spec, weights)(windows).size.astype(float)


def test_half_of_unseen_normal_windows_are_larger_than_1_and_a_fault_is_far_larger(
    town: SimulatedHistory, usual: Baseline, encode: Encoder
) -> None:
    windows = normal_windows(town, usual, 400, np.random.default_rng(99))
    far = windows[:50].copy()
    far[:, :, :20] = np.clip(far[:, :, :20].astype(int) + int(5 * STEPS), -127, 127)

    assert np.median(encode(windows).size) == pytest.approx(1, abs=0.1)
    assert np.median(encode(far).size) > 3


def test_the_yardstick_is_the_scatter_of_each_feature(rng: np.random.Generator) -> None:
    scatter = np.array([1.0, 8.0, 8.0])
    level = np.array([5.0, -20.0, 0.0]) + rng.normal(0, scatter, (800, FEATURES))
    windows = np.repeat(np.rint(level)[:, None], 60, axis=1).astype(np.int8)
    centre, whiten = measure_size(windows)

    moved = np.rint([[5, -20, 0], [25, -20, 0], [5, 0, 0], [5, -20, 20]]).astype(np.int8)
    middle, fine, coarse, other = sizes(np.repeat(moved[:, None], 60, axis=1), centre, whiten)

    assert np.median(sizes(windows, centre, whiten)) == pytest.approx(1, abs=0.01)
    assert middle < 0.3
    assert fine > 5 * coarse > 5  # the same twenty codes, where one feature scatters by 1 and the others by 8
    assert other == pytest.approx(coarse, rel=0.2)


def test_a_minute_not_reported_counts_as_usual(rng: np.random.Generator) -> None:
    windows = rng.integers(-20, 21, (500, 60, FEATURES)).astype(np.int8)
    holes = rng.random(windows.shape) < 0.2

    absent = measure_size(np.where(holes, ABSENT, windows).astype(np.int8))
    zero = measure_size(np.where(holes, 0, windows).astype(np.int8))

    for one, other in zip(absent, zero, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("stretches", [1, STRETCHES_AT_ONCE + 6])
def test_a_survey_has_a_bank_and_stretches_of_two_hours(
    restless: TableHistory, rng: np.random.Generator, stretches: int
) -> None:
    normal = survey(restless, fleet_baseline(FEATURES), Listener(), stretches, rng)

    assert normal.bank.shape == (BANK, 4)
    assert normal.stretches.direction.shape == (stretches, STRETCH_WINDOWS, 4)
    assert normal.stretches.size.shape == (stretches, STRETCH_WINDOWS)
    assert normal.step_minutes == STEP_MINUTES
    assert (STRETCH_WINDOWS - 1) * STEP_MINUTES >= 120


def test_neighbouring_windows_of_a_stretch_lie_a_step_apart(restless: TableHistory, rng: np.random.Generator) -> None:
    listener = Listener()

    normal = survey(restless, fleet_baseline(FEATURES), listener, 5, rng)

    windows = listener.windows[BANK:].reshape(5, STRETCH_WINDOWS, 60, FEATURES)
    np.testing.assert_array_equal(windows[:, :-1, STEP_MINUTES:], windows[:, 1:, :-STEP_MINUTES])
    np.testing.assert_array_equal(Listener()(windows[3]).direction, normal.stretches.direction[3])


def test_every_cell_lends_as_many_stretches_as_any_other(restless: TableHistory, rng: np.random.Generator) -> None:
    restless.values[0], restless.values[1] = 1, 2
    listener = Listener()

    survey(restless, fleet_baseline(FEATURES), listener, 10, rng)

    firsts = listener.windows[BANK:].reshape(10, -1)[:, 0]
    assert np.unique(firsts, return_counts=True)[1].tolist() == [5, 5]


def test_the_same_seed_takes_the_same_windows_as_normal(town: SimulatedHistory, usual: Baseline) -> None:
    first, again = (normal_windows(town, usual, 30, np.random.default_rng(5)) for _ in range(2))

    assert first.shape == (30, 60, len(town.catalogue))
    np.testing.assert_array_equal(first, again)
