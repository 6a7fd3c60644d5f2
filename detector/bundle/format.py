"""What the trainer hands over: a directory of plain arrays, written and read here and nowhere else.

`manifest.json` (catalogue, spec, figures), `weights.npz`, `cells.npy` and `baseline.npy` (memory-mapped), `normal.npz`,
`golden.npz` (windows with their embeddings) and `SHA256SUMS` over all of them. No pickle, no code. Whatever is wrong
with a bundle is found here, before a minute is judged by it.
"""

import os
import shutil
import tempfile
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from detector.bundle.checksums import SUMS, VerifiedFiles, sums_of
from detector.core.encoder import Embeddings
from detector.core.features import WINDOW, Baseline, Catalogue, Feature
from detector.core.networks.registry import NETWORKS, shapes
from detector.core.networks.spec import Spec
from detector.core.scoring.exemplars import NormalProfile
from detector.errors import BundleError

FORMAT = 3


class BundleManifest(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What the arrays are."""

    format: int
    name: str
    features: list[Feature]
    spec: Spec
    loss: str
    step_minutes: int
    trained_on: dict[str, str | int | float]
    figures: dict[str, float]
    catalogue: str = ""
    """Digest of the features in the order the weights know them; empty in bundles that are older than this field."""


@dataclass(frozen=True)
class Golden:
    """Windows whose embeddings are known."""

    windows: NDArray[np.int8]
    """# [n, 60, F]"""
    embeddings: Embeddings


@dataclass(frozen=True)
class Bundle:
    manifest: BundleManifest
    weights: dict[str, NDArray[np.float32]]
    baseline: Baseline
    normal: NormalProfile
    golden: Golden
    digest: str = ""
    """Of the checksums, and so of everything: it names the bundle in alarms and metrics."""

    @property
    def catalogue(self) -> Catalogue:
        return Catalogue(tuple(self.manifest.features))


def write_bundle(bundle: Bundle, path: Path) -> None:
    """Writes a bundle beside `path` and moves it there whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
    manifest = msgspec.structs.replace(bundle.manifest, catalogue=bundle.catalogue.digest)
    try:
        (draft / "manifest.json").write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=1))
        np.savez(draft / "weights.npz", **_loosely(bundle.weights))
        np.save(draft / "cells.npy", bundle.baseline.cells)
        np.save(draft / "baseline.npy", bundle.baseline.table)
        normal = bundle.normal
        np.savez(draft / "normal.npz", bank=normal.bank, ends=normal.ends, **_loosely(vars(normal.stretches)))
        golden = bundle.golden
        np.savez(draft / "golden.npz", windows=golden.windows, **_loosely(vars(golden.embeddings)))
        (draft / SUMS).write_text(sums_of(draft))
        draft.chmod(0o755)
        if path.exists():
            shutil.rmtree(path)
        os.replace(draft, path)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def read_bundle(path: Path) -> Bundle:
    """The bundle at `path`, checked for everything but its arithmetic (see `prove`). Raises BundleError."""
    files = VerifiedFiles(path)
    manifest = _read_manifest(files.content("manifest.json"), path)
    spec = manifest.spec
    if spec.kind not in NETWORKS:
        raise BundleError(
            f"{path}/manifest.json: its encoder is of the kind {spec.kind!r}, and this version knows"
            f" {', '.join(NETWORKS)}; use the version that trained it, or train again.",
            "manifest",
        )
    weights = files.archive("weights.npz", {name: np.dtype(np.float32) for name in shapes(spec)})
    for name, shape in shapes(spec).items():
        if weights[name].shape != shape:
            raise BundleError(f"{path}/weights.npz: {name} is {weights[name].shape}, and the spec needs {shape}.")
        if not np.isfinite(weights[name]).all():
            raise BundleError(f"{path}/weights.npz: {name} holds NaN or infinity; train again.")
    baseline = Baseline(files.array("cells.npy"), files.array("baseline.npy"))
    expected = (len(baseline.cells) + 1, spec.features)
    if baseline.table.ndim != 3 or (baseline.table.shape[0], baseline.table.shape[2]) != expected:
        raise BundleError(
            f"{path}/baseline.npy: is {baseline.table.shape}, and the bundle needs {expected} at its ends."
        )
    _check_baseline(baseline, path)
    half = np.dtype(np.float16)
    embeddings = {field.name: half for field in fields(Embeddings)}
    normal = files.archive("normal.npz", {"bank": half, "ends": np.dtype(np.int64), **embeddings})
    golden = files.archive("golden.npz", {"windows": np.dtype(np.int8), **embeddings})
    step = manifest.step_minutes
    bundle = Bundle(
        manifest,
        weights,
        baseline,
        NormalProfile(normal.pop("bank"), ends=normal.pop("ends"), stretches=Embeddings(**normal), step_minutes=step),
        Golden(golden.pop("windows"), Embeddings(**golden)),
        files.digest,
    )
    _check_shapes(bundle, path)
    return bundle


def _loosely(arrays: dict[str, NDArray[Any]]) -> dict[str, Any]:
    """For numpy's savez, whose stubs take a keyword of its own among the arrays."""
    return dict(arrays)


def _check_baseline(baseline: Baseline, path: Path) -> None:
    cells, table = baseline.cells, baseline.table
    if cells.ndim != 1 or cells.dtype.kind != "S" or not (cells[1:] > cells[:-1]).all():
        raise BundleError(f"{path}/cells.npy: is not a sorted list of different cells; train again.")
    if table.dtype != np.float16 or table.shape[1] < 2 or table.shape[1] % 2:
        raise BundleError(
            f"{path}/baseline.npy: is {table.dtype} {table.shape}, and a bundle needs float16 [C, 2 + 2·H, F]."
        )
    if not (np.isfinite(table).all() and (table[:, 0] > 0).all()):
        raise BundleError(f"{path}/baseline.npy: has a spread that is not positive, or NaN or infinity; train again.")


def _check_shapes(bundle: Bundle, path: Path) -> None:
    """Of what is compared with each other."""
    spec, bank, stretches, golden = bundle.manifest.spec, bundle.normal.bank, bundle.normal.stretches, bundle.golden
    stretch = stretches.direction.shape[:2]
    wanted: dict[str, tuple[NDArray[Any], tuple[int, ...]]] = {
        "normal.npz: bank": (bank, (len(bank), spec.dimension)),
        "normal.npz: ends": (bundle.normal.ends, stretch[:1]),
        "normal.npz: direction": (stretches.direction, (*stretch, spec.dimension)),
        "normal.npz: size": (stretches.size, stretch),
        "normal.npz: shift": (stretches.shift, (*stretch, spec.shift)),
        "golden.npz: windows": (golden.windows, (len(golden.windows), WINDOW, spec.features)),
        "golden.npz: direction": (golden.embeddings.direction, (len(golden.windows), spec.dimension)),
        "golden.npz: size": (golden.embeddings.size, (len(golden.windows),)),
        "golden.npz: shift": (golden.embeddings.shift, (len(golden.windows), spec.shift)),
    }
    for name, (array, shape) in wanted.items():
        if array.shape != shape or not array.size:
            raise BundleError(f"{path}/{name} is {array.shape}, and the bundle needs {shape}; train again.")
        if not np.isfinite(array).all():
            raise BundleError(f"{path}/{name} holds NaN or infinity; train again.")


def _read_manifest(content: bytes, path: Path) -> BundleManifest:
    try:
        manifest = msgspec.json.decode(content, type=BundleManifest)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BundleError(f"{path}/manifest.json: {error}.", "manifest") from None
    features = len(manifest.features)
    if manifest.format != FORMAT:
        raise BundleError(
            f"{path}: has format {manifest.format}, and this version reads {FORMAT}; train it again.", "manifest"
        )
    if manifest.spec.features != features:
        raise BundleError(
            f"{path}/manifest.json: {features} features, and weights for {manifest.spec.features}.", "manifest"
        )
    if manifest.catalogue not in ("", Catalogue(tuple(manifest.features)).digest):
        raise BundleError(
            f"{path}/manifest.json: its features are not those it was trained on, or in another order; train again.",
            "manifest",
        )
    return manifest
