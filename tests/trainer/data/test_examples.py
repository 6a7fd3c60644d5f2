"""Windows to learn from, against windows made minute by minute."""

from dataclasses import fields, replace

import numpy as np
import pytest

from detector.core.features import Baseline
from tests.trainer.twins import slow_effect, slow_examples, slow_window
from trainer.data.examples import (
    Examples,
    cut_samples,
    cut_windows,
    join_networks,
    measure_effect,
    simulate_examples,
    stack_examples,
)
from trainer.data.history import SimulatedHistory

NAMED = ("backhaul_loss", "sync_loss_tdd", 7)
EACH, SEED = 6, 9


@pytest.fixture(scope="module")
def few(town: SimulatedHistory, usual: Baseline) -> Examples:
    return simulate_examples(town, usual, NAMED, each=EACH, seed=SEED, workers=2)


@pytest.mark.bitwise
def test_cut_windows_are_the_deviations_of_their_minutes_one_by_one(town: SimulatedHistory, usual: Baseline) -> None:
    cell, end = np.array([3, 0, 3]), town.span[0] + np.array([59, 700, 5000])

    windows = cut_windows(town, usual, cell, end)

    for window, number, last in zip(windows, cell, end, strict=True):
        np.testing.assert_array_equal(window, slow_window(town, usual, int(number), int(last)))


def test_longer_stretches_are_cut_likewise(town: SimulatedHistory, usual: Baseline) -> None:
    end = town.span[0] + 900

    stretch = cut_samples(town, usual, np.array([5]), np.array([end]), 75)

    np.testing.assert_array_equal(stretch[0], slow_window(town, usual, 5, end, minutes=75))


def test_an_example_is_what_a_history_with_its_episode_would_show(
    town: SimulatedHistory, usual: Baseline, few: Examples
) -> None:
    told = slow_examples(town, NAMED, each=EACH, seed=SEED)

    assert few.label.tolist() == [number for number, _, _ in told]
    for place, (_, end, episode) in enumerate(told):
        befallen = replace(town, episodes=(episode,))
        cell, last = np.array([episode.cell]), np.array([end])
        np.testing.assert_array_equal(few.windows[place], cut_windows(befallen, usual, cell, last)[0])
        np.testing.assert_array_equal(few.twins[place], cut_windows(town, usual, cell, last)[0])


def test_an_example_differs_from_its_twin_from_the_onset_on_and_never_before(
    town: SimulatedHistory, few: Examples
) -> None:
    touched = (few.windows != few.twins).any(axis=2)

    since = [end + 1 - episode.begin for _, end, episode in slow_examples(town, NAMED, each=EACH, seed=SEED)]
    for minutes, ago in zip(touched, since, strict=True):
        assert 5 <= ago < 120
        assert not minutes[: max(60 - ago, 0)].any()
    assert touched.any(axis=1).sum() >= 2 * EACH


def test_an_untouched_window_has_no_effect_and_a_touched_one_the_length_of_its_mean_change(
    examples: Examples, few: Examples
) -> None:
    untouched = (examples.windows == examples.twins).all(axis=(1, 2))

    assert (measure_effect(examples.twins, examples.twins) == 0).all()
    assert (examples.effect[untouched] == 0).all()
    slow = [slow_effect(window, twin) for window, twin in zip(few.windows, few.twins, strict=True)]
    np.testing.assert_allclose(few.effect, slow, rtol=1e-4, atol=1e-6)


@pytest.mark.bitwise
def test_examples_follow_from_the_seed_and_not_from_the_number_of_workers(
    town: SimulatedHistory, usual: Baseline, few: Examples
) -> None:
    again = simulate_examples(town, usual, NAMED, each=EACH, seed=SEED, workers=1)
    other = simulate_examples(town, usual, NAMED, each=EACH, seed=SEED + 1, workers=1)

    for name in ("windows", "twins", "label", "effect", "network"):
        np.testing.assert_array_equal(getattr(again, name), getattr(few, name))
    assert (other.windows != few.windows).any()


def test_every_class_has_its_share_of_windows_under_one_number(examples: Examples) -> None:
    numbers, counts = np.unique(examples.label, return_counts=True)

    assert numbers.tolist() == list(range(40))
    assert counts.tolist() == [8] * 40


def test_parts_of_one_network_are_stacked_and_those_of_several_numbered_one_after_the_other(examples: Examples) -> None:
    first, second = cut(examples, [5, 2]), replace(cut(examples, [7, 1, 0]), network=np.array([0, 1, 1]))
    nothing = cut(examples, [])

    assert stack_examples([first, second]).network.tolist() == [0, 0, 0, 1, 1]
    together = join_networks([first, second, nothing, first])
    assert together.network.tolist() == [0, 0, 1, 2, 2, 3, 3]
    np.testing.assert_array_equal(together.windows, examples.windows[[5, 2, 7, 1, 0, 5, 2]])
    np.testing.assert_array_equal(together.effect, examples.effect[[5, 2, 7, 1, 0, 5, 2]])


def cut(examples: Examples, rows: list[int]) -> Examples:
    chosen = np.array(rows, np.int64)
    return Examples(*(getattr(examples, column.name)[chosen] for column in fields(Examples)))
