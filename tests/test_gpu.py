"""What `make gpu` proves on a GPU, run on this machine's CPU; and what it says where there is no GPU."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from detector.bundle.format import write_bundle
from tests.gpu import __main__ as gpu
from tests.gpu.devices import find
from tests.service.network import build_bundle

ROOT = Path(__file__).parents[1]


@pytest.mark.skipif(find() is not None, reason="there is a GPU here")
def test_without_a_gpu_one_line_says_so_and_nothing_has_failed() -> None:
    done = subprocess.run([sys.executable, "-m", "tests.gpu"], capture_output=True, text=True, check=True, cwd=ROOT)

    assert done.stdout == "no GPU that tensorflow, torch or jax can use here: nothing was measured.\n"


@pytest.fixture
def bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_bundle(build_bundle(), tmp_path / "bundle")
    return tmp_path / "bundle"


def test_the_same_embeddings_are_a_proof(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert gpu.prove("tensorflow", bundle, (64, 128), 0) == 0
    figures = json.loads(Path("build/gpu.json").read_text())
    assert figures["golden"] < gpu.TOLERANCE
    assert figures["transformer"]["off"] < gpu.TOLERANCE
    assert "golden windows embed within" in capsys.readouterr().out


def test_other_embeddings_are_none(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with np.load(bundle / "weights.npz") as archive:
        weights = dict(archive)
    weights["out_bias"] += np.arange(len(weights["out_bias"]), dtype=np.float32)
    np.savez(bundle / "weights.npz", **weights)

    assert gpu.prove("tensorflow", bundle, (64, 128), 0) == 1
    assert "away from what a CPU computes, and 0.001 are allowed." in capsys.readouterr().out
