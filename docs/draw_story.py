"""Draw the picture of the README, `docs/_static/story.svg`, from the demo's own simulated data.

    python docs/draw_story.py            # about a minute: it fits the demo's baselines

Left: the episode that the demo teaches. Right: the same fault in another cell on Monday evening, with the alarms that
the daemon raised. The alarms' times are read from `docs/demo-output.txt`, which is a recorded run of `make demo`.
"""

import re
import sys
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.dates import DateFormatter, HourLocator
from matplotlib.figure import Figure
from numpy.typing import NDArray

from detector.core.features import day_basis
from trainer.data.baselines import fit_baseline
from trainer.demo.story import build_story

DOCS = Path(__file__).parent
STORY = DOCS / "_static" / "story.svg"
OUTPUT = DOCS / "demo-output.txt"

FEATURES = {
    "gtp_lost_dl_pkts": ("packets lost on the backhaul", "per minute", 1.0),
    "ue_thp_dl_kbps": ("user throughput, downlink", "Mbit/s", 1e-3),
    "gtp_jitter_ms": ("jitter on the backhaul", "ms", 1.0),
}
"""The features drawn: title, unit, and factor from the catalogue's unit to it."""

INK, SOFT, USUAL, USUAL_LINE = "#24292f", "#6e7781", "#dbe7f3", "#8fb3d9"
OBSERVED, EPISODE = "#0b5cad", "#fff1dc"
SEVERITY = {"minor": "#f2c14e", "major": "#ee8434", "critical": "#c9302c"}
BEFORE, AFTER = 55, (45, 105)
"""Minutes drawn before an episode, and after it on the left and on the right, where the alarm is cleared."""

STYLE: dict[str, Any] = {
    "font.size": 10.5,
    "font.family": "DejaVu Sans",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#c6cdd5",
    "axes.linewidth": 0.8,
    "text.color": INK,
    "axes.labelcolor": SOFT,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "svg.hashsalt": "faultline",
    "svg.fonttype": "path",
    "path.simplify": True,
}


def main() -> int:
    columns, story = read_columns()
    with matplotlib.rc_context(STYLE):
        figure = draw(columns, read_notification_values(OUTPUT.read_text(), columns[1]["cell"]), story)
        FigureCanvasSVG(figure).print_svg(STORY, metadata={"Date": None, "Creator": "docs/draw_story.py"})
        STORY.write_text(shorten(STORY.read_text()))
        if len(sys.argv) > 1:
            figure.set_dpi(110)
            FigureCanvasAgg(figure).print_png(sys.argv[1])
    return 0


def shorten(svg: str) -> str:
    """Return the same picture with a tenth of a point for the smallest step, and no space at a line's end."""
    tenth = re.compile(r"-?\d+\.\d{2,}")
    paths = re.compile(r' d="[^"]*"')  # and no transform: a scale has two digits that matter
    svg = paths.sub(lambda path: tenth.sub(lambda digits: f"{float(digits[0]):.1f}".removesuffix(".0"), path[0]), svg)
    return re.sub(r"[ \t]+$", "", svg, flags=re.MULTILINE)


def read_columns() -> tuple[list[dict[str, Any]], str]:
    """The two columns: the taught episode, and the first episode of the same fault on the evening."""
    plot = build_story()
    baseline = fit_baseline(plot.past)
    catalogue = plot.past.catalogue
    columns = []
    drawn = ((plot.past, plot.example, AFTER[0]), (plot.evening, plot.same_fault[0], AFTER[1]))
    for history, episode, after in drawn:
        cell = plot.network.names[episode.cell]
        minute = np.arange(episode.begin - BEFORE, episode.end + after)
        values = history.read(np.full(len(minute), episode.cell), minute)
        coefficients = baseline.coefficients(baseline.rows([cell]))[0]  # [2 + 2·H, F]
        usual = day_basis(minute, (len(coefficients) - 2) // 2) @ coefficients[1:]  # [minutes, F]
        features = {}
        for name, (_, _, factor) in FEATURES.items():
            at = catalogue.names.index(name)
            back = np.expm1 if catalogue.features[at].transform == "log1p" else np.asarray
            mean, spread = usual[:, at], coefficients[0, at]
            low, middle, high = (back(mean + width * spread) * factor for width in (-2, 0, 2))
            features[name] = (values[:, at] * factor, np.maximum(low, 0), middle, high)
        columns.append({"cell": cell, "minute": minute, "begin": episode.begin, "end": episode.end, "data": features})
    return columns, plot.example.fault.name


def read_notification_values(output: str, cell: str) -> list[tuple[str, str, str]]:
    """The notifications of one cell in the demo's output: time of day, change, severity."""
    return re.findall(rf"^  (\d\d:\d\d)  (\w+) +{re.escape(cell)} +\w+ +(\w+)", output, re.MULTILINE)


def draw(columns: list[dict[str, Any]], alarms: list[tuple[str, str, str]], name: str) -> Figure:
    figure = Figure(figsize=(10.2, 5.3), facecolor="white")
    rows = len(FEATURES)
    grid = figure.add_gridspec(rows + 1, 2, height_ratios=[1] * rows + [0.36], hspace=0.52, wspace=0.13)
    grid.update(left=0.05, right=0.985, top=0.80, bottom=0.035)
    for place, column in enumerate(columns):
        axes = [figure.add_subplot(grid[row, place]) for row in range(rows)]
        for axis, (feature, (title, unit, _)) in zip(axes, FEATURES.items(), strict=True):
            draw_feature(axis, column, feature, f"{title}, {unit}")
        leave_room(axes)
        if place == 1:
            mark_alarm(axes, column, alarms[0][0])
    draw_alarm(figure.add_subplot(grid[rows, 1]), columns[1], alarms, name)
    draw_legend(figure.add_subplot(grid[rows, 0]))
    heading(figure, 0.05, "1  Taught once", f"Cell {columns[0]['cell']}, Thursday: one episode, named {name}")
    first = alarms[0][0]
    delay = int(first[:2]) * 60 + int(first[3:]) - columns[1]["begin"] % 1440
    heading(
        figure,
        0.547,
        "2  Recognised in another cell",
        f"Cell {columns[1]['cell']}, Monday: named {delay} minutes after it began",
    )
    return figure


def heading(figure: Figure, left: float, title: str, text: str) -> None:
    figure.text(left, 0.945, title, fontsize=15, fontweight="bold", ha="left")
    figure.text(left, 0.898, text, fontsize=10, color=SOFT, ha="left")


def times(minute: NDArray[np.int64]) -> NDArray[np.datetime64]:
    return np.asarray(minute).astype("datetime64[m]")


def draw_feature(axis: Any, column: dict[str, Any], feature: str, title: str) -> None:
    observed, low, middle, high = column["data"][feature]
    minute = times(column["minute"])
    axis.axvspan(times(column["begin"]), times(column["end"]), color=EPISODE, lw=0)
    axis.fill_between(minute, low, high, color=USUAL, lw=0)
    axis.plot(minute, middle, color=USUAL_LINE, lw=1)
    axis.plot(minute, observed, color=OBSERVED, lw=1.3)
    axis.set_title(title, loc="left", fontsize=9.5, color=INK, pad=4)
    clock(axis, minute)
    axis.set_ylim(bottom=0)
    axis.locator_params(axis="y", nbins=3)
    axis.grid(axis="y", color="#eef1f4", lw=0.8)
    axis.set_axisbelow(True)


def clock(axis: Any, minute: Any) -> None:
    axis.set_xlim(minute[0], minute[-1])
    axis.xaxis.set_major_locator(HourLocator())
    axis.xaxis.set_major_formatter(DateFormatter("%H:%M"))
    axis.tick_params(length=3, width=0.8)


def leave_room(axes: list[Any]) -> None:
    """Give each feature room above its largest value."""
    for axis in axes:
        axis.set_ylim(0, axis.get_ylim()[1] * 1.08)
    for axis in axes[:-1]:
        axis.tick_params(labelbottom=False)


def draw_alarm(axis: Any, column: dict[str, Any], alarms: list[tuple[str, str, str]], name: str) -> None:
    """The alarm as a bar from its first notification to its clearance, coloured by severity."""
    midnight = column["begin"] // 1440 * 1440
    marks = [(midnight + int(at[:2]) * 60 + int(at[3:]), severity) for at, _, severity in alarms]
    last = column["minute"][-1]
    for (begin, severity), (end, _) in zip(marks, [*marks[1:], (last, "")], strict=True):
        if severity in SEVERITY:
            span = (times(begin), times(min(end, last)))
            axis.axvspan(*span, 0.12, 0.88, color=SEVERITY[severity], lw=0)
    clock(axis, times(column["minute"]))
    axis.set_ylim(0, 1)
    axis.set_yticks([])
    axis.spines[["left", "bottom"]].set_visible(False)
    axis.set_title("the alarm: minor, major, critical", loc="left", fontsize=9.5, color=INK, pad=4)
    axis.tick_params(labelbottom=False, length=0)
    begin, end = marks[0][0], min(marks[-1][0], last)
    text: dict[str, Any] = {"transform": axis.get_xaxis_transform(), "va": "center", "fontsize": 9.5}
    severity = next(severity for _, severity in reversed(marks) if severity in SEVERITY)
    axis.text(times((begin + end) // 2), 0.47, f"{name}: {severity}", ha="center", color="white", **text)
    axis.text(times(begin - 2), 0.47, f"new at {alarms[0][0]}", ha="right", color=INK, **text)
    if marks[-1][0] <= last:
        axis.text(times(end + 2), 0.47, "cleared", ha="left", color=INK, **text)


def mark_alarm(axes: list[Any], column: dict[str, Any], at: str) -> None:
    """A line through every feature at the minute of the alarm."""
    minute = column["begin"] // 1440 * 1440 + int(at[:2]) * 60 + int(at[3:])
    for axis in axes:
        axis.axvline(times(minute), color=SEVERITY["critical"], lw=1.1, ls=(0, (3, 2)))


def draw_legend(axis: Any) -> None:
    axis.set_axis_off()
    axis.set_xlim(0, 1)
    axis.set_ylim(0, 1)
    axis.plot([0.0, 0.06], [0.5, 0.5], color=OBSERVED, lw=1.6)
    axis.text(0.075, 0.5, "reported", va="center", fontsize=9.5, color=SOFT)
    axis.fill_between([0.24, 0.30], 0.25, 0.75, color=USUAL, lw=0)
    axis.plot([0.24, 0.30], [0.5, 0.5], color=USUAL_LINE, lw=1)
    axis.text(0.315, 0.5, "usual for this cell and hour", va="center", fontsize=9.5, color=SOFT)
    axis.fill_between([0.77, 0.83], 0.2, 0.8, color=EPISODE, lw=0)
    axis.text(0.845, 0.5, "the fault", va="center", fontsize=9.5, color=SOFT)


if __name__ == "__main__":
    sys.exit(main())
