"""What is usual, against least squares one cell and one feature at a time."""

from dataclasses import replace

import numpy as np
import pytest

from detector.core.features import ABSENT, STEPS, Baseline, Catalogue, day_basis
from tests.builders import catalogue
from tests.trainer.twins import TableHistory, slow_baseline
from trainer.baselines import CELLS_AT_ONCE, fit_baseline
from trainer.history import SimulatedHistory
from trainer.simulator import FAULTS, Episode
from trainer.windows import cut_windows

CELLS = CELLS_AT_ONCE + 3
DAYS = 3
FIRST = 29_453_760
HALF = 2.0**-11
"""Relative step of half precision, in which a baseline is kept."""


@pytest.fixture(scope="module")
def patchy() -> TableHistory:
    """Cells told in no order, each with a day of its own, a tenth to two thirds of its minutes missing."""
    rng = np.random.default_rng(4)
    features = catalogue(4).features
    kinds = Catalogue((replace(features[0], transform="log1p"), *features[1:]))
    day = day_basis(np.arange(FIRST, FIRST + DAYS * 1440), 2)
    coefficients = rng.normal(0, 1, (CELLS, 5, 4)) * np.array([4, 2, 2, 1, 1])[:, None]
    values = np.einsum("mh,chf->cmf", day, coefficients) + rng.normal(0, 1, (CELLS, len(day), 4))
    values[..., 0] = np.exp(1 + 0.1 * values[..., 0])
    values[rng.random(values.shape) < rng.uniform(0.1, 0.66, (CELLS, 1, 1))] = np.nan
    values[2, :, 3] = np.nan
    values[5, 400:640, 1] += 12
    names = rng.permutation([f"cell-{number:02d}" for number in range(CELLS)]).tolist()
    return TableHistory(kinds, names, FIRST, values.astype(np.float32))


@pytest.fixture(scope="module")
def fitted(patchy: TableHistory) -> Baseline:
    return fit_baseline(patchy)


def test_a_baseline_is_least_squares_of_every_cell_and_feature_over_the_minutes_it_reported(
    patchy: TableHistory, fitted: Baseline
) -> None:
    names, table = slow_baseline(patchy)

    assert [name.decode() for name in fitted.cells] == names
    np.testing.assert_allclose(fitted.table.astype(float), table, rtol=2 * HALF, atol=1e-3)


def test_every_cell_is_found_under_its_name_and_a_stranger_gets_the_row_of_the_fleet(fitted: Baseline) -> None:
    names = [f"cell-{number:02d}" for number in range(CELLS)]

    assert fitted.rows([*names, "cell-99", "a"]).tolist() == [*range(CELLS), CELLS, CELLS]


def test_a_feature_that_is_never_reported_has_a_finite_baseline_with_a_spread(
    patchy: TableHistory, fitted: Baseline
) -> None:
    row = fitted.rows([patchy.cells[2]])[0]

    assert np.isfinite(fitted.table).all()
    assert fitted.table[row, 0, 3] > 0


def test_a_baseline_lies_in_memory_as_it_will_lie_in_the_bundle(fitted: Baseline) -> None:
    """In another order numpy adds the harmonics in another order, and a code differs now and then."""
    assert fitted.table.flags.c_contiguous


def test_the_row_of_the_fleet_spans_the_levels_of_its_cells(fitted: Baseline) -> None:
    fleet, levels = fitted.table[-1].astype(float), fitted.table[:-1, 1].astype(float)

    assert (fleet[0] >= levels.std(axis=0) - 0.01).all()
    assert (np.abs(levels - fleet[1]) < 4 * fleet[0]).all()


def test_only_the_last_days_of_a_history_count(patchy: TableHistory) -> None:
    changed = patchy.values.copy()
    changed[:, :1440] += 50
    last_two_days = replace(patchy, first=FIRST + 1440, values=patchy.values[:, 1440:])

    fitted = fit_baseline(replace(patchy, values=changed), days=2)

    np.testing.assert_array_equal(fitted.table, fit_baseline(last_two_days).table)


@pytest.mark.parametrize("name", ["backhaul_loss", "baseband_overload", "mass_event"])
def test_a_fault_of_a_few_hours_in_the_week_hardly_moves_what_is_usual(
    town: SimulatedHistory, usual: Baseline, name: str
) -> None:
    busy = int(np.argmax(town.network.statics.busy_attempts))
    begin = town.span[0] + 3 * 1440 + 14 * 60
    fault = Episode(busy, FAULTS[name], begin, begin + 240, 0.9, seed=1)

    scarred = fit_baseline(replace(town, episodes=(fault,)))

    day = town.span[1] - np.arange(1440)
    ordinary, disturbed = (judged(town, baseline, busy, day) for baseline in (usual, scarred))
    moved = np.abs(disturbed.mean(axis=0) - ordinary.mean(axis=0))
    assert 0 < np.quantile(moved, 0.95) < 0.1  # spreads
    assert moved.max() < 0.5
    assert np.quantile(np.abs(disturbed.std(axis=0) / ordinary.std(axis=0).clip(0.1) - 1), 0.95) < 0.15


def judged(history: SimulatedHistory, baseline: Baseline, cell: int, minute: np.ndarray) -> np.ndarray:
    """Deviations of one cell's minutes, in spreads. # -> [n, F]"""
    codes = cut_windows(history, baseline, np.full(len(minute), cell), minute, minutes=1)[:, 0]
    return np.where(codes == ABSENT, 0, codes) / STEPS


@pytest.mark.parametrize("name", ["backhaul_loss", "baseband_overload"])
def test_a_fault_that_the_baseline_has_seen_still_stands_out(
    town: SimulatedHistory, usual: Baseline, name: str
) -> None:
    busy = int(np.argmax(town.network.statics.busy_attempts))
    begin = town.span[0] + 3 * 1440 + 14 * 60
    befallen = replace(town, episodes=(Episode(busy, FAULTS[name], begin, begin + 240, 0.9, seed=1),))
    during = begin + np.arange(60, 200)

    unaware, aware = (judged(befallen, baseline, busy, during) for baseline in (usual, fit_baseline(befallen)))

    assert np.linalg.norm(aware.mean(axis=0)) > 0.8 * np.linalg.norm(unaware.mean(axis=0))
