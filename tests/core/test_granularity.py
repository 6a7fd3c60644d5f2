"""Feed of a longer period: the same windows as of a feed of minutes that repeats each sample for its whole period."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.config.schema import Config
from detector.core.features import WINDOW
from detector.core.granularity import Granularity
from detector.core.vocabulary import PERIODS
from tests.builders import T0, Assessor, Told, pipeline, play, settings

LONG = [period for period in PERIODS if period > 1]
BEGIN = T0 // 240 * 240


@pytest.mark.parametrize(
    ("period", "samples", "window_minutes", "step_minutes"),
    [(1, 60, 60, 1), (5, 12, 60, 1), (15, 4, 60, 1), (30, 4, 120, 2), (60, 4, 240, 4)],
)
def test_a_window_of_every_period_fills_the_steps_of_the_encoder(period, samples, window_minutes, step_minutes) -> None:
    granularity = Granularity(period)
    assert (granularity.samples, granularity.window_minutes) == (samples, window_minutes)
    assert granularity.step_minutes == step_minutes
    codes = np.arange(samples, dtype=np.int8)[None, :, None]
    expanded = granularity.expand(codes)
    assert expanded.shape == (1, WINDOW, 1)
    assert expanded[0, :: WINDOW // samples, 0].tolist() == codes[0, :, 0].tolist()


def windows_of(log, period, unit=0):
    listener = Assessor()
    unit = unit or period
    tolerance = {"late_minutes": unit, "behind_minutes": 4 * unit, "ahead_minutes": 4 * unit}
    alarms = {"silent_minutes": 4 * unit, "score_minutes": period, "hold_minutes": unit, "unknown_minutes": unit}
    chosen = settings(period_minutes=period, **tolerance, **alarms)
    play(pipeline(chosen, encode=listener), log)
    return listener.windows


@pytest.mark.parametrize("period", [5, 15])
@given(st.lists(st.integers(0, 3), min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_the_windows_are_those_of_minutes_that_repeat_each_sample(period, gaps, random) -> None:
    numbers = np.cumsum(gaps) - gaps[0]
    values = {int(number): (random.uniform(-3, 3), random.choice([None, 1.0]), 0.5) for number in numbers}
    log = [Told("a", BEGIN + number * period, value) for number, value in values.items()]
    minutes = [Told(told.cell, told.minute + step, told.values) for told in log for step in range(period)]
    of_minutes = {told.minute: window for told, window in zip(minutes, windows_of(minutes, 1, period), strict=True)}
    for told, window in zip(log, windows_of(log, period), strict=True):
        assert np.array_equal(window, of_minutes[told.minute + period - 1])


@pytest.mark.parametrize("period", LONG)
def test_a_late_sample_fills_its_hole_and_a_missing_one_is_absent(period) -> None:
    log = [Told("a", BEGIN + number * period, (1.0, 1.0, 1.0)) for number in (0, 2, 1, 3)]
    last = windows_of(log, period)[-1]
    filled = WINDOW // Granularity(period).samples
    assert (last[-4 * filled :] == 16).all()


@pytest.mark.parametrize("period", PERIODS)
def test_the_knobs_are_whole_periods_and_a_window_reaches_what_may_be_late(period) -> None:
    chosen = Config(bundle="b").settings_at(period)
    names = ("late", "behind", "ahead", "silent", "score", "hold", "unknown")
    minutes = {name: getattr(chosen, f"{name}_minutes") for name in names}
    assert all(value % period == 0 and value >= period for value in minutes.values())
    assert minutes["late"] < chosen.granularity.window_minutes
    assert minutes["silent"] < chosen.tolerance.memory_minutes
    assert len(chosen.weights) * period == minutes["score"]


def test_the_defaults_of_a_minute_are_those_of_before() -> None:
    chosen = Config(bundle="b").settings_at(1)
    assert (chosen.late_minutes, chosen.behind_minutes, chosen.ahead_minutes, chosen.silent_minutes) == (15, 60, 5, 10)
    assert (chosen.score_minutes, chosen.hold_minutes, chosen.unknown_minutes) == (10, 15, 15)
