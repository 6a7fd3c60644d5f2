import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

import trainer.simulator
from trainer.simulator.noise import Noise
from trainer.simulator.quantiles import binomial_quantile, poisson_quantile
from trainer.simulator.randomness import HashedDraws, mix64


def test_mix64_is_the_finaliser_of_splitmix64():
    # Given the reference implementation's first outputs for seed 0,
    golden = 0x9E3779B97F4A7C15
    states = np.array([golden, 2 * golden % 2**64], np.uint64)
    assert [hex(word) for word in mix64(states)] == ["0xe220a8397b1dcdaf", "0x6e789e6aa1b965f4"]


def test_uniforms_are_the_same_on_every_machine():
    draws = HashedDraws.of(1, "minutes", np.array([0, 1, 299_999]), np.array([0, 29_000_000, 29_000_001]))
    assert [value.hex() for value in draws.uniform("volume").tolist()] == [
        "0x1.3733d60000000p-1",
        "0x1.c20cd80000000p-3",
        "0x1.dd6d6e0000000p-1",
    ]


def test_uniforms_lie_strictly_between_zero_and_one():
    values = HashedDraws.of(3, "minutes", np.arange(200_000)).uniform("x")
    assert values.min() > 0
    assert values.max() < 1
    assert stats.kstest(values, "uniform").pvalue > 1e-3


def test_every_draw_of_a_minute_has_a_name_of_its_own():
    sources = Path(trainer.simulator.__file__).parent.rglob("*.py")
    stages = [
        source.read_text() for source in sources if source.name not in ("cells.py", "randomness.py", "network.py")
    ]
    for call in (r"draws\.(?:uniform|normal|poisson|binomial)", r"noise\.(?:fluctuation|affected_rows|events)"):
        names = Counter(re.findall(rf'\b{call}\(\s*"([^"]+)"', "\n".join(stages)))
        assert names
        assert [name for name, times in names.items() if times > 1] == []


@pytest.mark.parametrize("mean", [0.05, 0.9, 4.0, 5.6, 30.0])
def test_poisson_counts_have_the_mean_and_variance_of_a_poisson(mean):
    uniform = HashedDraws.of(1, "test", np.arange(100_000)).uniform("x")
    counts = poisson_quantile(uniform, np.full(100_000, mean, np.float32))
    assert counts.mean() == pytest.approx(mean, rel=0.02)
    assert counts.var() == pytest.approx(mean, rel=0.04)


@pytest.mark.parametrize(
    ("trials", "share"), [(1, 0.3), (8, 0.9), (60, 0.02), (9, 0.5), (300, 0.7), (5, 1.0), (0, 0.5)]
)
def test_binomial_counts_have_the_mean_and_variance_of_a_binomial(trials, share):
    uniform = HashedDraws.of(2, "test", np.arange(100_000)).uniform("x")
    counts = binomial_quantile(uniform, np.full(100_000, trials, np.float32), np.full(100_000, share, np.float32))
    assert counts.min() >= 0
    assert counts.max() <= trials
    assert counts.mean() == pytest.approx(trials * share, rel=0.02)
    assert counts.var() == pytest.approx(trials * share * (1 - share), rel=0.04, abs=1e-6)


def test_small_counts_are_the_exact_quantiles():
    uniform = np.linspace(0.001, 0.999, 999).astype(np.float32)
    mean = np.full(999, 3.3, np.float32)
    assert (poisson_quantile(uniform, mean) == stats.poisson.ppf(uniform, 3.3)).mean() > 0.995
    trials, share = np.full(999, 12, np.float32), np.full(999, 0.31, np.float32)
    assert (binomial_quantile(uniform, trials, share) == stats.binom.ppf(uniform, 12, 0.31)).mean() > 0.995


def test_slow_noise_has_unit_variance_at_every_minute_and_forgets():
    # Given one noise of scale 60 minutes in 4,000 cells at three minutes,
    cell = np.arange(4000, dtype=np.uint64)

    def at(minute: int) -> np.ndarray:
        places = {"cell": cell, "site": cell // np.uint64(3), "region": cell // np.uint64(192)}
        return Noise(1, np.full(4000, minute, np.uint64), places).fluctuation("any", 60)

    now, soon, later = at(28_800_000), at(28_800_005), at(28_800_300)
    assert now.std() == pytest.approx(1, abs=0.05)
    assert np.corrcoef(now, soon)[0, 1] > 0.95
    assert abs(np.corrcoef(now, later)[0, 1]) < 0.06
