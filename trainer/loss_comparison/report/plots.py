"""Learning curves: one picture for each group of losses and kind of encoder."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from trainer.loss_comparison.few_shot import FEW, MANY, METHODS, Crowd
from trainer.loss_comparison.results import Histogram, Row, Seed
from trainer.metrics.one_shot import WAYS
from trainer.plots.style import BLUE, FAINT, INK, TYPES, VERMILLION, png_figure

HEIGHT = 640
STYLES = ("-", "--", ":")
"""After the colours are used up."""

LEAST_LOSS = 1e-9
"""By which one is divided."""


def draw_curves(rows: Sequence[Row], title: str, path: Path) -> None:
    """Loss, as a share of its beginning, and the one-shot figure; every seed is a line, a loss is a colour."""
    with png_figure(path, HEIGHT) as figure:
        figure.suptitle(title, x=0.01, ha="left", fontsize=16)
        left, right = figure.subplots(1, 2)
        for place, row in enumerate(rows):
            style = {"color": TYPES[place % len(TYPES)], "ls": STYLES[place // len(TYPES) % len(STYLES)]}
            for number, seed in enumerate(row.seeds):
                _draw(left, right, seed, {**style, "label": row.name if number == 0 else None})
        left.axhline(0, color=FAINT, lw=0.8)
        right.axhline(1 / WAYS, color=FAINT, ls="--", lw=1.5, label="chance")
        left.set(xlabel="step", ylabel="loss, 1 at the beginning", title="Loss")
        right.set(xlabel="step", ylabel="named right", title="One-shot on watched classes", ylim=(0, 1))
        for axis in (left, right):
            axis.grid(axis="y", color="#E5E5E5", lw=0.8)
            axis.set_axisbelow(True)
        figure.legend(*right.get_legend_handles_labels(), loc="outside lower center", ncols=4)


def _draw(left: Any, right: Any, seed: Seed, style: dict[str, Any]) -> None:
    curve, failed = seed.curve, seed.state != "trained"
    if curve.loss:
        loss = np.array(curve.loss) / max(curve.loss[0], LEAST_LOSS)
        left.plot(curve.step, loss, lw=1.6, **style)
        if failed:
            left.plot(curve.step[-1], loss[-1], "x", color=style["color"], ms=11, mew=3)
    right.plot(curve.exam_step, curve.one_shot, lw=2, marker="o", ms=3.5, **style)


COLUMNS, PANEL = 4, 320


def draw_distances(rows: Sequence[Row], path: Path) -> None:
    """Of the rows that have any, a panel each."""
    drawn = [(row, row.histogram) for row in rows if row.histogram is not None]
    lines = -(-len(drawn) // COLUMNS)
    with png_figure(path, PANEL * lines + 70) as figure:
        axes = figure.subplots(lines, COLUMNS, squeeze=False).ravel()
        for axis, (row, histogram) in zip(axes, drawn, strict=False):
            _draw_histogram(axis, histogram)
            axis.set_title(f"{row.name}\n{100 * (row.pairs or 0):.1f} % of pairs told right", fontsize=12)
        for axis in axes[len(drawn) :]:
            axis.set_axis_off()
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)


def _draw_histogram(axis: Any, histogram: Histogram) -> None:
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


MARKS = ("o", "s", "^")


def draw_examples(crowd: Crowd, path: Path) -> None:
    with png_figure(path, HEIGHT) as figure:
        left, right = figure.subplots(1, 2)
        _draw_counts(left, crowd)
        _draw_imbalance(right, crowd)


def _draw_counts(axis: Any, crowd: Crowd) -> None:
    examples = [count.examples for count in crowd.counts]
    for place, (method, color, mark) in enumerate(zip(METHODS, (TYPES[1], TYPES[2], TYPES[0]), MARKS, strict=True)):
        share = np.array([count.methods[place].share for count in crowd.counts])
        half = np.array([count.methods[place].half for count in crowd.counts])
        axis.fill_between(examples, share - half, share + half, color=color, alpha=0.2, lw=0)
        axis.plot(examples, share, color=color, marker=mark, ms=7, lw=2, label=method)
    axis.axhline(1 / crowd.classes, color=FAINT, ls="--", lw=1.5, label="chance")
    axis.set_xscale("log")
    axis.set_xticks(examples, [str(one) for one in examples])
    axis.minorticks_off()
    axis.set(xlabel="examples of each class", ylabel="named right", ylim=(0, 1), title="As many of every class")
    axis.grid(axis="y", color="#E5E5E5", lw=0.8)
    axis.legend(loc="best")


def _draw_imbalance(axis: Any, crowd: Crowd) -> None:
    place = np.arange(len(crowd.imbalance))
    sides = (
        (-0.2, f"classes with {MANY} examples", BLUE, None, [(one.common, one.common_half) for one in crowd.imbalance]),
        (0.2, f"classes with {FEW}", VERMILLION, "//", [(one.rare, one.rare_half) for one in crowd.imbalance]),
    )
    for shift, label, color, hatch, told in sides:
        share, half = np.array(told).T
        bars = axis.bar(place + shift, share, 0.38, yerr=half, color=color, alpha=0.75, hatch=hatch, label=label)
        axis.bar_label(bars, [f"{one:.2f}" for one in share], padding=3, fontsize=11)
    axis.set_xticks(place, [one.method.replace(" ", "\n", 1) for one in crowd.imbalance])
    axis.set(ylim=(0, 1.12), ylabel="named right", title="Half of the classes have many, half have few")
    axis.legend(loc="upper center", ncols=2)
