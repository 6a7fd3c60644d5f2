"""A bundle from its parts: written, read back, and proven by the encoder that a daemon makes of it."""

from pathlib import Path

import numpy as np
import pytest

from detector.bundle.format import Bundle, read_bundle
from detector.bundle.verification import verify_encoder
from detector.core.encoder import Encoder
from detector.core.features import Baseline
from detector.core.networks.spec import Spec
from detector.errors import BundleError
from tests.builders import catalogue, fleet_baseline
from tests.trainer.fixtures import SPEC, STRETCHES
from tests.trainer.twins import TableHistory
from tests.weights import random_weights
from trainer.calibration.bundle_builder import BundleParts, build_bundle
from trainer.data.history import START_MINUTE, SimulatedHistory


@pytest.fixture(scope="module")
def bundle(bundle_path: Path) -> Bundle:
    return read_bundle(bundle_path)


def test_a_bundle_that_was_assembled_is_read_and_proven(bundle: Bundle, encode: Encoder, bundle_path: Path) -> None:
    verify_encoder(bundle, encode, bundle_path)


def test_a_bundle_holds_the_network_it_was_assembled_for(
    bundle: Bundle, town: SimulatedHistory, usual: Baseline
) -> None:
    assert bundle.catalogue == town.catalogue
    assert bundle.manifest.name == "town"
    assert bundle.manifest.spec == SPEC
    assert bundle.manifest.figures == {"guess": 0.5}
    facts = dict(bundle.manifest.trained_on)
    assert float(facts.pop("reported_cell_days")) > 0
    assert facts == {"steps": 0, "seed": 0}
    assert len(bundle.normal.stretches) == STRETCHES
    np.testing.assert_array_equal(bundle.baseline.table, usual.table)
    np.testing.assert_array_equal(bundle.baseline.cells, usual.cells)


def test_weights_that_are_not_those_of_the_golden_windows_are_not_proven(bundle: Bundle, bundle_path: Path) -> None:
    wrong = Encoder(
        bundle.manifest.spec, {**bundle.weights, "hidden_bias": bundle.weights["hidden_bias"] + np.float32(0.1)}
    )

    with pytest.raises(BundleError, match="golden windows embed"):
        verify_encoder(bundle, wrong, bundle_path)


def test_the_same_seed_surveys_the_same_normal(tmp_path: Path, rng: np.random.Generator) -> None:
    values = rng.normal(0, 2, (2, 600, 3)).astype(np.float32)
    history = TableHistory(catalogue(), ["a", "b"], START_MINUTE, values)
    spec = Spec(3, first=4, second=4, hidden=8, dimension=4)

    parts = BundleParts(
        history=history,
        baseline=fleet_baseline(),
        spec=spec,
        weights=random_weights(spec),
        trained_on={},
        figures={},
        stretches=4,
        seed=1,
    )

    first, again = (build_bundle(parts, tmp_path / name) for name in ("first", "again"))

    np.testing.assert_array_equal(again.weights["whiten"], first.weights["whiten"])
    np.testing.assert_array_equal(again.normal.bank, first.normal.bank)
    np.testing.assert_array_equal(again.normal.stretches.direction, first.normal.stretches.direction)
    np.testing.assert_array_equal(again.golden.windows, first.golden.windows)
