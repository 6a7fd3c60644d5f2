"""What normal is: how far windows lie from it, the bank and the stretches."""

from pathlib import Path

import numpy as np
import pytest

from detector.bundle.format import read_bundle
from detector.core.encoder import Encoder
from detector.core.features import ABSENT, STEPS, Baseline
from detector.history.parquet import HistoryError
from tests.builders import Listener, catalogue, fleet_baseline
from tests.trainer.twins import TableHistory
from trainer.calibration.normal_profile import (
    BANK,
    STRETCHES_AT_ONCE,
    normal_windows,
    reported_cell_days,
    sample_normal,
)
from trainer.calibration.whitening import mean_deviations
from trainer.data.history import SimulatedHistory

FEATURES = 3
STEP_MINUTES, STRETCH_WINDOWS = 5, 29


@pytest.fixture
def restless(rng: np.random.Generator) -> TableHistory:
    """Two cells whose every minute is another."""
    values = rng.normal(0, 2, (2, 400, FEATURES)).astype(np.float32)
    return TableHistory(catalogue(FEATURES), ["a", "b"], 29_453_760, values)


def test_an_unseen_normal_window_has_a_size_of_about_1_and_a_fault_a_far_larger_one(
    town: SimulatedHistory, usual: Baseline, encode: Encoder, bundle_path: Path
) -> None:
    """Of variance one along each axis, but for what the ridge takes and the last quarter hour adds."""
    weights = read_bundle(bundle_path).weights
    windows, others = (normal_windows(town, usual, 1000, np.random.default_rng(seed)) for seed in (99, 98))
    late = (mean_deviations(others) + mean_deviations(others[:, -15:])) / 2
    way = weights["whiten"] @ weights["project"]
    variance = way.T @ np.cov(late, rowvar=False) @ way
    far = windows[:50].copy()
    far[:, :, :20] = np.clip(far[:, :, :20].astype(int) + int(5 * STEPS), -127, 127)

    sizes = encode(windows).size.astype(float)

    assert np.sqrt(np.mean(sizes**2)) == pytest.approx(np.sqrt(np.diag(variance).mean()), rel=0.05)
    assert 0.75 < np.median(sizes) < np.sqrt(np.mean(sizes**2)) < 1.1
    assert np.median(encode(far).size) > 3


@pytest.mark.parametrize("stretches", [1, STRETCHES_AT_ONCE + 6])
def test_a_survey_has_a_bank_and_stretches_of_two_hours(
    restless: TableHistory, rng: np.random.Generator, stretches: int
) -> None:
    normal = sample_normal(restless, fleet_baseline(FEATURES), Listener(), stretches, rng)

    assert normal.bank.shape == (BANK, 4)
    assert normal.stretches.direction.shape == (stretches, STRETCH_WINDOWS, 4)
    assert normal.stretches.size.shape == (stretches, STRETCH_WINDOWS)
    assert normal.stretches.shift.shape == (stretches, STRETCH_WINDOWS, 4)
    assert normal.step_samples == STEP_MINUTES
    assert (STRETCH_WINDOWS - 1) * STEP_MINUTES >= 120


def test_neighbouring_windows_of_a_stretch_lie_a_step_apart(restless: TableHistory, rng: np.random.Generator) -> None:
    listener = Listener()

    normal = sample_normal(restless, fleet_baseline(FEATURES), listener, 5, rng)

    windows = listener.windows[BANK:].reshape(5, STRETCH_WINDOWS, 60, FEATURES)
    np.testing.assert_array_equal(windows[:, :-1, STEP_MINUTES:], windows[:, 1:, :-STEP_MINUTES])
    np.testing.assert_array_equal(Listener()(windows[3]).direction, normal.stretches.direction[3])
    np.testing.assert_array_equal(Listener()(windows[3]).shift, normal.stretches.shift[3])


def test_every_cell_lends_as_many_stretches_as_any_other(restless: TableHistory, rng: np.random.Generator) -> None:
    restless.values[0], restless.values[1] = 1, 2
    listener = Listener()

    sample_normal(restless, fleet_baseline(FEATURES), listener, 10, rng)

    firsts = listener.windows[BANK:].reshape(10, -1)[:, 0]
    assert np.unique(firsts, return_counts=True)[1].tolist() == [5, 5]


def test_the_same_seed_takes_the_same_windows_as_normal(town: SimulatedHistory, usual: Baseline) -> None:
    first, again = (normal_windows(town, usual, 30, np.random.default_rng(5)) for _ in range(2))

    assert first.shape == (30, 60, len(town.catalogue))
    np.testing.assert_array_equal(first, again)


def _with_gaps(gap: str) -> TableHistory:
    """Four cells over two days, half of whose minutes were not reported."""
    values = np.random.default_rng(4).normal(0, 2, (4, 2880, FEATURES)).astype(np.float32)
    absent = {
        "cells that begin later": (slice(None), slice(0, 1440)),
        "cells that end": (slice(None), slice(1440, None)),
        "cells that are never reported": (slice(0, 2), slice(None)),
        "a day that is missing for some, another for others": (slice(0, 4, 2), slice(0, 1440)),
    }
    values[absent[gap]] = np.nan
    if gap.startswith("a day"):
        values[1::2, 1440:] = np.nan
    return TableHistory(catalogue(FEATURES), ["a", "b", "c", "d"], 29_453_760, values)


@pytest.mark.parametrize(
    "gap",
    [
        "cells that begin later",
        "cells that end",
        "cells that are never reported",
        "a day that is missing for some, another for others",
    ],
)
def test_a_calibration_draws_and_counts_what_was_reported(gap: str, rng: np.random.Generator) -> None:
    history, listener = _with_gaps(gap), Listener()

    normal = sample_normal(history, fleet_baseline(FEATURES), listener, 40, rng)

    reported = (listener.windows[:BANK] != ABSENT).any(axis=2).mean(axis=1)
    assert len(normal.ends) == len(normal.stretches.size) == 40
    assert len(reported) == BANK
    assert reported.min() >= 0.5
    assert reported_cell_days(history) == pytest.approx(4.0, abs=0.1)


def test_a_history_of_nothing_but_gaps_is_refused_in_one_sentence(rng: np.random.Generator) -> None:
    history = _with_gaps("cells that end")
    history.values[:] = np.nan
    with pytest.raises(HistoryError, match=r"too little past to tell: no cell reported half of any 60 minutes .* 0\.0"):
        normal_windows(history, fleet_baseline(FEATURES), 10, rng)
