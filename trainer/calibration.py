"""What normal is, for one network: the size's yardstick, a bank of normal directions, stretches of ordinary life.

Nothing here needs a label or a gradient: it is how an encoder is made at home in another network.
"""

import numpy as np
from numpy.typing import NDArray

from detector.core.encoder import Embeddings, Encoder
from detector.core.features import ABSENT, STEPS, Baseline
from detector.core.library import Normal
from detector.core.networks.kinds import shapes
from detector.core.networks.shared import VIEWS, views
from detector.core.networks.spec import Spec
from detector.core.networks.views import SQUASH, blocks
from detector.core.turns import WINDOW
from trainer.history import History
from trainer.windows import cut_windows

BANK = 512
STEP_MINUTES = 5
STRETCH_WINDOWS = 29
"""Windows of one stretch: two hours and a smoothing before them."""

STRETCHES_AT_ONCE = 64
RIDGE = 0.3
"""Of the diagonal, added to the covariance of normal windows: features that hardly vary are not worth a needle."""

RIDGES = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
FARTHER = 1.25
LEAST_VARIANCE = 1e-5
"""Of a feature that never moves: a twentieth of a code's step."""


def measured(spec: Spec, windows: NDArray[np.int8]) -> dict[str, NDArray[np.float32]]:
    """The weights that no training gives: what normal windows of this network say. # int8 [n, 60, F]"""
    centre, whiten = measure_size(windows)
    if "view_whiten" not in shapes(spec):
        return {"centre": centre, "whiten": whiten}
    view_centre, view_whiten = measure_views(windows)
    return {"centre": centre, "whiten": whiten, "view_centre": view_centre, "view_whiten": view_whiten}


def measure_size(windows: NDArray[np.int8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Centre and whitening of the mean deviation of normal windows, so that a normal window has size about 1.

    # int8 [n, 60, F] -> f32 [F], f32 [F, F]
    """
    mean = np.where(windows == ABSENT, 0, windows.astype(np.float32)).mean(axis=1) * np.float32(SQUASH / STEPS)
    centre = mean.mean(axis=0)
    covariance = np.atleast_2d(np.cov(mean - centre, rowvar=False))
    covariance += np.diag(RIDGE * np.diag(covariance) + 1e-4)
    whiten = np.linalg.cholesky(np.linalg.inv(covariance))
    size = np.linalg.norm((mean - centre) @ whiten, axis=1)
    ordinary = float(np.median(size)) or 1.0  # 0 where nothing ever moves
    return centre.astype(np.float32), (whiten / ordinary).astype(np.float32)


def measure_views(windows: NDArray[np.int8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Centre and whitening of each of the shared encoder's views of normal windows.

    Symmetric, so that each feature stays its own. The ridge is the smallest with which windows that had no part in it
    lie hardly farther out than those that had: with few windows for many features every direction that they happen
    not to vary in would be a needle. # int8 [n, 60, F] -> f32 [4, F], f32 [4, F, F]
    """
    seen = np.concatenate([np.asarray(views(blocks(windows[at : at + 512]))) for at in range(0, len(windows), 512)])
    centre = seen.mean(axis=0)
    return centre, np.stack([_whitening(seen[:, view] - centre[view]) for view in range(VIEWS)])


def _whitening(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """# [n, F] -> [F, F]"""
    half = np.arange(len(values)) % 2 == 0
    for ridge in RIDGES:
        whiten = _symmetric(values[half], ridge)
        inside, outside = (np.square(values[part] @ whiten).sum(axis=1).mean() for part in (half, ~half))
        if np.sqrt(outside / max(inside, 1e-12)) <= FARTHER:
            break
    return _symmetric(values, ridge).astype(np.float32)


def _symmetric(values: NDArray[np.float32], ridge: float) -> NDArray[np.float64]:
    """The inverse root of the covariance, with a share of its mean diagonal added to its diagonal."""
    covariance = (values.T.astype(np.float64) @ values) / max(len(values) - 1, 1)
    covariance += np.eye(len(covariance)) * (ridge * np.trace(covariance) / len(covariance) + LEAST_VARIANCE)
    size, axes = np.linalg.eigh(covariance)
    return np.asarray((axes / np.sqrt(size)) @ axes.T)


def normal_windows(history: History, baseline: Baseline, count: int, rng: np.random.Generator) -> NDArray[np.int8]:
    """Windows from anywhere in the history, taken as normal: what is rare in it stays rare among them."""
    cell = rng.integers(len(history.cells), size=count)
    end = rng.integers(history.span[0] + WINDOW - 1, history.span[1], size=count)
    return cut_windows(history, baseline, cell, end)


def survey(history: History, baseline: Baseline, encoder: Encoder, stretches: int, rng: np.random.Generator) -> Normal:
    """The bank and the stretches of a network, embedded."""
    bank = encoder(normal_windows(history, baseline, BANK, rng)).direction
    minutes = WINDOW + (STRETCH_WINDOWS - 1) * STEP_MINUTES
    cell = rng.permutation(np.arange(stretches) % len(history.cells))
    end = rng.integers(history.span[0] + minutes - 1, history.span[1], size=stretches)
    parts = []
    for start in range(0, stretches, STRETCHES_AT_ONCE):
        part = slice(start, start + STRETCHES_AT_ONCE)
        codes = cut_windows(history, baseline, cell[part], end[part], minutes)
        windows = np.lib.stride_tricks.sliding_window_view(codes, WINDOW, axis=1)[:, ::STEP_MINUTES]
        parts.append(encoder(np.ascontiguousarray(windows.swapaxes(2, 3)).reshape(-1, WINDOW, codes.shape[2])))
    direction = np.concatenate([part.direction for part in parts]).reshape(stretches, STRETCH_WINDOWS, -1)
    size = np.concatenate([part.size for part in parts]).reshape(stretches, STRETCH_WINDOWS)
    return Normal(bank, Embeddings(direction, size), STEP_MINUTES)
