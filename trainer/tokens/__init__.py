"""What the `shared` encoder brings along: weights that other operators' faults taught, the same for any catalogue."""

from importlib.resources import as_file, files

import numpy as np
from numpy.typing import NDArray

SHIPPED = files("trainer.tokens") / "tokens.npz"


def shipped_tokens() -> dict[str, NDArray[np.float32]]:
    """The arrays of `token_shapes`, by name."""
    with as_file(SHIPPED) as path, np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}
