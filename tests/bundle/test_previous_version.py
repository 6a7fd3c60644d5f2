"""Bundle, labels and pack of version 0.1.0 are read unchanged: the fixture was written by that version's own code."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from detector.bundle.format import Bundle
from detector.bundle.verification import GOLDEN_SHIFT, GOLDEN_SIZE_TOLERANCE, GOLDEN_TOLERANCE, open_bundle
from detector.core.encoder import Encoder
from detector.labels.embedding import embed_label, label_windows
from detector.labels.label import Label, read_label, write_label
from detector.labels.packs import check_entries, read_pack, write_pack

BEFORE = Path(__file__).parents[1] / "fixtures" / "v0_1"
IDS = sorted(path.stem for path in (BEFORE / "records").iterdir())


@pytest.fixture(scope="module")
def recorded() -> dict[str, Any]:
    """The digests and fields that version 0.1.0 wrote down."""
    found: dict[str, Any] = json.loads((BEFORE / "recorded.json").read_text())
    return found


@pytest.fixture(scope="module")
def arrays() -> dict[str, NDArray[Any]]:
    """The labels' arrays, windows and embeddings that version 0.1.0 wrote down."""
    with np.load(BEFORE / "recorded.npz", allow_pickle=False) as archive:
        return dict(archive)


@pytest.fixture(scope="module")
def opened() -> tuple[Bundle, Encoder]:
    """The bundle, with its golden windows embedded again: `open_bundle` refuses one that embeds otherwise."""
    return open_bundle(BEFORE / "bundle", 0)


def record_bytes(label_id: str) -> bytes:
    return (BEFORE / "records" / f"{label_id}.json").read_bytes()


def read_labels() -> list[Label]:
    return [read_label(record_bytes(label_id)) for label_id in IDS]


def test_the_bundle_opens_with_the_digest_it_was_written_with(
    opened: tuple[Bundle, Encoder], recorded: dict[str, Any]
) -> None:
    bundle, _ = opened

    assert bundle.digest == recorded["bundle"]
    assert bundle.catalogue.digest == recorded["catalogue"]
    assert [vars(feature) for feature in bundle.manifest.features] == recorded["features"]
    assert [name.decode() for name in bundle.baseline.cells.tolist()] == recorded["cells"]


@pytest.mark.parametrize("label_id", IDS)
def test_a_label_has_the_fields_it_was_taught_with(
    label_id: str, recorded: dict[str, Any], arrays: dict[str, NDArray[Any]]
) -> None:
    label = read_label(record_bytes(label_id))

    for name, value in recorded["labels"][label_id].items():
        assert getattr(label, name) == value, name
    assert label.values == arrays[f"{label_id}/values"].astype("<f4").tobytes()
    assert label.baseline == arrays[f"{label_id}/baseline"].astype("<f2").tobytes()


@pytest.mark.parametrize("label_id", IDS)
def test_a_label_written_again_has_the_same_bytes(label_id: str) -> None:
    assert write_label(read_label(record_bytes(label_id))) == record_bytes(label_id)


@pytest.mark.parametrize("label_id", IDS)
def test_a_label_embeds_where_it_did(
    label_id: str, opened: tuple[Bundle, Encoder], arrays: dict[str, NDArray[Any]]
) -> None:
    bundle, encoder = opened
    label = read_label(record_bytes(label_id))
    windows = label_windows(label, bundle.catalogue)
    np.testing.assert_array_equal(windows, arrays[f"{label_id}/windows"])

    now = {name: part.astype(np.float32) for name, part in vars(encoder(windows)).items()}

    then = {name: arrays[f"{label_id}/{name}"].astype(np.float32) for name in now}
    size = np.maximum(then["size"], 1e-3)
    assert np.abs(now["direction"] - then["direction"]).max() <= GOLDEN_TOLERANCE
    assert (np.abs(now["size"] - then["size"]) / size).max() <= GOLDEN_SIZE_TOLERANCE
    assert (np.linalg.norm(now["shift"] - then["shift"], axis=1) / size).max() <= GOLDEN_SHIFT
    exemplar = embed_label(label, bundle.catalogue, encoder).direction.astype(np.float32)
    np.testing.assert_allclose(exemplar, arrays[f"{label_id}/exemplar"], atol=GOLDEN_TOLERANCE)


def test_the_pack_holds_the_records_and_is_written_again_with_its_digest(
    recorded: dict[str, Any], tmp_path: Path
) -> None:
    pack = read_pack(BEFORE / "labels.pack")

    assert (pack.digest, pack.catalogue) == (recorded["pack"], recorded["catalogue"])
    assert sorted(pack.labels) == sorted(record_bytes(label_id) for label_id in IDS)
    again = write_pack(tmp_path / "again.pack", [write_label(label) for label in read_labels()], pack.catalogue)
    assert again.digest == recorded["pack"]


def test_every_label_of_the_pack_is_accepted_as_new(opened: tuple[Bundle, Encoder]) -> None:
    arrived = check_entries(read_pack(BEFORE / "labels.pack"), opened[0].catalogue, {})

    assert [(one.state, one.reason) for one in arrived] == [("new", "")] * len(IDS)
