"""What the `shared` encoder brings along: weights that other operators' faults taught, the same for any catalogue."""

from collections.abc import Mapping
from importlib.resources import as_file, files

import numpy as np
from numpy.typing import NDArray

from detector.core.networks.registry import shapes, spec_of
from detector.core.networks.shared import token_shapes
from detector.core.networks.spec import Spec

SHIPPED = files("trainer.pretrained.tokens") / "tokens.npz"


def shipped_tokens() -> dict[str, NDArray[np.float32]]:
    """The arrays of `token_shapes`, by name."""
    with as_file(SHIPPED) as path, np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def fit_tokens(tokens: Mapping[str, NDArray[np.float32]], features: int) -> tuple[Spec, dict[str, NDArray[np.float32]]]:
    """A shared encoder for so many features, but for what is measured in their network.

    Of `tokens` only the arrays of `token_shapes` are taken: any shared bundle's weights will do. Where the tokens are
    too many for a direction, they are folded by random axes, drawn from the number of features alone.
    """
    spec = spec_of("shared", features)
    weights = {name: tokens[name] for name in token_shapes(spec)}
    if "fold" in shapes(spec):
        drawn = np.random.default_rng(features).standard_normal(shapes(spec)["fold"])
        weights["fold"] = np.linalg.qr(drawn)[0].astype(np.float32)
    return spec, weights
