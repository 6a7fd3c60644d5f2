"""Projection of the embeddings: 64 dimensions on two principal components, one small map for each class.

Principal components are linear. Near points stay near and far points may look near, never the other way round, so a gap
on the map is a gap in the embedding. Curved maps (t-SNE, UMAP) show clusters also where there are none, and others with
every seed.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainer.evaluation.dataset import EvaluationWindows
from trainer.plots.style import BLUE, VERMILLION, draw_png

COLUMNS = 5
OTHERS = "#DDDDDD"


def flatten(directions: NDArray[np.float32], points: NDArray[np.float32]) -> tuple[NDArray[np.float32], float]:
    """Project the points on the two principal components of `directions`; return these and their share of variance.

    # [n, D], [m, D] -> [m, 2]
    """
    centre = directions.mean(axis=0)
    _, spread, axes = np.linalg.svd(directions - centre, full_matrices=False)
    power = spread**2
    return np.asarray((points - centre) @ axes[:2].T), float(power[:2].sum() / max(power.sum(), 1e-12))


def draw_map(
    windows: EvaluationWindows, classes: list[str], directions: NDArray[np.float32], normal: NDArray[np.float32]
) -> tuple[bytes, float]:
    """Return the PNG, and the share of variance that it shows. # directions [Q, D], normal [N, D]"""
    label = np.array([episode.name for episode in windows.episodes])[windows.question_episode]
    is_asked = np.isin(label, classes)
    flat, share = flatten(directions[is_asked], np.concatenate([directions, normal]))
    question_points, normal_points = flat[: len(directions)], flat[len(directions) :]
    panels = [*classes, "normal"]
    rows = -(-len(panels) // COLUMNS)

    def draw(figure: Any) -> None:
        axes = figure.subplots(rows, COLUMNS, sharex=True, sharey=True, squeeze=False).ravel()
        for axis, name in zip(axes, panels, strict=False):
            axis.scatter(*question_points[is_asked].T, s=3, color=OTHERS, lw=0)
            points = normal_points if name == "normal" else question_points[label == name]
            color = VERMILLION if name == "normal" else BLUE
            axis.scatter(*points.T, s=6, color=color, lw=0, alpha=0.6)
            axis.set_title(name, fontsize=9)
        for axis in axes:
            axis.set(xticks=[], yticks=[])
            axis.spines[:].set_visible(False)

    return draw_png(1.75 * rows, draw), share
