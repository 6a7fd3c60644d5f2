"""What normal life varies in, and what faults do beside it: the linear algebra before and behind every network."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detector.core.features import ABSENT, STEPS
from detector.core.networks.spec import Spec
from trainer.windows import Examples

RIDGE = 0.01
"""Of a feature's own variance, added to it. On faults held back from the training, .3 gives .55, .1 .59, .03 .63, .01
.65 and .003 .66 at another operator (cosine of whitened means, 4,000 windows); too little, and noise passes for shape.
"""

LEAST = 1e-3
"""Variance in squared spreads that every feature is given: one never reported has none."""

FEWEST = 10
"""Windows for each feature, below which a covariance is mostly noise."""

LONGEST = 12_000
"""Normal windows looked at: a hundred for each of 130 features."""


def mean_deviations(windows: NDArray[np.int8]) -> NDArray[np.float32]:
    """In spreads, 0 where nothing was reported. # int8 [n, 60, F] -> f32 [n, F]"""
    return np.where(windows == ABSENT, 0, windows).mean(axis=1, dtype=np.float32) / np.float32(STEPS)


def whitening(windows: NDArray[np.int8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Centre and whitening of the mean deviation of normal windows: turned and scaled by these, no two features are
    correlated and each has a variance of one. Of all such, the one whose features stay most like themselves (ZCA-cor,
    Kessy et al. 2018), so that a feature means the same in every network. One that this network never reports says
    nothing, also in a label that comes from elsewhere.

    # int8 [n, 60, F] -> f32 [F], f32 [F, F]
    """
    mean = mean_deviations(windows).astype(np.float64)
    centre = mean.mean(axis=0)
    covariance = np.cov(mean, rowvar=False).reshape(len(centre), -1)
    told = np.diag(covariance) > 0
    covariance += np.diag(RIDGE * np.diag(covariance) + LEAST)
    spread = np.sqrt(np.diag(covariance))
    variance, axes = np.linalg.eigh(covariance / spread / spread[:, None])
    whiten = (axes * variance**-0.5) @ axes.T / spread[:, None]
    return centre.astype(np.float32), (whiten * told * told[:, None]).astype(np.float32)


@dataclass(frozen=True)
class Normality:
    """The normal life of every network that is learned in."""

    centre: NDArray[np.float32]
    """# [networks, F]"""
    whiten: NDArray[np.float32]
    """# [networks, F, F]"""
    project: NDArray[np.float32]
    """Directions in which faults go. # [F, S]"""

    @classmethod
    def of(cls, examples: Examples, spec: Spec) -> "Normality":
        """Measured on the twins; a network with too few of them is taken for like the first."""
        parts: list[tuple[NDArray[np.float32], NDArray[np.float32]]] = []
        for number in range(int(examples.network.max()) + 1):
            rows = np.flatnonzero(examples.network == number)
            known = len(rows) >= FEWEST * spec.features or not parts
            parts.append(whitening(examples.twins[rows[:LONGEST]]) if known else parts[0])
        first = np.flatnonzero(examples.network == 0)[:LONGEST]
        axes = fault_axes(examples.windows[first], examples.twins[first], parts[0][1], spec.shift)
        return cls(np.stack([centre for centre, _ in parts]), np.stack([whiten for _, whiten in parts]), axes)


def fault_axes(
    windows: NDArray[np.int8], twins: NDArray[np.int8], whiten: NDArray[np.float32], count: int
) -> NDArray[np.float32]:
    """Orthonormal directions along which faults move the whitened mean most, each episode counting alike.

    # int8 [n, 60, F] twice -> f32 [F, count]
    """
    change = (mean_deviations(windows) - mean_deviations(twins)) @ whiten
    change /= np.maximum(np.linalg.norm(change, axis=1, keepdims=True), 1)
    axes = np.linalg.eigh(change.T @ change)[1][:, ::-1][:, :count]
    axes *= np.where(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])] < 0, -1, 1)
    return np.pad(axes, ((0, 0), (0, count - axes.shape[1]))).astype(np.float32)
