"""What can go wrong with a bundle on its way to a running daemon: each a change of a good copy, with its reason."""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from msgspec.structs import replace as replaced

from detector.bundle.checksums import FILES, SUMS, sums_of
from detector.bundle.format import Golden, read_bundle, write_bundle


def flip_a_bit(path: Path) -> None:
    content = bytearray((path / "weights.npz").read_bytes())
    content[len(content) // 2] ^= 1
    (path / "weights.npz").write_bytes(content)


def truncate(path: Path) -> None:
    os.truncate(path / "baseline.npy", (path / "baseline.npy").stat().st_size // 2)


def break_json(path: Path) -> None:
    (path / "manifest.json").write_text('{"format": 2,')
    sign(path)


def lose_a_file(path: Path) -> None:
    (path / "normal.npz").unlink()


def link_out(path: Path) -> None:
    """Of the right content, and yet not the bundle's own."""
    outside = path.parent / "outside.npz"
    shutil.move(path / "golden.npz", outside)
    (path / "golden.npz").symlink_to(outside)


def traverse(path: Path) -> None:
    (path / SUMS).write_text((path / SUMS).read_text().replace("  cells.npy", "  ../../cells.npy"))


def swap_two_features(path: Path) -> None:
    def change(manifest: dict[str, list[object]]) -> None:
        manifest["features"][:2] = reversed(manifest["features"][:2])

    change_manifest(path, change)


def rename_a_feature(path: Path) -> None:
    """Another catalogue, and consistent with itself: a start would take it."""
    bundle = read_bundle(path)
    first, *rest = bundle.manifest.features
    manifest = replaced(bundle.manifest, features=[replace(first, name="subscribers"), *rest])
    write_bundle(replace(bundle, manifest=manifest), path)


def shorten_windows(path: Path) -> None:
    bundle = read_bundle(path)
    golden = Golden(np.ascontiguousarray(bundle.golden.windows[:, 1:]), bundle.golden.embeddings)
    write_bundle(replace(bundle, golden=golden), path)


def lose_a_dimension(path: Path) -> None:
    bundle = read_bundle(path)
    write_bundle(replace(bundle, normal=replace(bundle.normal, bank=bundle.normal.bank[:, :-1])), path)


def spoil_a_weight(path: Path) -> None:
    bundle = read_bundle(path)
    hidden = bundle.weights["hidden"].copy()
    hidden[0, 0] = np.nan
    write_bundle(replace(bundle, weights={**bundle.weights, "hidden": hidden}), path)


def take_another_s_weights(path: Path) -> None:
    bundle = read_bundle(path)
    other = {name: weights + np.float32(0.1) for name, weights in bundle.weights.items()}
    write_bundle(replace(bundle, weights=other), path)


def leave_nothing(path: Path) -> None:
    for name in (*FILES, SUMS):
        (path / name).unlink()


BREAKS: dict[str, tuple[Callable[[Path], None], str]] = {
    "a bit of the weights flipped": (flip_a_bit, "checksum"),
    "a baseline cut in half": (truncate, "checksum"),
    "a manifest that is not JSON": (break_json, "manifest"),
    "a file missing": (lose_a_file, "files"),
    "a link out of the directory": (link_out, "files"),
    "checksums of a path elsewhere": (traverse, "checksum"),
    "features in another order": (swap_two_features, "manifest"),
    "windows of another length": (shorten_windows, "arrays"),
    "a bank of another dimension": (lose_a_dimension, "arrays"),
    "a weight that is NaN": (spoil_a_weight, "arrays"),
    "weights of another training": (take_another_s_weights, "arithmetic"),
    "an empty directory": (leave_nothing, "files"),
}
"""What a start refuses, and a running daemon."""


def sign(path: Path) -> None:
    """Makes the checksums those of what lies there now."""
    (path / SUMS).write_text(sums_of(path))


def change_manifest(path: Path, change: Callable[[dict[str, list[object]]], object]) -> None:
    manifest = json.loads((path / "manifest.json").read_text())
    change(manifest)
    (path / "manifest.json").write_text(json.dumps(manifest))
    sign(path)
