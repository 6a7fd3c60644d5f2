"""Distances of pairs of one class and of two, as each loss measures them, with the cut-off between."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from trainer.comparing.rows import Histogram, Row
from trainer.plots.style import BLUE, INK, VERMILLION, sheet

COLUMNS, PANEL = 4, 320


def draw_distances(rows: Sequence[Row], path: Path) -> None:
    """Of the rows that have any, a panel each."""
    drawn = [(row, row.histogram) for row in rows if row.histogram is not None]
    lines = -(-len(drawn) // COLUMNS)
    with sheet(path, PANEL * lines + 70) as figure:
        axes = figure.subplots(lines, COLUMNS, squeeze=False).ravel()
        for axis, (row, histogram) in zip(axes, drawn, strict=False):
            _draw(axis, histogram)
            axis.set_title(f"{row.name}\n{100 * (row.pairs or 0):.1f} % of pairs told right", fontsize=12)
        for axis in axes[len(drawn) :]:
            axis.set_axis_off()
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)


def _draw(axis: Any, histogram: Histogram) -> None:
    edges = np.array(histogram.edges)
    for shares, color, label, pattern in (
        (histogram.different, VERMILLION, "windows of two classes", "////"),
        (histogram.same, BLUE, "windows of one class", None),
    ):
        axis.stairs(shares, edges, fill=True, color=color, alpha=0.28, lw=0, hatch=pattern, label=label)
        axis.stairs(shares, edges, color=color, lw=1.6)
    axis.axvline(histogram.cut, color=INK, lw=1.4, ls="--", label="cut-off")
    axis.set(yticks=[], xlim=(edges[0], edges[-1]), ylim=(0, None))
    axis.set_xlabel("probability of one class" if histogram.is_probability else "distance")
    axis.spines["left"].set_visible(False)
