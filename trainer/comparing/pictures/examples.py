"""Nearest exemplar, nearest mean and classifier by the number of examples, and under imbalance."""

from pathlib import Path
from typing import Any

import numpy as np

from trainer.comparing.examples import FEW, MANY, METHODS, Crowd
from trainer.plots.style import BLUE, FAINT, TYPES, VERMILLION, sheet

HEIGHT = 640
MARKS = ("o", "s", "^")


def draw_examples(crowd: Crowd, path: Path) -> None:
    with sheet(path, HEIGHT) as figure:
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
