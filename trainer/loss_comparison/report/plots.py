"""Plots of the report: learning curves, histograms of distances, and few-shot shares."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from trainer.loss_comparison.few_shot import FEW, MANY, METHODS, FewShotComparison
from trainer.loss_comparison.results import Histogram, ResultRow, SeedResult
from trainer.metrics.one_shot import WAYS
from trainer.plots.style import BLUE, FAINT, INK, TYPES, VERMILLION, png_figure

HEIGHT = 640
STYLES = ("-", "--", ":")
"""Line styles, used in turn after all colours."""

LEAST_LOSS = 1e-9
"""Smallest divisor of a loss."""


def draw_curves(rows: Sequence[ResultRow], title: str, path: Path) -> None:
    """Draw the loss, relative to its first value, and the one-shot figure: a line per seed, a colour per loss."""
    with png_figure(path, HEIGHT) as figure:
        figure.suptitle(title, x=0.01, ha="left", fontsize=16)
        left, right = figure.subplots(1, 2)
        for position, row in enumerate(rows):
            style = {"color": TYPES[position % len(TYPES)], "ls": STYLES[position // len(TYPES) % len(STYLES)]}
            for number, seed in enumerate(row.seeds):
                _draw(left, right, seed, {**style, "label": row.name if number == 0 else None})
        left.axhline(0, color=FAINT, lw=0.8)
        right.axhline(1 / WAYS, color=FAINT, ls="--", lw=1.5, label="chance")
        left.set(xlabel="step", ylabel="loss, 1 at the beginning", title="Loss")
        right.set(xlabel="step", ylabel="named right", title="One-shot on validation classes", ylim=(0, 1))
        for axis in (left, right):
            axis.grid(axis="y", color="#E5E5E5", lw=0.8)
            axis.set_axisbelow(True)
        figure.legend(*right.get_legend_handles_labels(), loc="outside lower center", ncols=4)


def _draw(left: Any, right: Any, seed: SeedResult, style: dict[str, Any]) -> None:
    curve, failed = seed.curve, seed.state != "trained"
    if curve.loss:
        loss = np.array(curve.loss) / max(curve.loss[0], LEAST_LOSS)
        left.plot(curve.step, loss, lw=1.6, **style)
        if failed:
            left.plot(curve.step[-1], loss[-1], "x", color=style["color"], ms=11, mew=3)
    right.plot(curve.exam_step, curve.one_shot, lw=2, marker="o", ms=3.5, **style)


COLUMNS, PANEL = 4, 320
"""Panels per row, and the height of a panel in pixels."""


def draw_distances(rows: Sequence[ResultRow], path: Path) -> None:
    """Draw a histogram for each row that has one."""
    rows_with_histogram = [(row, row.histogram) for row in rows if row.histogram is not None]
    panel_rows = -(-len(rows_with_histogram) // COLUMNS)
    with png_figure(path, PANEL * panel_rows + 70) as figure:
        axes = figure.subplots(panel_rows, COLUMNS, squeeze=False).ravel()
        for axis, (row, histogram) in zip(axes, rows_with_histogram, strict=False):
            _draw_histogram(axis, histogram)
            axis.set_title(f"{row.name}\n{100 * (row.pairs or 0):.1f} % of pairs classified right", fontsize=12)
        for axis in axes[len(rows_with_histogram) :]:
            axis.set_axis_off()
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)


def _draw_histogram(axis: Any, histogram: Histogram) -> None:
    edges = np.array(histogram.edges)
    for shares, color, label, hatch in (
        (histogram.different, VERMILLION, "windows of two classes", "////"),
        (histogram.same, BLUE, "windows of one class", None),
    ):
        axis.stairs(shares, edges, fill=True, color=color, alpha=0.28, lw=0, hatch=hatch, label=label)
        axis.stairs(shares, edges, color=color, lw=1.6)
    axis.axvline(histogram.cut, color=INK, lw=1.4, ls="--", label="cut-off")
    axis.set(yticks=[], xlim=(edges[0], edges[-1]), ylim=(0, None))
    axis.set_xlabel("probability of one class" if histogram.is_probability else "distance")
    axis.spines["left"].set_visible(False)


MARKS = ("o", "s", "^")
"""Marks of the methods."""


def draw_examples(comparison: FewShotComparison, path: Path) -> None:
    """Draw the shares of all methods by number of examples, and under imbalance."""
    with png_figure(path, HEIGHT) as figure:
        left, right = figure.subplots(1, 2)
        _draw_counts(left, comparison)
        _draw_imbalance(right, comparison)


def _draw_counts(axis: Any, comparison: FewShotComparison) -> None:
    examples = [count.examples for count in comparison.counts]
    for position, (method, color, mark) in enumerate(zip(METHODS, (TYPES[1], TYPES[2], TYPES[0]), MARKS, strict=True)):
        share = np.array([count.methods[position].share for count in comparison.counts])
        half = np.array([count.methods[position].half for count in comparison.counts])
        axis.fill_between(examples, share - half, share + half, color=color, alpha=0.2, lw=0)
        axis.plot(examples, share, color=color, marker=mark, ms=7, lw=2, label=method)
    axis.axhline(1 / comparison.classes, color=FAINT, ls="--", lw=1.5, label="chance")
    axis.set_xscale("log")
    axis.set_xticks(examples, [str(number) for number in examples])
    axis.minorticks_off()
    axis.set(xlabel="examples of each class", ylabel="named right", ylim=(0, 1), title="As many of every class")
    axis.grid(axis="y", color="#E5E5E5", lw=0.8)
    axis.legend(loc="best")


def _draw_imbalance(axis: Any, comparison: FewShotComparison) -> None:
    position = np.arange(len(comparison.imbalance))
    sides = (
        (
            -0.2,
            f"classes with {MANY} examples",
            BLUE,
            None,
            [(method.common, method.common_half) for method in comparison.imbalance],
        ),
        (
            0.2,
            f"classes with {FEW}",
            VERMILLION,
            "//",
            [(method.rare, method.rare_half) for method in comparison.imbalance],
        ),
    )
    for shift, label, color, hatch, pairs in sides:
        share, half = np.array(pairs).T
        bars = axis.bar(position + shift, share, 0.38, yerr=half, color=color, alpha=0.75, hatch=hatch, label=label)
        axis.bar_label(bars, [f"{value:.2f}" for value in share], padding=3, fontsize=11)
    axis.set_xticks(position, [imbalance.method.replace(" ", "\n", 1) for imbalance in comparison.imbalance])
    axis.set(ylim=(0, 1.12), ylabel="named right", title="Half of the classes have many, half have few")
    axis.legend(loc="upper center", ncols=2)
