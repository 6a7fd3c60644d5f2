"""What is usual, against least squares one cell and one feature at a time."""

import os
import platform
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from detector.core.features import ABSENT, STEPS, Baseline, Catalogue, day_basis
from detector.history.parquet import HistoryError
from tests.builders import catalogue
from tests.trainer.twins import TableHistory, slow_baseline
from trainer.data.baselines import CELLS_AT_ONCE, fit_baseline, normal_equations
from trainer.data.examples import cut_samples
from trainer.data.history import SimulatedHistory
from trainer.simulator import FAULTS
from trainer.simulator.faults.episodes import FaultEpisode

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
    values[6, 1500:2700, 2] -= 9
    values[7:9, 300:] = np.nan
    names = rng.permutation([f"cell-{number:02d}" for number in range(CELLS)]).tolist()
    return TableHistory(kinds, names, FIRST, values.astype(np.float32))


@pytest.fixture(scope="module")
def fitted(patchy: TableHistory) -> Baseline:
    return fit_baseline(patchy)


@pytest.mark.parametrize(("level", "is_kept"), [(6e4, True), (7e4, False), (1e9, False)])
def test_a_feature_beyond_half_precision_is_refused_by_name(level: float, is_kept: bool) -> None:
    values = np.random.default_rng(0).normal(level, level / 100, (4, 1440, 2)).astype(np.float32)
    values[..., 0] /= level
    history = TableHistory(catalogue(2), [f"cell-{number}" for number in range(4)], FIRST, values)
    if is_kept:
        assert np.isfinite(fit_baseline(history).table.astype(float)).all()
        return
    with pytest.raises(HistoryError, match=r"feature f1: its usual value or spread reaches .* `transform: log1p`"):
        fit_baseline(history)


def test_a_baseline_is_what_a_slow_fit_of_one_cell_and_feature_after_the_other_gives(
    patchy: TableHistory, fitted: Baseline
) -> None:
    names, table = slow_baseline(patchy)

    assert [name.decode() for name in fitted.cells] == names
    np.testing.assert_allclose(fitted.table.astype(float), table, rtol=2 * HALF, atol=1e-3)


@pytest.mark.parametrize("features", [1, 3, 31, 130])
@pytest.mark.parametrize("minutes", [60, 617])
def test_normal_equations_of_a_cell_are_the_same_bits_in_any_block_of_cells(features: int, minutes: int) -> None:
    rng = np.random.default_rng(features)
    basis = day_basis(FIRST + 7 * np.arange(minutes), 2)
    told = rng.normal(size=(CELLS, features, minutes)).astype(np.float32)
    kept = rng.random(told.shape) < 0.9
    together = normal_equations(basis, told, kept)

    for size in (1, 2, 5, 16):
        for begin in range(0, CELLS, size):
            block = slice(begin, begin + size)
            for whole, part in zip(together, normal_equations(basis, told[block], kept[block]), strict=True):
                np.testing.assert_array_equal(part, whole[block])


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the kernel is one of x86-64")
def test_normal_equations_are_so_on_an_older_processor_as_well() -> None:
    """Of the kernels that show the difference, the one for Nehalem runs on every processor of 64 bits."""
    test = f"{__file__}::{test_normal_equations_of_a_cell_are_the_same_bits_in_any_block_of_cells.__name__}"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", test]

    done = subprocess.run(command, env={**os.environ, "OPENBLAS_CORETYPE": "Nehalem"}, capture_output=True, text=True)

    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("rows_at_once", [1, 3 * 617, 5 * 617])
def test_a_baseline_does_not_depend_on_how_many_cells_are_read_together(
    patchy: TableHistory, fitted: Baseline, rows_at_once: int
) -> None:
    np.testing.assert_array_equal(fit_baseline(patchy, rows_at_once=rows_at_once).table, fitted.table)


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


def daily(rng: np.random.Generator, cells: int, days: float) -> TableHistory:
    """Cells of one kind: levels that differ by a spread of 3, a day that differs by 0.3, noise of 1."""
    minute = FIRST + np.arange(int(days * 1440))
    coefficients = np.array([10, 4, 2, -2, 1]) + rng.normal(size=(cells, 5)) * np.array([3, 0.3, 0.3, 0.3, 0.3])
    values = coefficients @ day_basis(minute, 2).T + rng.normal(size=(cells, len(minute)))
    names = [f"cell-{number:02d}" for number in range(cells)]
    return TableHistory(catalogue(1), names, FIRST, values[..., None].astype(np.float32))


@pytest.mark.parametrize("hours", [3, 8])
def test_a_cell_of_a_few_hours_has_its_own_level_and_the_day_of_the_fleet(rng: np.random.Generator, hours: int) -> None:
    whole = daily(rng, 30, days=6)
    values = whole.values.copy()
    values[4, : -hours * 60] = np.nan

    known, young = fit_baseline(whole), fit_baseline(replace(whole, values=values))

    of_all, before, after = (
        known.table[:, 2:, 0].astype(float),
        *(b.table[4, :, 0].astype(float) for b in (known, young)),
    )
    assert np.abs(after[2:] - np.median(of_all, axis=0)).max() < 0.5
    assert abs(after[1] - before[1]) < 1
    assert 1 < after[0] / before[0] < 1.5  # it may be wrong, and says so


def test_a_past_of_three_hours_has_no_profile_of_the_day(rng: np.random.Generator) -> None:
    fitted = fit_baseline(daily(rng, 12, days=1 / 8))

    assert np.abs(fitted.table[:, 2:]).max() < 1e-3
    assert (fitted.table[:, 0] > 0.9).all()


def test_a_cell_that_told_nothing_is_taken_for_any_of_the_fleet(rng: np.random.Generator) -> None:
    past = daily(rng, 30, days=3)
    past.values[4] = np.nan

    fitted = fit_baseline(past).table[:, :, 0].astype(float)

    np.testing.assert_allclose(fitted[4, 1:], np.median(fitted[:, 1:], axis=0), atol=0.1)
    assert fitted[4, 0] == pytest.approx(np.hypot(1, fitted[:-1, 1].std()), rel=0.15)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["cell_outage", "backhaul_loss", "ul_interference"])
def test_a_day_of_a_fault_in_the_week_does_not_become_usual(town: SimulatedHistory, usual: Baseline, name: str) -> None:
    cells, begin = range(0, 24, 6), town.span[0] + 3 * 1440
    faults = tuple(FaultEpisode(cell, FAULTS[name], begin, begin + 1440, 0.9, seed=1) for cell in cells)

    scarred = fit_baseline(replace(town, episodes=faults))

    rows = usual.rows([town.cells[cell] for cell in cells])
    before, after = (baseline.coefficients(rows) for baseline in (usual, scarred))
    day = day_basis(np.arange(0, 1440, 30), 2)
    moved = np.abs(np.einsum("mh,chf->cmf", day, after[:, 1:] - before[:, 1:])).max(axis=1) / before[:, 0]
    assert np.quantile(moved, 0.95) < 0.8  # spreads; least squares and one trimming alone moved by 2.9
    assert moved.max() < 1.5  # and by 59
    assert np.quantile(after[:, 0] / before[:, 0], 0.95) < 1.4


@pytest.mark.slow
@pytest.mark.parametrize("name", ["backhaul_loss", "baseband_overload", "mass_event"])
def test_a_fault_of_a_few_hours_in_the_week_hardly_moves_what_is_usual(
    town: SimulatedHistory, usual: Baseline, name: str
) -> None:
    busy = int(np.argmax(town.network.statics.busy_attempts))
    begin = town.span[0] + 3 * 1440 + 14 * 60
    fault = FaultEpisode(busy, FAULTS[name], begin, begin + 240, 0.9, seed=1)

    scarred = fit_baseline(replace(town, episodes=(fault,)))

    day = town.span[1] - np.arange(1440)
    ordinary, disturbed = (judged(town, baseline, busy, day) for baseline in (usual, scarred))
    moved = np.abs(disturbed.mean(axis=0) - ordinary.mean(axis=0))
    assert 0 < np.quantile(moved, 0.95) < 0.1  # spreads
    assert moved.max() < 0.5
    assert np.quantile(np.abs(disturbed.std(axis=0) / ordinary.std(axis=0).clip(0.1) - 1), 0.95) < 0.15


def judged(history: SimulatedHistory, baseline: Baseline, cell: int, minute: np.ndarray) -> np.ndarray:
    """Deviations of one cell's minutes, in spreads. # -> [n, F]"""
    codes = cut_samples(history, baseline, np.full(len(minute), cell), minute, 1)[:, 0]
    return np.where(codes == ABSENT, 0, codes) / STEPS


@pytest.mark.parametrize("name", ["backhaul_loss", "baseband_overload"])
def test_a_fault_that_the_baseline_has_seen_still_stands_out(
    town: SimulatedHistory, usual: Baseline, name: str
) -> None:
    busy = int(np.argmax(town.network.statics.busy_attempts))
    begin = town.span[0] + 3 * 1440 + 14 * 60
    befallen = replace(town, episodes=(FaultEpisode(busy, FAULTS[name], begin, begin + 240, 0.9, seed=1),))
    during = begin + np.arange(60, 200)

    unaware, aware = (judged(befallen, baseline, busy, during) for baseline in (usual, fit_baseline(befallen)))

    assert np.linalg.norm(aware.mean(axis=0)) > 0.8 * np.linalg.norm(unaware.mean(axis=0))
