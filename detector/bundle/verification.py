"""Bundle verification: golden windows are embedded again before a bundle may serve."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from detector.bundle.format import Bundle, read_bundle
from detector.core.encoder import Embeddings, Encoder, backend, device
from detector.errors import BundleError
from detector.native_stderr import silence_native_stderr
from detector.process.libraries import raising_library
from detector.process.limits import require_encoder_host
from detector.signatures import PublicKey
from detector.terminal import status
from detector.text import truncate

GOLDEN_TOLERANCE = 1e-4 + 2**-11
"""Largest difference of an embedding's direction between machines: 1e-4 of arithmetic, and half precision's step for
numbers near 1."""

GOLDEN_SIZE_TOLERANCE = 2**-9
"""Largest relative difference of an embedding's size between machines."""

GOLDEN_SHIFT = 2**-6
"""Largest length of the difference of two shifts, in sizes: about fifty coordinates, each rounded."""


def open_bundle(path: Path, threads: int, trusted: Sequence[PublicKey] = ()) -> tuple[Bundle, Encoder]:
    """Return the bundle at `path` and its encoder, compiled and verified, as a start needs it. Raises BundleError."""
    bundle = read_bundle(path, trusted)
    return bundle, start_encoder(bundle, path, threads)


def start_encoder(bundle: Bundle, path: Path, threads: int) -> Encoder:
    """Start TensorFlow, and return the encoder of a bundle that is read already. Raises BundleError."""
    require_encoder_host()
    with status("starting the encoder"):
        with silence_native_stderr():
            _check_backend(path)  # first: with a backend that Keras does not know, TensorFlow does not start either
            device()
        return warm_encoder(bundle, path, threads)


def warm_encoder(bundle: Bundle, path: Path, threads: int) -> Encoder:
    """Return the bundle's encoder, compiled and verified. Raises BundleError."""
    encoder = Encoder(bundle.manifest.spec, bundle.weights, threads)
    verify_encoder(bundle, encoder, path)
    return encoder


def verify_encoder(bundle: Bundle, encoder: Encoder, path: Path) -> None:
    """Run the encoder on the golden windows. Raises BundleError where its embeddings differ from the trainer's."""
    golden = bundle.golden
    unsteady = encoder.count_unsteady_windows(golden.windows)
    if unsteady:
        raise BundleError(
            f"{path}: on this machine {unsteady} of its {len(golden.windows)} golden windows have embeddings that"
            " depend on the batch, so decisions could not be repeated; run on another processor or another version of"
            " TensorFlow.",
            "arithmetic",
        )
    for name, (difference, allowed) in _differences(encoder(golden.windows), golden.embeddings).items():
        if not difference <= allowed:
            raise BundleError(
                f"{path}: its golden windows embed {difference:.2g} away from what the trainer recorded ({name},"
                f" allowed {allowed:.2g}); the weights are not those of this bundle, so copy the bundle again.",
                "arithmetic",
            )


def _differences(computed: Embeddings, recorded: Embeddings) -> dict[str, tuple[float, float]]:
    """Return the largest difference of each part of the embeddings, with its tolerance."""
    difference = {
        name: part.astype(np.float32) - getattr(recorded, name).astype(np.float32)
        for name, part in vars(computed).items()
    }
    size = np.maximum(recorded.size.astype(np.float32), 1e-3)
    return {
        "direction": (float(np.abs(difference["direction"]).max()), GOLDEN_TOLERANCE),
        "size": (float((np.abs(difference["size"]) / size).max()), GOLDEN_SIZE_TOLERANCE),
        "shift": (float((np.linalg.norm(difference["shift"], axis=1) / size).max()), GOLDEN_SHIFT),
    }


def _check_backend(path: Path) -> None:
    try:
        name = backend()
    except (ImportError, ValueError) as error:  # a backend that is not installed, and one that Keras does not know
        if raising_library(error) != "keras" or getattr(error, "name", None) == "tensorflow":
            raise
        raise BundleError(
            f"{path}: Keras does not start ({truncate(' '.join(str(error).split()), 200)}); set"
            " KERAS_BACKEND=tensorflow."
        ) from None
    if name != "tensorflow":
        raise BundleError(
            f"{path}: Keras computes with {name} here, and the detector needs tensorflow; set KERAS_BACKEND=tensorflow."
        )
