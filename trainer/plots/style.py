"""Common style of all plots: size, colours, and the format of times, units and numbers."""

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
from detector.output.files import whole_file
from detector.output.judgement import judge
from detector.output.kinds import contains_early, file_kind

WIDTH, DPI = 1600, 100
"""Width in pixels, and pixels per inch: text of 12 points is readable without zoom."""

INK, FAINT, WEEKEND, BAND, EDGE = "#333333", "#9DB7C9", "#E6E6E6", "#FBE3C0", "#E0A95C"
BLUE, VERMILLION = "#0072B2", "#D55E00"
TYPES = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00")
"""Colours of the cell types: Okabe and Ito's, which colour-blind readers can separate."""

PAGE_INCHES, PAGE_DPI = 10.0, 150
"""Width and resolution of a plot in a page: the column has 1,000 pixels, and many screens have more dots."""

STYLE: dict[str, Any] = {
    "text.parse_math": False,  # a cell may be named $x$
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


SOFTWARE = "Faultline"
"""Mark in a picture of ours, by which it is recognised before another one takes its place."""

PICTURE = file_kind("a picture of this command", contains_early(b"Software\0Faultline", within=200))


class PictureError(OperatorError):
    """Picture that cannot be drawn or written."""


@contextmanager
def png_figure(path: Path, height: int) -> Iterator[Any]:
    """Yield a matplotlib figure of WIDTH x height pixels, and write it as PNG at the end. Needs no display.

    Raises OutputError for a file at `path` that is no picture of ours.
    """
    if path.parent.is_dir():
        judge(path, PICTURE)
    with _empty_figure(WIDTH / DPI, height / DPI, DPI, STYLE) as (figure, canvas):
        yield figure
        try:
            with whole_file(path) as file:
                canvas.print_png(file, metadata={"Software": SOFTWARE})
        except OSError as error:
            raise PictureError(f"{path}: cannot be written ({error.strerror}); give another --out.") from None


def draw_png(height: float, draw: Callable[[Any], None]) -> bytes:
    """Return the PNG that `draw` makes of a figure of PAGE_INCHES x height inches, in the font size of a page."""
    buffer = BytesIO()
    with _empty_figure(PAGE_INCHES, height, PAGE_DPI, PAGE_STYLE) as (figure, canvas):
        draw(figure)
        canvas.print_png(buffer)
    return buffer.getvalue()


@contextmanager
def _empty_figure(width: float, height: float, dpi: int, style: dict[str, Any]) -> Iterator[tuple[Any, Any]]:
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with matplotlib.rc_context(style):
        figure = Figure(figsize=(width, height), dpi=dpi, layout="constrained")
        yield figure, FigureCanvasAgg(figure)


def to_datetimes(minute: NDArray[np.int64]) -> NDArray[np.datetime64]:
    """Return minutes as the datetimes of a matplotlib axis. # [n] -> [n]"""
    return minute.astype("datetime64[m]")


def format_day(minute: int) -> str:
    """Return the UTC day of a minute, such as `Mon 5 Jan 2026`."""
    return datetime.fromtimestamp(minute * 60, UTC).strftime("%a %-d %b %Y")


def format_clock(minute: int) -> str:
    """Return the UTC time of a minute, such as `18:05`."""
    return datetime.fromtimestamp(minute * 60, UTC).strftime("%H:%M")


def unit_label(feature: Feature) -> str:
    """Return the unit of a feature for a reader; counters are per minute."""
    name = UNITS.get(feature.unit, feature.unit)
    return f"{name} per minute".strip() if feature.kind == "counter" else name


def format_number(value: float) -> str:
    """Return a number with three digits, or as an integer from 1,000 on; NaN is `nothing`."""
    if np.isnan(value):
        return "nothing"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{float(f'{value:.3g}'):g}"


def format_y_ticks(axis: Any) -> None:
    """Format the ticks of a y axis with `format_number`, in place of powers of ten."""
    from matplotlib.ticker import FuncFormatter

    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: format_number(value)))
