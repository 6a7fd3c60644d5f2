"""Where the embeddings lie: 64 numbers laid flat on two, one small map for each class.

The two are principal components. They are linear: near stays near and far may look near, never the other way round, so
a gap on the map is a gap. A map that bends (t-SNE, UMAP) shows prettier islands, also where there are none, and others
with every seed.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainer.evaluation.dataset import EvaluationWindows
from trainer.plots.style import BLUE, VERMILLION, draw_png

COLUMNS = 5
OTHERS = "#DDDDDD"


def flatten(directions: NDArray[np.float32], of: NDArray[np.float32]) -> tuple[NDArray[np.float32], float]:
    """`of` along the two directions in which `directions` vary most, and the share of variance these have.

    # [n, D], [m, D] -> [m, 2]
    """
    centre = directions.mean(axis=0)
    _, spread, axes = np.linalg.svd(directions - centre, full_matrices=False)
    power = spread**2
    return np.asarray((of - centre) @ axes[:2].T), float(power[:2].sum() / max(power.sum(), 1e-12))


def draw_map(
    cut: EvaluationWindows, classes: list[str], directions: NDArray[np.float32], normal: NDArray[np.float32]
) -> tuple[bytes, float]:
    """The picture, and the share of variance that it shows. # directions [Q, D], normal [N, D]"""
    label = np.array([one.name for one in cut.episodes])[cut.asked_of]
    asked = np.isin(label, classes)
    flat, share = flatten(directions[asked], np.concatenate([directions, normal]))
    places, usual = flat[: len(directions)], flat[len(directions) :]
    panels = [*classes, "normal"]
    rows = -(-len(panels) // COLUMNS)

    def draw(figure: Any) -> None:
        axes = figure.subplots(rows, COLUMNS, sharex=True, sharey=True, squeeze=False).ravel()
        for axis, name in zip(axes, panels, strict=False):
            axis.scatter(*places[asked].T, s=3, color=OTHERS, lw=0)
            mine = usual if name == "normal" else places[label == name]
            color = VERMILLION if name == "normal" else BLUE
            axis.scatter(*mine.T, s=6, color=color, lw=0, alpha=0.6)
            axis.set_title(name, fontsize=9)
        for axis in axes:
            axis.set(xticks=[], yticks=[])
            axis.spines[:].set_visible(False)

    return draw_png(1.75 * rows, draw), share
