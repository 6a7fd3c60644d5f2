"""Pictures of the figures: shares by minutes, what was taken for what, what became of the episodes."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainer.evaluation.baseline_methods import ENCODER
from trainer.evaluation.dataset import SINCE_ONSET
from trainer.evaluation.replay import EpisodeOutcome
from trainer.metrics.nearest_exemplar import OneShotResult
from trainer.plots.style import BLUE, INK, TYPES, draw_png

MARKS = ("o", "s", "^", "D", "v")
"""Lines are told apart without their colours, too."""

OUTCOME_COLORS = {"right": "#0072B2", "misnamed": "#D55E00", "unknown": "#F0C36D", "missed": "#DDDDDD"}
"""Colours that every eye tells apart, and that differ in lightness where ink is black."""

WRITTEN = 0.1
"""Shares from here on are written into their field of the matrix."""

DARK = 0.55
"""From there on white letters are read better."""


def draw_minutes(chance: float, by_case: Mapping[str, Mapping[str, OneShotResult]]) -> bytes:
    """By case and method: share named right against the minutes of its episode that the question has seen."""

    def draw(figure: Any) -> None:
        axes = figure.subplots(1, len(by_case), sharey=True, squeeze=False)[0]
        for axis, (case, by_method) in zip(axes, by_case.items(), strict=True):
            for place, (method, named) in enumerate(by_method.items()):
                _draw_line(axis, named, method, place, len(by_method))
            axis.axhline(chance, color="#999999", lw=1, ls=":", label="chance")
            axis.set(title=case, xscale="log", xlabel="minutes of the fault in the window", ylim=(0, 1))
            axis.set_xticks(SINCE_ONSET, [str(minutes) for minutes in SINCE_ONSET])
            axis.minorticks_off()
            axis.grid(axis="y", color="#E5E5E5", lw=0.8)
            axis.set_axisbelow(True)
        axes[0].set_ylabel("named right, mean over classes")
        lines, words = axes[0].get_legend_handles_labels()
        order = [*range(1, len(words)), 0]  # matplotlib has what bears no interval first
        figure.legend([lines[at] for at in order], [words[at] for at in order], loc="outside upper left", ncols=5)

    return draw_png(4.4, draw)


def _draw_line(axis: Any, named: OneShotResult, method: str, place: int, of: int) -> None:
    figures = np.array([named.right[f"{minutes} minutes"] for minutes in SINCE_ONSET])
    x = np.array(SINCE_ONSET) * 1.035 ** (place - (of - 1) / 2)  # beside one another, that intervals are seen
    error = np.abs(figures[:, 1:].T - figures[:, 0])
    axis.errorbar(
        x,
        figures[:, 0],
        error,
        label=method,
        color=TYPES[place % len(TYPES)],
        marker=MARKS[place % len(MARKS)],
        ms=5,
        lw=2.4 if method == ENCODER else 1.2,
        elinewidth=1,
        capsize=2,
    )


def draw_confusion(classes: Sequence[str], confusion: NDArray[np.float64]) -> bytes:
    """A row for what it was, a column for what it was called."""

    def draw(figure: Any) -> None:
        axis = figure.subplots()
        axis.imshow(np.nan_to_num(confusion), cmap="Blues", vmin=0, vmax=1, aspect="auto")
        for truth, said in np.argwhere(np.nan_to_num(confusion) >= WRITTEN).tolist():
            value = confusion[truth, said]
            color = "white" if value > DARK else INK
            axis.text(said, truth, f"{value:.1f}"[-3:], ha="center", va="center", color=color, fontsize=9)
        axis.set_xticks(range(len(classes)), classes, rotation=50, ha="right", rotation_mode="anchor")
        axis.set_yticks(range(len(classes)), classes)
        axis.set(xlabel="called", ylabel="was")
        axis.spines[:].set_visible(False)
        axis.tick_params(length=0)
        for side in (axis.axhline, axis.axvline):
            for place in range(1, len(classes)):
                side(place - 0.5, color="white", lw=1)

    return draw_png(2.2 + 0.3 * len(classes), draw)


def draw_outcomes(rows: Mapping[str, EpisodeOutcome]) -> bytes:
    """A bar for each class, of what became of its episodes."""

    def draw(figure: Any) -> None:
        axis = figure.subplots()
        known = {name: fate for name, fate in rows.items() if fate.events}
        for place, fate in enumerate(known.values()):
            left = 0.0
            for name, color in OUTCOME_COLORS.items():
                value = getattr(fate, name)[0]
                axis.barh(place, value, left=left, color=color, height=0.75, label=None if place else name)
                if value >= WRITTEN:
                    ink = "white" if name in ("right", "misnamed") else INK
                    axis.text(left + value / 2, place, f"{value:.2f}", ha="center", va="center", color=ink, fontsize=9)
                left += value
        axis.set_yticks(range(len(known)), [f"{name} ({fate.events})" for name, fate in known.items()])
        axis.set(xlim=(0, 1), ylim=(len(known) - 0.5, -0.5), xlabel="share of the class's events")
        axis.spines["left"].set_visible(False)
        axis.tick_params(axis="y", length=0)
        figure.legend(*axis.get_legend_handles_labels(), loc="outside upper left", ncols=4)

    return draw_png(1.2 + 0.28 * max(len(rows), 1), draw)


def draw_false_alarms(by_case: Mapping[str, tuple[float, tuple[float, float, float]]]) -> bytes:
    """By case: what was promised, and what came with its interval."""

    def draw(figure: Any) -> None:
        axis = figure.subplots()
        for place, (budget, (value, low, high)) in enumerate(by_case.values()):
            axis.errorbar(value, place, xerr=[[value - low], [high - value]], fmt="o", color=BLUE, capsize=3,
                          label=None if place else "counted, with its 95 % interval")  # fmt: skip
            axis.plot([budget, budget], [place - 0.35, place + 0.35], color="#D55E00", lw=3,
                      label=None if place else "promised")  # fmt: skip
        axis.set_yticks(range(len(by_case)), list(by_case))
        axis.set(ylim=(len(by_case) - 0.5, -0.5), xlabel="false alarms per 1,000 cells and day")
        axis.set_xlim(left=0)
        figure.legend(*axis.get_legend_handles_labels(), loc="outside upper left", ncols=2)

    return draw_png(1.3 + 0.4 * len(by_case), draw)
