"""Learning curves: one picture for each group of losses and kind of encoder."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from trainer.comparing.rows import Row, Seed
from trainer.metrics.one_shot import WAYS
from trainer.plots.style import FAINT, TYPES, sheet

HEIGHT = 640
STYLES = ("-", "--", ":")
"""After the colours are used up."""

LEAST_LOSS = 1e-9
"""By which one is divided."""


def draw_curves(rows: Sequence[Row], title: str, path: Path) -> None:
    """Loss, as a share of its beginning, and the one-shot figure; every seed is a line, a loss is a colour."""
    with sheet(path, HEIGHT) as figure:
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
