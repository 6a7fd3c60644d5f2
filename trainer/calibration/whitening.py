"""Whitening of normal windows and directions of faults: the linear algebra before and behind every network."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detector.core.features import ABSENT, STEPS
from detector.core.networks.inputs import blocks, view
from detector.core.networks.shared import VIEWS, views
from detector.core.networks.spec import Spec
from trainer.data.examples import Examples

RIDGE = 0.01
"""Share of a feature's own variance that is added to it. Measured on faults held back from the training, at another
operator (cosine of whitened means, 4,000 windows): .3 gives .55, .1 .59, .03 .63, .01 .65 and .003 .66. With too small
a ridge, noise passes for shape."""

LEAST = 1e-3
"""Variance in squared spreads that every feature is given: a feature that was never reported has none."""

FEWEST = 10
"""Windows for each feature, below which a covariance is mostly noise."""

LONGEST = 12_000
"""Most normal windows used: a hundred for each of 130 features."""

VIEW_RIDGES = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
"""Shares of the features' mean variance: for views, whose windows may be few."""

FARTHER = 1.25
"""Largest ratio of the whitened size of windows outside the covariance to that of the windows inside."""

LEAST_VIEW_VARIANCE = 1e-5
"""Variance of a constant view: a twentieth of a code's step."""

VIEWED_AT_ONCE = 512


def mean_deviations(windows: NDArray[np.int8]) -> NDArray[np.float32]:
    """Return the mean deviation in spreads; an absent value counts as 0. # int8 [n, 60, F] -> f32 [n, F]"""
    return np.where(windows == ABSENT, 0, windows).mean(axis=1, dtype=np.float32) / np.float32(STEPS)


def whitening(windows: NDArray[np.int8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the centre and the whitening matrix of the mean deviation of normal windows.

    Whitened features are uncorrelated and have a variance of one. Of all such matrices this is ZCA-cor (Kessy et al.
    2018), which keeps the features most like themselves, so that a feature means the same in every network. A feature
    that this network never reports becomes 0, also in a label from another network.

    # int8 [n, 60, F] -> f32 [F], f32 [F, F]
    """
    mean = mean_deviations(windows).astype(np.float64)
    centre = mean.mean(axis=0)
    covariance = np.atleast_2d(np.cov(mean, rowvar=False))  # for one feature, numpy returns a scalar
    reported = np.diag(covariance) > 0
    covariance += np.diag(RIDGE * np.diag(covariance) + LEAST)
    spread = np.sqrt(np.diag(covariance))
    whiten = _inverse_root(covariance / spread / spread[:, None]) / spread[:, None]
    return centre.astype(np.float32), (whiten * reported * reported[:, None]).astype(np.float32)


def view_whitening(windows: NDArray[np.int8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the centre and the whitening matrix of each of the shared encoder's views of normal windows.

    The ridge is the smallest with which windows outside the covariance lie hardly farther out than those inside. A
    catalogue may have many features and few windows; a direction in which these happen not to vary would otherwise
    dominate. The ridge is the same for all features, because the tokens were learned on views whitened in this way.

    # int8 [n, 60, F] -> f32 [4, F], f32 [4, F, F]
    """
    parts = (windows[at : at + VIEWED_AT_ONCE] for at in range(0, len(windows), VIEWED_AT_ONCE))
    values = np.concatenate([np.asarray(views(view(blocks(part)))) for part in parts])
    centre = values.mean(axis=0)
    whiten = [_cross_validated_whitening(values[:, number] - centre[number]) for number in range(VIEWS)]
    return centre, np.stack(whiten)


def _cross_validated_whitening(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the whitening matrix with the smallest sufficient ridge, found on two halves. # [n, F] -> [F, F]"""
    half = np.arange(len(values)) % 2 == 0
    for ridge in VIEW_RIDGES:
        whiten = _whitening_with_ridge(values[half], ridge)
        inside, outside = (np.square(values[part] @ whiten).sum(axis=1).mean() for part in (half, ~half))
        if np.sqrt(outside / max(inside, 1e-12)) <= FARTHER:
            break
    return _whitening_with_ridge(values, ridge).astype(np.float32)


def _whitening_with_ridge(values: NDArray[np.float32], ridge: float) -> NDArray[np.float64]:
    """Return the inverse root of the covariance, with a share of its mean diagonal added to its diagonal."""
    covariance = (values.T.astype(np.float64) @ values) / max(len(values) - 1, 1)
    share = ridge * np.trace(covariance) / len(covariance) + LEAST_VIEW_VARIANCE
    return _inverse_root(covariance + np.eye(len(covariance)) * share)


def _inverse_root(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the symmetric inverse root of a symmetric positive matrix. # [F, F] -> [F, F]"""
    size, axes = np.linalg.eigh(matrix)
    return np.asarray((axes * size**-0.5) @ axes.T)


@dataclass(frozen=True)
class Normality:
    """Centre and whitening of every network in the training, and the directions of its faults."""

    centre: NDArray[np.float32]
    """# [networks, F]"""
    whiten: NDArray[np.float32]
    """# [networks, F, F]"""
    project: NDArray[np.float32]
    """Directions of faults in the first network. # [F, S]"""

    @classmethod
    def of(cls, examples: Examples, spec: Spec) -> "Normality":
        """Measure on the twins; a network with too few of them takes the first network's whitening."""
        parts: list[tuple[NDArray[np.float32], NDArray[np.float32]]] = []
        for number in range(int(examples.network.max()) + 1):
            rows = np.flatnonzero(examples.network == number)
            is_measured = len(rows) >= FEWEST * spec.features or not parts
            parts.append(whitening(examples.twins[rows[:LONGEST]]) if is_measured else parts[0])
        first = np.flatnonzero(examples.network == 0)[:LONGEST]
        axes = fault_axes(examples.windows[first], examples.twins[first], parts[0][1], spec.shift)
        return cls(np.stack([centre for centre, _ in parts]), np.stack([whiten for _, whiten in parts]), axes)


def fault_axes(
    windows: NDArray[np.int8], twins: NDArray[np.int8], whiten: NDArray[np.float32], count: int
) -> NDArray[np.float32]:
    """Return the orthonormal directions along which faults move the whitened mean most, each episode counting alike.

    # int8 [n, 60, F] twice -> f32 [F, count]
    """
    change = (mean_deviations(windows) - mean_deviations(twins)) @ whiten
    change /= np.maximum(np.linalg.norm(change, axis=1, keepdims=True), 1)
    axes = np.linalg.eigh(change.T @ change)[1][:, ::-1][:, :count]
    axes *= np.where(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])] < 0, -1, 1)
    return np.pad(axes, ((0, 0), (0, count - axes.shape[1]))).astype(np.float32)
