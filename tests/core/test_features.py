"""A value becomes a deviation from what is usual for its cell at this time of day, in sixteenths of its spread."""

import numpy as np
import pytest

from detector.core.features import ABSENT, CLIP, STEPS, Baseline, Catalogue, Feature, deviations, fingerprints
from tests import naive
from tests.builders import T0, catalogue

PLAIN = np.zeros(1, bool)
SPREAD_ONE = np.array([[[1.0], [0.0]]], np.float32)


def one_code(value: float) -> int:
    values = np.array([[value]], np.float32)
    return int(deviations(values, np.array([T0]), SPREAD_ONE, PLAIN)[0, 0])


@pytest.mark.parametrize(
    ("value", "code"),
    [(0, 0), (1, 16), (-1, -16), (2, 32), (8, 127), (-8, -127), (9, 127), (-1e30, -127), (np.inf, 127)],
)
def test_a_deviation_is_coded_in_steps_and_clipped_at_eight_spreads(value: float, code: int) -> None:
    assert one_code(value) == code


def test_what_was_not_reported_is_absent_and_no_value_is() -> None:
    assert one_code(np.nan) == ABSENT == -128
    assert min(one_code(value) for value in np.linspace(-20, 20, 500)) == -127


def test_deviations_are_those_of_the_slow_twin() -> None:
    rng = np.random.default_rng(3)
    many, features, harmonics = 60, 5, 3
    coefficients = rng.normal(size=(many, 2 + 2 * harmonics, features)).astype(np.float32)
    coefficients[:, 0] = rng.uniform(0.1, 3, (many, features))
    values = rng.normal(0, 5, (many, features)).astype(np.float32)
    values[rng.random(values.shape) < 0.1] = np.nan
    minute = T0 + rng.integers(0, 3000, many)
    logarithmic = np.array([True, False, True, False, False])
    codes = deviations(values, minute, coefficients, logarithmic)
    for at in range(many):
        for k in range(features):
            spread, mean, *waves = coefficients[at, :, k].tolist()
            pairs = list(zip(waves[::2], waves[1::2], strict=True))
            slow = naive.deviation(float(values[at, k]), int(minute[at]), spread, mean, pairs, bool(logarithmic[k]))
            expected = ABSENT if np.isnan(slow) else np.clip(slow, -CLIP, CLIP) * STEPS
            assert abs(int(codes[at, k]) - expected) <= 0.51, "half a step, and the last bits"


def test_a_counter_below_zero_is_taken_for_zero() -> None:
    values = np.array([[-5.0]], np.float32)
    assert deviations(values, np.array([T0]), SPREAD_ONE, np.ones(1, bool)).tolist() == [[0]]


@pytest.mark.bitwise
def test_a_deviation_is_the_same_bits_beside_any_neighbours() -> None:
    rng = np.random.default_rng(4)
    coefficients = rng.normal(size=(40, 8, 7)).astype(np.float32)
    values, minute = rng.normal(size=(40, 7)).astype(np.float32), T0 + rng.integers(0, 1440, 40)
    together = deviations(values, minute, coefficients, np.zeros(7, bool))
    alone = [deviations(values[[k]], minute[[k]], coefficients[[k]], np.zeros(7, bool))[0] for k in range(40)]
    assert np.array_equal(together, alone)


def baseline_of(*cells: str) -> Baseline:
    names = np.array([cell.encode() for cell in cells], np.bytes_)
    return Baseline(names, np.zeros((len(cells) + 1, 2, 1), np.float16))


def test_a_cell_with_history_has_its_own_baseline_and_any_other_the_fleets() -> None:
    baseline = baseline_of("anna", "berta", "clara")
    assert baseline.rows(["clara", "anna", "zoe", "ann", "annas", "", "Ω"]).tolist() == [2, 0, 3, 3, 3, 3, 3]
    assert baseline.rows([]).tolist() == []


def test_a_name_longer_than_every_known_one_is_not_taken_for_its_beginning() -> None:
    assert baseline_of("anna").rows(["anna-west-7"]).tolist() == [1]


def test_a_network_without_any_history_has_the_fleets_baseline_for_all() -> None:
    assert baseline_of().rows(["anna", "berta"]).tolist() == [0, 0]


def test_a_name_that_ends_in_a_zero_byte_is_another_name() -> None:
    assert baseline_of("anna").rows(["anna\0"]).tolist() == [1]


def test_fingerprints_differ_for_any_changed_value() -> None:
    rng = np.random.default_rng(6)
    values = rng.normal(size=130).astype(np.float32)
    copies = np.repeat(values[None], 131, axis=0)
    for k in range(130):
        copies[k, k] = np.nextafter(copies[k, k], np.float32(np.inf))
    assert len(set(fingerprints(copies).tolist())) == 131


def test_fingerprints_tell_values_that_changed_places_and_values_that_fell_away() -> None:
    values = np.array([[1, 2, 3], [2, 1, 3], [1, 2, np.nan], [np.nan, 2, 3], [0, 2, 3]], np.float32)
    assert len(set(fingerprints(values).tolist())) == 5


@pytest.mark.bitwise
def test_equal_values_have_equal_fingerprints_in_any_company() -> None:
    values = np.random.default_rng(7).normal(size=(50, 5)).astype(np.float32)
    values[:, 2] = np.nan
    assert [int(fingerprints(row[None])[0]) for row in values] == fingerprints(values).tolist()


def test_the_digest_names_what_makes_windows_comparable() -> None:
    assert catalogue(3).digest == catalogue(3, low=0).digest, "a range may be corrected"
    swapped = Catalogue(catalogue(3).features[::-1])
    other = Catalogue((Feature("f0", "1", "gauge", "log1p", 0, 1), *catalogue(3).features[1:]))
    assert len({catalogue(3).digest, catalogue(4).digest, swapped.digest, other.digest}) == 4
