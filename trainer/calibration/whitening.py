"""What normal life varies in, and what faults do beside it: the linear algebra before and behind every network."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detector.core.features import ABSENT, STEPS
from detector.core.networks.inputs import blocks, view
from detector.core.networks.shared import VIEWS, views
from detector.core.networks.spec import Spec
from trainer.data.examples import Examples

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

VIEW_RIDGES = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
"""Of the features' mean variance: for views, whose windows may be few."""

FARTHER = 1.25
LEAST_VIEW_VARIANCE = 1e-5
"""Of a view that never moves: a twentieth of a code's step."""

VIEWED_AT_ONCE = 512


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
    covariance = np.atleast_2d(np.cov(mean, rowvar=False))  # of one feature numpy gives a mere number
    told = np.diag(covariance) > 0
    covariance += np.diag(RIDGE * np.diag(covariance) + LEAST)
    spread = np.sqrt(np.diag(covariance))
    whiten = _inverse_root(covariance / spread / spread[:, None]) / spread[:, None]
    return centre.astype(np.float32), (whiten * told * told[:, None]).astype(np.float32)


def view_whitening(windows: NDArray[np.int8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Centre and whitening of each of the shared encoder's views of normal windows.

    Its ridge is the smallest with which windows that had no part in it lie hardly farther out than those that had: any
    catalogue may have many features and few windows, and then every direction that these happen not to vary in would be
    a needle. It is one for all features, for the tokens were learned on views whitened so.

    # int8 [n, 60, F] -> f32 [4, F], f32 [4, F, F]
    """
    parts = (windows[at : at + VIEWED_AT_ONCE] for at in range(0, len(windows), VIEWED_AT_ONCE))
    seen = np.concatenate([np.asarray(views(view(blocks(part)))) for part in parts])
    centre = seen.mean(axis=0)
    return centre, np.stack([_believed(seen[:, number] - centre[number]) for number in range(VIEWS)])


def _believed(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """# [n, F] -> [F, F]"""
    half = np.arange(len(values)) % 2 == 0
    for ridge in VIEW_RIDGES:
        whiten = _evenly_ridged(values[half], ridge)
        inside, outside = (np.square(values[part] @ whiten).sum(axis=1).mean() for part in (half, ~half))
        if np.sqrt(outside / max(inside, 1e-12)) <= FARTHER:
            break
    return _evenly_ridged(values, ridge).astype(np.float32)


def _evenly_ridged(values: NDArray[np.float32], ridge: float) -> NDArray[np.float64]:
    """The inverse root of the covariance, with a share of its mean diagonal added to its diagonal."""
    covariance = (values.T.astype(np.float64) @ values) / max(len(values) - 1, 1)
    share = ridge * np.trace(covariance) / len(covariance) + LEAST_VIEW_VARIANCE
    return _inverse_root(covariance + np.eye(len(covariance)) * share)


def _inverse_root(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Symmetric and positive, both. # [F, F] -> [F, F]"""
    size, axes = np.linalg.eigh(matrix)
    return np.asarray((axes * size**-0.5) @ axes.T)


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
