"""Plots of the toy training: the final embeddings of each loss, and an animation of two losses."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainer.loss_comparison.toy_3d import TOY_CLASSES, ToyRun
from trainer.plots.style import INK, STYLE, TYPES, PictureError, png_figure

COLUMNS, PANEL, HEAD, FOOT = 4, 400, 60, 60
"""Panels per row, and pixels: height of a panel, and margins above and below all panels."""

COLORS, MARKS = (TYPES[0], TYPES[1], INK), ("o", "^", "s")
"""Colour and mark of each class; each of the two is enough to separate them."""

GRID = "#D8D8D8"

VIEW, MAX_ELEVATION = (22.0, 38.0), 50.0
"""Elevation and azimuth of the view in degrees, and the largest elevation: beyond it a sphere looks like a disc."""

WIDTH, HEIGHT, DPI = 900, 470, 75
"""Size of the animation in pixels: forty frames stay below a megabyte."""
FRAME_SECONDS, LAST_FRAME_SECONDS = 0.16, 2.4
"""Duration of a frame, and of the last one."""


def draw_clusters(runs: Sequence[ToyRun], path: Path) -> None:
    """Draw the final embeddings of each run; a run without one is a panel with its state."""
    rows = -(-len(runs) // COLUMNS)
    height = HEAD + PANEL * rows + FOOT
    with png_figure(path, height) as figure:
        figure.set_layout_engine(None)  # it cuts off the titles of 3-D axes
        figure.subplots_adjust(0.01, FOOT / height, 0.99, 1 - HEAD / height, wspace=0.02, hspace=0.2)
        for position, run in enumerate(runs):
            axis = figure.add_subplot(rows, COLUMNS, position + 1, projection="3d")
            axis.set_title(_title(run), loc="center", fontsize=12)
            if run.frames:
                draw_embedding_3d(axis, run, max(run.frames))
            else:
                axis.set_axis_off()
        _legend(figure)


def write_animation(runs: Sequence[ToyRun], path: Path) -> None:
    """Write the runs side by side, from the first step to the last, as GIF. Raises PictureError."""
    import matplotlib
    from matplotlib.animation import PillowWriter
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    steps = sorted(set.intersection(*(set(run.frames) for run in runs)))
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH / DPI, HEIGHT / DPI), dpi=DPI)
        FigureCanvasAgg(figure)
        axes = [figure.add_subplot(1, len(runs), position + 1, projection="3d") for position in range(len(runs))]
        figure.subplots_adjust(left=0, right=1, top=0.86, bottom=0.08, wspace=0)
        _legend(figure)
        writer = PillowWriter(fps=round(1 / FRAME_SECONDS))
        try:
            with writer.saving(figure, str(path), DPI):
                for step in [*steps, *[steps[-1]] * round(LAST_FRAME_SECONDS / FRAME_SECONDS)]:
                    for axis, run in zip(axes, runs, strict=True):
                        axis.clear()
                        axis.set_title(f"{run.variant.name}\nstep {step}", loc="center", fontsize=13)
                        draw_embedding_3d(axis, run, step)
                    writer.grab_frame()
        except OSError as error:
            raise PictureError(f"{path}: cannot be written ({error.strerror}); give another --out.") from None


def draw_embedding_3d(axis: Any, run: ToyRun, step: int) -> None:
    """Draw the embeddings of a step in the space of the loss: a sphere, a cube, or an unbounded space."""
    points = run.frames[step]
    low, high = _bounds(run)
    if run.embedding == "unit":
        _draw_sphere(axis)
    elif run.embedding == "sigmoid":
        _draw_cube(axis)
    for number, (color, mark) in enumerate(zip(COLORS, MARKS, strict=True)):
        x, y, z = points[run.label == number].T
        axis.scatter(x, y, z, s=17, c=color, marker=mark, alpha=0.65, lw=0.3, edgecolors="white", depthshade=False)
    for name, edge in (("x", (low[0], high[0])), ("y", (low[1], high[1])), ("z", (low[2], high[2]))):
        axis.set(**{f"{name}lim": edge, f"{name}ticks": [edge[0], edge[1]], f"{name}ticklabels": []})
        getattr(axis, f"{name}axis").set_pane_color((1, 1, 1, 0))
    axis.set_box_aspect((1, 1, 1), zoom=1.35 if run.embedding == "unit" else 1.08)
    axis.view_init(*_view(run))
    if run.embedding != "linear":
        axis.set_axis_off()
    axis.grid(False)


def _bounds(run: ToyRun) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the limits of the axes, the same for all steps of a run. # -> [3], [3]"""
    if run.embedding == "unit":
        return np.full(3, -1, np.float32), np.ones(3, np.float32)
    if run.embedding == "sigmoid":
        return np.zeros(3, np.float32), np.ones(3, np.float32)
    last = run.frames[max(run.frames)]
    centre, half_range = (last.max(axis=0) + last.min(axis=0)) / 2, float(np.ptp(last, axis=0).max()) / 2 or 1.0
    return centre - half_range, centre + half_range


def _view(run: ToyRun) -> tuple[float, float]:
    """Return elevation and azimuth; a sphere is viewed from the side of its final embeddings."""
    if run.embedding != "unit":
        return VIEW
    x, y, z = run.frames[max(run.frames)].mean(axis=0).tolist()
    max_elevation = np.radians(MAX_ELEVATION)
    elevation = np.clip(np.arctan2(z, np.hypot(x, y)), -max_elevation, max_elevation)
    return float(np.degrees(elevation)), float(np.degrees(np.arctan2(y, x)))


def _draw_sphere(axis: Any) -> None:
    longitude, colatitude = np.linspace(0, 2 * np.pi, 61), np.linspace(0, np.pi, 31)
    axis.plot_wireframe(
        np.outer(np.cos(longitude), np.sin(colatitude)),
        np.outer(np.sin(longitude), np.sin(colatitude)),
        np.outer(np.ones_like(longitude), np.cos(colatitude)),
        color=GRID, lw=0.5, rcount=9, ccount=7,
    )  # fmt: skip


def _draw_cube(axis: Any) -> None:
    for corner in np.ndindex(2, 2, 2):
        for side in range(3):
            if corner[side] == 0:
                end = list(corner)
                end[side] = 1
                axis.plot(*np.array([corner, end]).T, color="#BBBBBB", lw=1)


def _title(run: ToyRun) -> str:
    result_text = f"{run.right:.0%} nearest to the mean of their own class" if run.right is not None else run.state
    result_text = result_text if run.state == "trained" or run.right is None else f"{run.state}: {result_text}"
    return f"{run.variant.name}\n{result_text}"


def _legend(figure: Any) -> None:
    from matplotlib.lines import Line2D

    marks = [Line2D([], [], color=c, marker=m, ls="", ms=9) for c, m in zip(COLORS, MARKS, strict=True)]
    figure.legend(marks, [name.replace("_", " ") for name in TOY_CLASSES], loc="lower center", ncols=3, labelcolor=INK)
