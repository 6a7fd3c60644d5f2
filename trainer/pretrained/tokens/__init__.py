"""Tokens of the `shared` encoder: weights learned from other operators' faults, the same for any catalogue."""

from collections.abc import Mapping
from importlib.resources import as_file, files

import numpy as np
from numpy.typing import NDArray

from detector.core.networks.registry import shapes, spec_of
from detector.core.networks.shared import token_shapes
from detector.core.networks.spec import Spec

SHIPPED = files("trainer.pretrained.tokens") / "tokens.npz"
"""File of the shipped tokens."""


def shipped_tokens() -> dict[str, NDArray[np.float32]]:
    """Return the arrays of `token_shapes`, by name."""
    with as_file(SHIPPED) as path, np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def fit_tokens(tokens: Mapping[str, NDArray[np.float32]], features: int) -> tuple[Spec, dict[str, NDArray[np.float32]]]:
    """Return a shared encoder for this number of features, without the arrays that are estimated from a network.

    `tokens` may be any shared bundle's weights; only the arrays of `token_shapes` are used. If the tokens exceed the
    dimension of a direction, random axes project them; the axes depend on the number of features alone.
    """
    spec = spec_of("shared", features)
    weights = {name: tokens[name] for name in token_shapes(spec)}
    if "fold" in shapes(spec):
        axes = np.random.default_rng(features).standard_normal(shapes(spec)["fold"])
        weights["fold"] = np.linalg.qr(axes)[0].astype(np.float32)
    return spec, weights
