"""One small simulated town, what is usual in it, and a bundle for it: made once, only read by the tests."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from detector.bundle.format import read_bundle
from detector.core.encoder import Encoder
from detector.core.features import Baseline
from detector.core.networks.spec import Spec
from tests.weights import random_weights
from trainer.calibration.bundle_builder import BundleParts, build_bundle
from trainer.data.baselines import fit_baseline
from trainer.data.examples import Examples, simulate_examples
from trainer.data.history import START_MINUTE, SimulatedHistory
from trainer.simulator import Network, catalogue

SPEC = Spec(features=len(catalogue()), first=16, second=16, hidden=48, dimension=16, shift=24)

CLASSES, EACH = 40, 8

STRETCHES = 70
"""More than are surveyed at once."""


@pytest.fixture(scope="session")
def town() -> SimulatedHistory:
    """A week of 24 cells to which nothing happens."""
    return SimulatedHistory(Network(24, seed=5), (START_MINUTE, START_MINUTE + 7 * 1440))


@pytest.fixture(scope="session")
def usual(town: SimulatedHistory) -> Baseline:
    return fit_baseline(town)


@pytest.fixture(scope="session")
def examples(town: SimulatedHistory, usual: Baseline) -> Examples:
    """Eight windows of each of 40 procedural classes."""
    return simulate_examples(town, usual, range(CLASSES), each=EACH, seed=0, workers=2)


@pytest.fixture(scope="session")
def bundle_path(town: SimulatedHistory, usual: Baseline, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained encoder, at home in the town."""
    path = tmp_path_factory.mktemp("bundles") / "town"
    parts = BundleParts(
        history=town,
        baseline=usual,
        spec=SPEC,
        weights=random_weights(SPEC),
        trained_on={"steps": 0, "seed": 0},
        figures={"guess": 0.5},
        stretches=STRETCHES,
        seed=0,
    )
    build_bundle(parts, path)
    return path


@pytest.fixture(scope="session")
def encode(bundle_path: Path) -> Encoder:
    """The bundle's encoder, as a daemon would make it."""
    return Encoder(SPEC, read_bundle(bundle_path).weights)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(3)


@pytest.fixture
def configuration(bundle_path: Path, tmp_path: Path) -> Callable[..., Path]:
    """Writes an operator's file for the bundle, and gives its path."""

    def write(bootstrap: str = "127.0.0.1:1", labels: str = "cells.labels") -> Path:
        path = tmp_path / "config.yaml"
        kafka = f"{{common: {{bootstrap.servers: '{bootstrap}'}}, topics: {{labels: '{labels}'}}}}"
        path.write_text(f"bundle: {bundle_path}\nkafka: {kafka}\n")
        return path

    return write
