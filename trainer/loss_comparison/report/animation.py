"""The lesson of three classes, as it ends under each loss and as it goes under two of them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainer.loss_comparison.toy_3d import NAMES, ToyRun
from trainer.plots.style import INK, STYLE, TYPES, PictureError, png_figure

COLUMNS, PANEL, HEAD, FOOT = 4, 400, 60, 60
"""Panels side by side, and pixels: the height of one, and what is kept free above and below all."""

COLORS, MARKS = (TYPES[0], TYPES[1], INK), ("o", "^", "s")
"""A mark and a colour for each class: either alone tells them apart."""

GRID = "#D8D8D8"

VIEW, STEEPEST = (22.0, 38.0), 50.0
"""Degrees: elevation and azimuth of the look into a space, and the elevation beyond which a sphere is a disc."""

WIDE, TALL, DPI = 900, 470, 75
"""Pixels of the moving picture: forty of these stay below a megabyte."""
SECONDS, LAST_SECONDS = 0.16, 2.4
"""That a picture stands, and the last one."""


def draw_clusters(lessons: Sequence[ToyRun], path: Path) -> None:
    """Every lesson's end; one that came to none is a panel with its reason."""
    rows = -(-len(lessons) // COLUMNS)
    height = HEAD + PANEL * rows + FOOT
    with png_figure(path, height) as figure:
        figure.set_layout_engine(None)  # it cuts the titles of spaces off
        figure.subplots_adjust(0.01, FOOT / height, 0.99, 1 - HEAD / height, wspace=0.02, hspace=0.2)
        for place, lesson in enumerate(lessons):
            axis = figure.add_subplot(rows, COLUMNS, place + 1, projection="3d")
            axis.set_title(_title(lesson), loc="center", fontsize=12)
            if lesson.seen:
                draw_three(axis, lesson, max(lesson.seen))
            else:
                axis.set_axis_off()
        _legend(figure)


def animate(lessons: Sequence[ToyRun], path: Path) -> None:
    """A few lessons side by side, from the first step to the last, as GIF."""
    import matplotlib
    from matplotlib.animation import PillowWriter
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    steps = sorted(set.intersection(*(set(lesson.seen) for lesson in lessons)))
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(WIDE / DPI, TALL / DPI), dpi=DPI)
        FigureCanvasAgg(figure)
        axes = [figure.add_subplot(1, len(lessons), place + 1, projection="3d") for place in range(len(lessons))]
        figure.subplots_adjust(left=0, right=1, top=0.86, bottom=0.08, wspace=0)
        _legend(figure)
        writer = PillowWriter(fps=round(1 / SECONDS))
        try:
            with writer.saving(figure, str(path), DPI):
                for step in [*steps, *[steps[-1]] * round(LAST_SECONDS / SECONDS)]:
                    for axis, lesson in zip(axes, lessons, strict=True):
                        axis.clear()
                        axis.set_title(f"{lesson.contestant.name}\nstep {step}", loc="center", fontsize=13)
                        draw_three(axis, lesson, step)
                    writer.grab_frame()
        except OSError as error:
            raise PictureError(f"{path}: cannot be written ({error.strerror}); give another --out.") from None


def draw_three(axis: Any, lesson: ToyRun, step: int) -> None:
    """The windows, in the space that the loss's embeddings live in: a sphere, a cube, or whatever they take."""
    points = lesson.seen[step]
    low, high = _bounds(lesson)
    if lesson.embedding == "unit":
        _draw_sphere(axis)
    elif lesson.embedding == "sigmoid":
        _draw_cube(axis)
    for number, (color, mark) in enumerate(zip(COLORS, MARKS, strict=True)):
        x, y, z = points[lesson.label == number].T
        axis.scatter(x, y, z, s=17, c=color, marker=mark, alpha=0.65, lw=0.3, edgecolors="white", depthshade=False)
    for name, edge in (("x", (low[0], high[0])), ("y", (low[1], high[1])), ("z", (low[2], high[2]))):
        axis.set(**{f"{name}lim": edge, f"{name}ticks": [edge[0], edge[1]], f"{name}ticklabels": []})
        getattr(axis, f"{name}axis").set_pane_color((1, 1, 1, 0))
    axis.set_box_aspect((1, 1, 1), zoom=1.35 if lesson.embedding == "unit" else 1.08)
    axis.view_init(*_view(lesson))
    if lesson.embedding != "linear":
        axis.set_axis_off()
    axis.grid(False)


def _bounds(lesson: ToyRun) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Over all of the lesson, so that nothing jumps. # -> [3], [3]"""
    if lesson.embedding == "unit":
        return np.full(3, -1, np.float32), np.ones(3, np.float32)
    if lesson.embedding == "sigmoid":
        return np.zeros(3, np.float32), np.ones(3, np.float32)
    last = lesson.seen[max(lesson.seen)]
    middle, reach = (last.max(axis=0) + last.min(axis=0)) / 2, float(np.ptp(last, axis=0).max()) / 2 or 1.0
    return middle - reach, middle + reach


def _view(lesson: ToyRun) -> tuple[float, float]:
    """Elevation and azimuth: a sphere is looked at from the side where its windows end up."""
    if lesson.embedding != "unit":
        return VIEW
    x, y, z = lesson.seen[max(lesson.seen)].mean(axis=0).tolist()
    steepest = np.radians(STEEPEST)
    elevation = np.clip(np.arctan2(z, np.hypot(x, y)), -steepest, steepest)
    return float(np.degrees(elevation)), float(np.degrees(np.arctan2(y, x)))


def _draw_sphere(axis: Any) -> None:
    around, up = np.linspace(0, 2 * np.pi, 61), np.linspace(0, np.pi, 31)
    axis.plot_wireframe(
        np.outer(np.cos(around), np.sin(up)),
        np.outer(np.sin(around), np.sin(up)),
        np.outer(np.ones_like(around), np.cos(up)),
        color=GRID, lw=0.5, rcount=9, ccount=7,
    )  # fmt: skip


def _draw_cube(axis: Any) -> None:
    for corner in np.ndindex(2, 2, 2):
        for side in range(3):
            if corner[side] == 0:
                other = list(corner)
                other[side] = 1
                axis.plot(*np.array([corner, other]).T, color="#BBBBBB", lw=1)


def _title(lesson: ToyRun) -> str:
    told = f"{lesson.right:.0%} nearest to their own middle" if lesson.right is not None else lesson.state
    told = told if lesson.state == "trained" or lesson.right is None else f"{lesson.state}: {told}"
    return f"{lesson.contestant.name}\n{told}"


def _legend(figure: Any) -> None:
    from matplotlib.lines import Line2D

    marks = [Line2D([], [], color=c, marker=m, ls="", ms=9) for c, m in zip(COLORS, MARKS, strict=True)]
    figure.legend(marks, [name.replace("_", " ") for name in NAMES], loc="lower center", ncols=3, labelcolor=INK)
