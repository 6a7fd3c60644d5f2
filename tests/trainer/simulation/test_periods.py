"""Records of a longer period: the simulator's aggregates, and what a trainer cuts from them."""

from pathlib import Path

import numpy as np
import pytest

from detector.backtest.matching import Episode
from detector.bundle.format import read_bundle
from detector.config.catalogue import read_catalogue
from detector.core.granularity import Granularity
from detector.core.vocabulary import PERIODS
from tests.builders import FEATURES, Listener, catalogue, fleet_baseline
from tests.trainer.files import write_catalogue, write_day
from tests.trainer.twins import TableHistory
from trainer.__main__ import main
from trainer.calibration.normal_profile import BANK, sample_normal, step_samples, stretch_windows
from trainer.data.baselines import fit_baseline
from trainer.data.examples import cut_samples, cut_windows
from trainer.data.history import START_MINUTE, ParquetHistory, SimulatedHistory
from trainer.evaluation.dataset import episode_stretch, episode_windows
from trainer.pretrained.shipped import SHIPPED
from trainer.simulator import Network, aggregate, catalogue_at
from trainer.simulator import catalogue as simulated_catalogue

LONGER = PERIODS[1:]
NAN = float("nan")
DAY = (START_MINUTE, START_MINUTE + 1440)


@pytest.fixture(scope="module")
def network() -> Network:
    return Network(4, seed=9)


@pytest.mark.parametrize(
    ("minutes", "counter", "gauge"),
    [
        ([1, 2, 3, 4], 10, 2.5),
        ([1, NAN, 3, NAN], 4, 2),
        ([NAN, NAN, 3, NAN], NAN, NAN),
        ([NAN] * 4, NAN, NAN),
        ([0, 0, 0, 0], 0, 0),
    ],
)
def test_counters_add_up_and_the_rest_are_means_of_what_was_reported(
    minutes: list[float], counter: float, gauge: float
) -> None:
    values = np.array([minutes, minutes], np.float32).T[None]

    np.testing.assert_array_equal(aggregate(values, np.array([True, False])), np.array([[counter, gauge]], np.float32))


@pytest.mark.parametrize("period", LONGER)
def test_a_sample_is_the_aggregate_of_its_minutes_and_lies_in_its_range(network: Network, period: int) -> None:
    history = SimulatedHistory(network, DAY, whole=True, period_minutes=period)
    counters = np.array([feature.kind == "counter" for feature in history.catalogue.features])
    cell, minute = np.array([0, 3]), START_MINUTE + period * np.array([0, 7])
    minutes = minute[:, None] + np.arange(period)

    told = SimulatedHistory(network, DAY, whole=True).read(np.repeat(cell, period), minutes.ravel())

    samples = history.read(cell, minute)
    np.testing.assert_array_equal(samples, aggregate(told.reshape(2, period, -1), counters))
    low, high = history.catalogue.bounds
    assert (np.isnan(samples) | ((samples >= low) & (samples <= high))).all()


def test_only_the_ranges_of_counters_grow_with_the_period() -> None:
    for before, after in zip(
        simulated_catalogue().features, catalogue_at(simulated_catalogue(), 15).features, strict=True
    ):
        assert after.high == (15 * before.high if before.kind == "counter" else before.high)
    assert catalogue_at(simulated_catalogue(), 1) is simulated_catalogue()


@pytest.mark.parametrize("period", PERIODS)
def test_windows_have_sixty_steps_and_show_each_sample_in_as_many(network: Network, period: int) -> None:
    history, granularity = SimulatedHistory(network, DAY, whole=True, period_minutes=period), Granularity(period)
    baseline = fleet_baseline(len(history.catalogue))
    cell, end = np.array([1, 2]), START_MINUTE + np.array([719, 1439])

    windows = cut_windows(history, baseline, cell, end)

    assert windows.shape == (2, 60, len(history.catalogue))
    samples = cut_samples(history, baseline, cell, end, granularity.samples + 3)
    np.testing.assert_array_equal(windows, granularity.expand(samples[:, 3:]))
    np.testing.assert_array_equal(windows[:, 0], samples[:, 3])


@pytest.mark.parametrize("period", LONGER)
def test_stretches_have_two_hours_of_windows_a_period_or_five_minutes_apart(
    rng: np.random.Generator, period: int
) -> None:
    values = rng.normal(0, 2, (2, 1440, FEATURES)).astype(np.float32)
    history = TableHistory(catalogue_at(catalogue(), period), ["a", "b"], START_MINUTE, values)
    listener = Listener()
    granularity = Granularity(period)
    step, length = step_samples(granularity), stretch_windows(granularity)

    normal = sample_normal(history, fleet_baseline(), listener, 3, rng)

    assert normal.step_samples == step == 1
    assert 120 <= length * period <= 145
    assert normal.stretches.size.shape == (3, length)
    assert (normal.ends % period == 0).all()
    windows = listener.windows[BANK:].reshape(3, length, 60, -1)
    fill = 60 // granularity.samples
    np.testing.assert_array_equal(windows[:, :-1, fill:], windows[:, 1:, :-fill])


@pytest.mark.parametrize("period", LONGER)
def test_baselines_use_every_sample(network: Network, period: int) -> None:
    history = SimulatedHistory(network, DAY, whole=True, period_minutes=period)
    baseline = fit_baseline(history)
    windows = cut_windows(history, baseline, np.arange(4), np.full(4, DAY[1] - period))

    assert len(baseline.cells) == 4
    assert np.abs(np.median(windows[windows != -128].astype(float))) < 16, "within a spread of usual"


@pytest.mark.parametrize("period", PERIODS)
def test_questions_and_exemplars_of_an_evaluation_lie_in_their_episode(period: int) -> None:
    granularity = Granularity(period)
    episode = Episode("a", "drops", "fault", START_MINUTE + 607, START_MINUTE + 907)
    first, count = episode_stretch(episode, granularity)
    before = (START_MINUTE + 607) // period * period - first
    codes = np.zeros((count, 1), np.int8)
    codes[before // period :] = 1

    exemplars, questions, seen = episode_windows(episode, codes, 0.5, granularity)

    assert first % period == 0
    assert before == granularity.window_minutes
    assert exemplars.shape[1:] == questions.shape[1:] == (60, 1)
    assert (exemplars.mean(axis=(1, 2)) >= 0.5).all()
    expected = np.minimum(seen / granularity.window_minutes, 1)
    np.testing.assert_allclose(questions.mean(axis=(1, 2)), expected)
    assert len(seen)
    assert (seen % period == 0).all()


def test_minutes_within_a_period_are_those_of_its_sample(tmp_path: Path) -> None:
    told = catalogue_at(catalogue(3), 15)
    write_catalogue(told, tmp_path / "catalogue.yaml")
    minutes = START_MINUTE + np.array([4, 19])
    write_day(tmp_path, "2026-01-05", ["a", "a"], minutes, np.ones((2, 3), np.float32), told.names)

    history = ParquetHistory(tmp_path)

    assert history.span == (START_MINUTE, START_MINUTE + 30)
    minute = START_MINUTE + np.array([0, 15])
    assert not np.isnan(history.read(np.array([0, 0]), minute)).any()


SCENARIO = "network: {cells: 3, seed: 3, operator: A}\ndays: 0.25\n"


@pytest.mark.slow
@pytest.mark.parametrize("period", LONGER)
def test_a_simulated_history_of_a_period_is_read_back_as_such(tmp_path: Path, period: int) -> None:
    (tmp_path / "three.yaml").write_text(SCENARIO)
    out = tmp_path / "history"

    assert main(["simulate", str(tmp_path / "three.yaml"), "--out", str(out), "--period", str(period)]) == 0

    history = ParquetHistory(out)
    assert read_catalogue(out / "catalogue.yaml").period_minutes == history.catalogue.period_minutes == period
    assert (history.span[1] - history.span[0]) % period == 0
    assert abs(history.span[1] - history.span[0] - 360) <= 2 * period
    assert not np.isnan(history.read(np.arange(3), np.full(3, history.span[0] + 2 * period))).all()


@pytest.mark.slow
@pytest.mark.parametrize("period", [15, 60])
def test_the_shipped_encoder_is_taken_to_a_history_of_a_longer_period(tmp_path: Path, period: int) -> None:
    (tmp_path / "three.yaml").write_text(SCENARIO)
    history, out = tmp_path / "history", tmp_path / "bundle"
    assert main(["simulate", str(tmp_path / "three.yaml"), "--out", str(history), "--period", str(period)]) == 0

    adapted = ["adapt", "--bundle", str(SHIPPED), "--history", str(history), "--out", str(out), "--stretches", "8"]

    assert main(adapted) == 0
    bundle = read_bundle(out)
    assert bundle.catalogue.period_minutes == period
    assert bundle.manifest.step_minutes == period
    assert bundle.normal.stretches.size.shape == (8, stretch_windows(Granularity(period)))
