"""Weights and windows drawn at random: of numpy alone, so that a machine with little else installed has them."""

import numpy as np
from numpy.typing import NDArray

from detector.core.features import ABSENT
from detector.core.networks.registry import shapes
from detector.core.networks.spec import Spec


def random_weights(spec: Spec, seed: int = 0) -> dict[str, NDArray[np.float32]]:
    rng = np.random.default_rng(seed)
    drawn = {
        name: (rng.normal(size=shape) / np.sqrt(shape[0])).astype(np.float32) for name, shape in shapes(spec).items()
    }
    return {name: np.abs(value) if name.endswith("_variance") else value for name, value in drawn.items()}


def random_windows(rng: np.random.Generator, count: int, features: int, absent: float = 0.1) -> NDArray[np.int8]:
    """# int8 [count, 60, F]"""
    codes = rng.integers(-127, 128, (count, 60, features))
    return np.where(rng.random(codes.shape) < absent, ABSENT, codes).astype(np.int8)
