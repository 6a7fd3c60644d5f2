"""Networks of any catalogue, with no label and no simulator: from a history to a bundle that a daemon opens."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from detector.bundle.verification import open_bundle
from detector.core.features import Catalogue
from tests.builders import catalogue
from tests.trainer.files import write_catalogue, write_day
from tests.trainer.twins import TableHistory
from trainer.__main__ import main
from trainer.data.baselines import fit_baseline
from trainer.data.history import START_MINUTE, ParquetHistory
from trainer.pretrained.tokens import fit_tokens, shipped_tokens
from trainer.recipes.unlabelled import UnlabelledPlan, make_unlabelled
from trainer.training.learner import Hyperparameters

DAY = 1440
QUICK = Hyperparameters(steps=30, warm_up=5, rate=5e-3)


def values_of(features: int, cells: int, minutes: int = DAY) -> np.ndarray:
    """Levels of the day and noise, in which every second feature follows the one before. # [cells, minutes, F]"""
    rng = np.random.default_rng(features)
    day = np.sin(2 * np.pi * np.arange(minutes) / DAY)[None, :, None]
    noise = rng.normal(0, 1, (cells, minutes, features))
    noise[:, :, 1::2] = 0.8 * noise[:, :, : features - 1 : 2] + 0.6 * noise[:, :, 1::2]
    return (5 + 3 * day * rng.normal(1, 0.3, (cells, 1, features)) + noise).astype(np.float32)


def past(features: int, cells: int = 4) -> TableHistory:
    names = [f"cell-{number}" for number in range(cells)]
    return TableHistory(catalogue(features), names, START_MINUTE, values_of(features, cells))


@pytest.mark.slow
@pytest.mark.parametrize("features", [3, 300])
@pytest.mark.parametrize("kind", ["shared", "tree"])
def test_any_number_of_features_becomes_a_bundle_that_names_what_was_injected(
    kind: str, features: int, tmp_path: Path
) -> None:
    history = past(features)
    plan = UnlabelledPlan(kind, classes=40, each=4, schedule=QUICK, stretches=8)

    bundle = make_unlabelled(history, fit_baseline(history), plan, tmp_path / "bundle")

    read, encoder = open_bundle(tmp_path / "bundle", 0)
    assert read.catalogue == history.catalogue
    assert read.manifest.spec == bundle.manifest.spec
    assert (read.manifest.spec.kind, encoder.count_unsteady_windows(read.golden.windows)) == (kind, 0)
    assert read.manifest.trained_on["faults"] == ("shipped tokens" if kind == "shared" else "synthetic")
    if kind == "shared":
        assert read.manifest.figures["one_shot_accuracy_unseen_synthetic"] > 0.4


@pytest.mark.slow
@pytest.mark.bitwise
def test_the_same_history_and_seed_give_the_same_bundle(tmp_path: Path) -> None:
    history = past(5)
    plan = UnlabelledPlan("tree", classes=40, each=4, schedule=QUICK, stretches=4)

    first, again = (make_unlabelled(history, fit_baseline(history), plan, tmp_path / name) for name in "ab")

    for name, value in first.weights.items():
        np.testing.assert_array_equal(again.weights[name], value)
    np.testing.assert_array_equal(again.normal.bank, first.normal.bank)
    assert again.manifest.figures == first.manifest.figures


def test_the_shipped_tokens_are_those_the_network_asks_for() -> None:
    spec, weights = fit_tokens(shipped_tokens(), 7)

    assert weights["token"].shape == (4, spec.first)
    assert all(value.dtype == np.float32 and np.isfinite(value).all() for value in weights.values())
    again = fit_tokens(shipped_tokens(), 300)[1]["fold"]
    np.testing.assert_allclose(again.T @ again, np.eye(256), atol=1e-4)


def written(folder: Path, features: Catalogue, minutes: int = DAY) -> Path:
    """A history in files, as another tool would write it."""
    values = values_of(len(features), 3, minutes)
    cells = np.repeat(["a", "b", "c"], minutes).tolist()
    minute = np.tile(START_MINUTE + np.arange(minutes), 3)
    write_day(folder, "2026-01-05", cells, minute, values.reshape(-1, len(features)), features.names)
    write_catalogue(features, folder / "catalogue.yaml")
    return folder


@pytest.mark.slow
def test_training_takes_a_history_of_any_catalogue(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    history = written(tmp_path / "history", catalogue(4))

    assert main(["train", "--history", str(history), "--out", str(tmp_path / "bundle")]) == 0

    bundle, _ = open_bundle(tmp_path / "bundle", 0)
    assert bundle.manifest.spec.kind == "shared"
    assert bundle.baseline.cells.tolist() == [b"a", b"b", b"c"]
    assert "4 features, 3 cells" in capfd.readouterr().out


@pytest.mark.slow
def test_adapt_takes_a_shared_encoder_to_another_catalogue(tmp_path: Path) -> None:
    first = written(tmp_path / "first", catalogue(4))
    strange = Catalogue(tuple(replace(feature, name=f"other-{feature.name}") for feature in catalogue(6).features))
    second = written(tmp_path / "second", strange)
    assert main(["train", "--history", str(first), "--out", str(tmp_path / "bundle")]) == 0

    command = ["adapt", "--bundle", str(tmp_path / "bundle"), "--history", str(second), "--stretches", "8"]
    assert main([*command, "--out", str(tmp_path / "mine")]) == 0

    bundle, _ = open_bundle(tmp_path / "mine", 0)
    assert bundle.catalogue == ParquetHistory(second).catalogue
    assert bundle.manifest.spec.dimension == 12


@pytest.mark.parametrize(
    ("asked", "minutes", "sentence"),
    [
        (
            ["--faults", "procedural"],
            DAY,
            "has other features or another period than the simulated network, so no fault",
        ),
        ([], DAY - 60, "the history spans 1380 minutes, and baselines need 1440 at least"),
    ],
)
def test_what_cannot_be_learned_is_refused_with_a_sentence(
    asked: list[str], minutes: int, sentence: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    history = written(tmp_path / "history", catalogue(3), minutes)

    assert main(["train", "--history", str(history), "--out", str(tmp_path / "bundle"), *asked]) == 2

    assert sentence in capfd.readouterr().err


def test_a_shared_encoder_of_procedural_faults_is_refused(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    command = ["train", "--encoder", "shared", "--faults", "procedural", "--out", str(tmp_path / "bundle")]

    assert main(command) == 2

    assert "--encoder shared: is shipped and learns from no faults; leave --faults out." in capfd.readouterr().err
