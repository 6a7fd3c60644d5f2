"""Bundle verification: golden windows are embedded again before a bundle may serve."""

from pathlib import Path

import numpy as np

from detector.bundle.format import Bundle, read_bundle
from detector.core.encoder import Embeddings, Encoder, backend, device
from detector.errors import BundleError
from detector.native_stderr import silence_native_stderr

GOLDEN_TOLERANCE = 1e-4 + 2**-11
"""What an embedding may differ between machines: 1e-4 of arithmetic, and half precision's step for numbers near 1."""

GOLDEN_SIZE_TOLERANCE = 2**-9
"""Likewise for the size, relative."""

GOLDEN_SHIFT = 2**-6
"""Likewise for the length of the shift's change, in sizes: some fifty coordinates, each rounded."""


def open_bundle(path: Path, threads: int) -> tuple[Bundle, Encoder]:
    """The bundle at `path` and its encoder, warm and proven: what a start needs, and a check. Raises BundleError."""
    bundle = read_bundle(path)
    return bundle, start_encoder(bundle, path, threads)


def start_encoder(bundle: Bundle, path: Path, threads: int) -> Encoder:
    """Start TensorFlow, and return the encoder of a bundle that is read already. Raises BundleError."""
    with silence_native_stderr():
        device()
        _check_backend(path)
    return warm_encoder(bundle, path, threads)


def warm_encoder(bundle: Bundle, path: Path, threads: int) -> Encoder:
    """The bundle's encoder, compiled and proven. Raises BundleError."""
    encoder = Encoder(bundle.manifest.spec, bundle.weights, threads)
    verify_encoder(bundle, encoder, path)
    return encoder


def verify_encoder(bundle: Bundle, encoder: Encoder, path: Path) -> None:
    """Warms the encoder up on the golden windows. Raises BundleError where it computes others than the trainer did."""
    golden = bundle.golden
    unsteady = encoder.unsteady_windows(golden.windows)
    if unsteady:
        raise BundleError(
            f"{path}: on this machine {unsteady} of its windows embed differently by batch, so verdicts could not be"
            " repeated; run on another processor or another version of TensorFlow.",
            "arithmetic",
        )
    for name, (off, allowed) in _differences(encoder(golden.windows), golden.embeddings).items():
        if not off <= allowed:
            raise BundleError(
                f"{path}: its golden windows embed {off:.2g} away from what the trainer recorded ({name}, allowed"
                f" {allowed:.2g}); the weights are not those it was trained with.",
                "arithmetic",
            )


def _differences(here: Embeddings, right: Embeddings) -> dict[str, tuple[float, float]]:
    """The largest of each part, and what is allowed."""
    off = {name: part.astype(np.float32) - getattr(right, name).astype(np.float32) for name, part in vars(here).items()}
    size = np.maximum(right.size.astype(np.float32), 1e-3)
    return {
        "direction": (float(np.abs(off["direction"]).max()), GOLDEN_TOLERANCE),
        "size": (float((np.abs(off["size"]) / size).max()), GOLDEN_SIZE_TOLERANCE),
        "shift": (float((np.linalg.norm(off["shift"], axis=1) / size).max()), GOLDEN_SHIFT),
    }


def _check_backend(path: Path) -> None:
    try:
        here = backend()
    except ImportError as error:
        raise BundleError(f"{path}: Keras does not start ({error}); set KERAS_BACKEND=tensorflow.") from None
    if here != "tensorflow":
        raise BundleError(
            f"{path}: Keras computes with {here} here, and the detector with tensorflow; set KERAS_BACKEND=tensorflow."
        )
