"""Format of a bundle: a directory of plain arrays from the trainer, written and read only by this module.

It holds `manifest.json` (catalogue, spec, figures), `weights.npz`, `cells.npy` and `baseline.npy` (memory-mapped),
`normal.npz`, `golden.npz` (windows with their embeddings), `SHA256SUMS` over all of them, and `SHA256SUMS.sig` where
it is signed. It holds no pickle and no
code. A defect of a bundle is reported here, before the bundle judges a minute.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from detector.bundle.checksums import SIGNATURES, SUMS, VerifiedFiles, sums_of
from detector.bundle.recognition import BUNDLE
from detector.bundle.serving_link import record_previous
from detector.config.catalogue_rules import reading_mistakes
from detector.core.encoder import Embeddings
from detector.core.features import WINDOW, Baseline, Catalogue, Feature
from detector.core.networks.registry import NETWORKS, shapes
from detector.core.networks.spec import Spec
from detector.core.scoring.exemplars import NormalProfile
from detector.core.vocabulary import PERIODS, STAMPS
from detector.errors import BundleError
from detector.malformed_json import MALFORMED_JSON
from detector.output.folders import replaced_folder
from detector.signatures import PublicKey, SigningKey

FORMAT = 3
"""Version of the format; a bundle of another version is refused."""


class BundleManifest(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Content of `manifest.json`: it says what the arrays mean."""

    format: int
    name: str
    features: list[Feature]
    spec: Spec
    loss: str
    step_minutes: int
    trained_on: dict[str, str | int | float]
    figures: dict[str, float]
    catalogue: str = ""
    """Digest of the features in the order of the weights; empty in bundles that are older than this field."""
    period_minutes: int = 1
    """Granularity period of the feed; bundles that are older than this field are of one minute."""
    stamp: str = "begin"

    @property
    def feature_catalogue(self) -> Catalogue:
        return Catalogue(tuple(self.features), self.period_minutes, self.stamp)


@dataclass(frozen=True)
class Golden:
    """Golden windows, with the embeddings that the trainer computed of them."""

    windows: NDArray[np.int8]
    """# [n, 60, F]"""
    embeddings: Embeddings


@dataclass(frozen=True)
class Bundle:
    """Bundle in memory; the arrays of its baseline are memory-mapped."""

    manifest: BundleManifest
    weights: dict[str, NDArray[np.float32]]
    baseline: Baseline
    normal: NormalProfile
    golden: Golden
    digest: str = ""
    """Digest of the checksums, and therefore of all files; it identifies the bundle in alarms and metrics."""

    @property
    def catalogue(self) -> Catalogue:
        return self.manifest.feature_catalogue


def write_bundle(bundle: Bundle, path: Path, signer: SigningKey | None = None) -> None:
    """Write the bundle beside `path`, signed if there is a key, then put it there in one step.

    Only a bundle or nothing is replaced. A link to a bundle is pointed at the new one, and the bundle before it stays.
    Raises OutputError.
    """
    manifest = msgspec.structs.replace(bundle.manifest, catalogue=bundle.catalogue.digest)
    previous = path.resolve() if path.is_symlink() else None
    with replaced_folder(path, BUNDLE) as draft:
        (draft / "manifest.json").write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=1))
        np.savez(draft / "weights.npz", **_keyword_arrays(bundle.weights))
        np.save(draft / "cells.npy", bundle.baseline.cells)
        np.save(draft / "baseline.npy", bundle.baseline.table)
        normal = bundle.normal
        np.savez(draft / "normal.npz", bank=normal.bank, ends=normal.ends, **_keyword_arrays(vars(normal.stretches)))
        golden = bundle.golden
        np.savez(draft / "golden.npz", windows=golden.windows, **_keyword_arrays(vars(golden.embeddings)))
        (draft / SUMS).write_text(sums_of(draft))
        if signer is not None:
            (draft / SIGNATURES).write_bytes(signer.sign((draft / SUMS).read_bytes()))
    if previous is not None:
        record_previous(path, previous)


def read_bundle(path: Path, trusted: Sequence[PublicKey] = ()) -> Bundle:
    """Return the bundle at `path`, checked except for its arithmetic (see `verify_encoder`).

    With trusted keys, one of them must have signed it. Raises BundleError.
    """
    files = VerifiedFiles(path, trusted)
    manifest = _read_manifest(files.content("manifest.json"), path)
    half = np.dtype(np.float16)
    embeddings = {field.name: half for field in fields(Embeddings)}
    weights = _read_weights(files, manifest.spec, path)
    baseline = _read_baseline(files, manifest.spec, path)
    normal = files.archive("normal.npz", {"bank": half, "ends": np.dtype(np.int64), **embeddings})
    golden = files.archive("golden.npz", {"windows": np.dtype(np.int8), **embeddings})
    bundle = Bundle(
        manifest=manifest,
        weights=weights,
        baseline=baseline,
        normal=NormalProfile(
            bank=normal.pop("bank"),
            ends=normal.pop("ends"),
            stretches=Embeddings(**normal),
            step_samples=manifest.step_minutes // manifest.period_minutes,
        ),
        golden=Golden(golden.pop("windows"), Embeddings(**golden)),
        digest=files.digest,
    )
    _check_shapes(bundle, path)
    return bundle


def _keyword_arrays(arrays: dict[str, NDArray[Any]]) -> dict[str, Any]:
    """Return the arrays, typed for numpy's savez: its stubs take `allow_pickle` for one of the arrays."""
    return dict(arrays)


def _read_weights(files: VerifiedFiles, spec: Spec, path: Path) -> dict[str, NDArray[np.float32]]:
    if spec.kind not in NETWORKS:
        raise BundleError(
            f"{path}/manifest.json: its encoder is of the kind {spec.kind!r}, and this version knows"
            f" {', '.join(NETWORKS)}; use the version that trained it, or train again.",
            "manifest",
        )
    weights = files.archive("weights.npz", {name: np.dtype(np.float32) for name in shapes(spec)})
    for name, shape in shapes(spec).items():
        if weights[name].shape != shape:
            raise BundleError(
                f"{path}/weights.npz: {name} is {weights[name].shape}, and the spec needs {shape}; train again."
            )
        if not np.isfinite(weights[name]).all():
            raise BundleError(f"{path}/weights.npz: {name} holds NaN or infinity; train again.")
    return weights


def _read_baseline(files: VerifiedFiles, spec: Spec, path: Path) -> Baseline:
    baseline = Baseline(files.array("cells.npy"), files.array("baseline.npy"))
    cells, table = baseline.cells, baseline.table
    expected = (len(cells) + 1, spec.features)
    if table.ndim != 3 or (table.shape[0], table.shape[2]) != expected:
        raise BundleError(
            f"{path}/baseline.npy: is {table.shape}, and the bundle needs {expected} as first and last dimension;"
            " train again."
        )
    if cells.ndim != 1 or cells.dtype.kind != "S" or not (cells[1:] > cells[:-1]).all():
        raise BundleError(f"{path}/cells.npy: is not a sorted list of different cells; train again.")
    if table.dtype != np.float16 or table.shape[1] < 2 or table.shape[1] % 2:
        raise BundleError(
            f"{path}/baseline.npy: is {table.dtype} {table.shape}, and a bundle needs float16 [C, 2 + 2·H, F];"
            " train again."
        )
    if not (np.isfinite(table).all() and (table[:, 0] > 0).all()):
        raise BundleError(f"{path}/baseline.npy: has a spread that is not positive, or NaN or infinity; train again.")
    return baseline


def _check_shapes(bundle: Bundle, path: Path) -> None:
    """Check the shapes of the normal profile and of the golden windows against the spec. Raises BundleError."""
    spec, bank, stretches, golden = bundle.manifest.spec, bundle.normal.bank, bundle.normal.stretches, bundle.golden
    stretch = stretches.direction.shape[:2]
    expected: dict[str, tuple[NDArray[Any], tuple[int, ...]]] = {
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
    for name, (array, shape) in expected.items():
        if array.shape != shape or not array.size:
            raise BundleError(
                f"{path}/{name} is {array.shape}, and the bundle needs {shape}, none of them 0; train again."
            )
        if not np.isfinite(array).all():
            raise BundleError(f"{path}/{name} holds NaN or infinity; train again.")


def _check_times(manifest: BundleManifest, path: Path) -> None:
    """Check the period and what depends on it. Raises BundleError."""
    period, step = manifest.period_minutes, manifest.step_minutes
    if period not in PERIODS or manifest.stamp not in STAMPS:
        raise BundleError(
            f"{path}/manifest.json: has a period of {period} minutes and stamp {manifest.stamp!r}; this version"
            f" knows the periods {', '.join(map(str, PERIODS))} and the stamps {', '.join(STAMPS)}; train again.",
            "manifest",
        )
    if step < period or step % period:
        raise BundleError(
            f"{path}/manifest.json: its stretches have a sample every {step} minutes, no multiple of the period"
            f" of {period} minutes; train again.",
            "manifest",
        )


def _read_manifest(content: bytes, path: Path) -> BundleManifest:
    try:
        manifest = msgspec.json.decode(content, type=BundleManifest)
    except MALFORMED_JSON as error:
        raise BundleError(
            f"{path}/manifest.json: cannot be read ({error}); copy the bundle again.", "manifest"
        ) from None
    features = len(manifest.features)
    if manifest.format != FORMAT:
        raise BundleError(
            f"{path}: has format {manifest.format}, and this version reads {FORMAT}; train again.", "manifest"
        )
    if manifest.spec.features != features:
        raise BundleError(
            f"{path}/manifest.json: lists {features} features, and the spec has {manifest.spec.features}; train again.",
            "manifest",
        )
    _check_times(manifest, path)
    for _, text in reading_mistakes([vars(feature) for feature in manifest.features]):
        raise BundleError(f"{path}/manifest.json: {text.removesuffix('.')}; train again.", "manifest")
    if manifest.catalogue not in ("", manifest.feature_catalogue.digest):
        raise BundleError(
            f"{path}/manifest.json: its features, or their order, differ from those of the training; train again.",
            "manifest",
        )
    return manifest
