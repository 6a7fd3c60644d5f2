"""The sheet that every picture is drawn on: its size, its colours, and how times, units and numbers are written."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector.core.features import Feature
from detector.errors import OperatorError

WIDTH, DPI = 1600, 100
"""Pixels, and how many to an inch: text of 12 points is read without zooming."""

INK, FAINT, WEEKEND, BAND, EDGE = "#333333", "#9DB7C9", "#E6E6E6", "#FBE3C0", "#E0A95C"
BLUE, VERMILLION = "#0072B2", "#D55E00"
TYPES = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00")
"""Okabe and Ito's colours, told apart by the colour-blind; one for each type of cell."""

PAGE_INCHES, PAGE_DPI = 10.0, 150
"""A page's column is a thousand pixels wide, and many screens have more than one dot for each."""

STYLE: dict[str, Any] = {
    "font.size": 12,
    "axes.titlesize": 13,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#999999",
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "lines.solid_capstyle": "round",
}

PAGE_STYLE: dict[str, Any] = {**STYLE, "font.size": 10, "axes.titlesize": 10}

UNITS = {"1": "", "idx": "index", "degC": "°C", "0.1 ms": "tenths of ms"}


class PictureError(OperatorError):
    """A picture that cannot be drawn."""


@contextmanager
def sheet(path: Path, height: int) -> Iterator[Any]:
    """A matplotlib figure of WIDTH x height pixels, written as PNG at the end. Needs no display."""
    with _empty(WIDTH / DPI, height / DPI, DPI, STYLE) as (figure, canvas):
        yield figure
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            canvas.print_png(path)
        except OSError as error:
            raise PictureError(f"{path}: cannot be written ({error.strerror}); give another --out.") from None


def draw_png(height: float, draw: Callable[[Any], None]) -> bytes:
    """What `draw` makes of a matplotlib figure of PAGE_INCHES x height inches, for a page, in type like the page's."""
    written = BytesIO()
    with _empty(PAGE_INCHES, height, PAGE_DPI, PAGE_STYLE) as (figure, canvas):
        draw(figure)
        canvas.print_png(written)
    return written.getvalue()


@contextmanager
def _empty(width: float, height: float, dpi: int, style: dict[str, Any]) -> Iterator[tuple[Any, Any]]:
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with matplotlib.rc_context(style):
        figure = Figure(figsize=(width, height), dpi=dpi, layout="constrained")
        yield figure, FigureCanvasAgg(figure)


def times(minute: NDArray[np.int64]) -> NDArray[np.datetime64]:
    """As matplotlib's time axis takes them. # [n] -> [n]"""
    return minute.astype("datetime64[m]")


def day(minute: int) -> str:
    return datetime.fromtimestamp(minute * 60, UTC).strftime("%a %-d %b %Y")


def clock(minute: int) -> str:
    return datetime.fromtimestamp(minute * 60, UTC).strftime("%H:%M")


def unit(feature: Feature) -> str:
    """What a person calls it; what is counted is counted per minute."""
    name = UNITS.get(feature.unit, feature.unit)
    return f"{name} per minute".strip() if feature.kind == "counter" else name


def number(value: float) -> str:
    """Three digits or whole: what one can see in a picture."""
    if np.isnan(value):
        return "nothing"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{float(f'{value:.3g}'):g}"


def write_numbers(axis: Any) -> None:
    """The ticks of a y axis as `number` has them, in place of powers of ten."""
    from matplotlib.ticker import FuncFormatter

    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
