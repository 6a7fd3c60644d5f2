"""Plots of the figures: accuracy by minutes seen, confusion matrix, outcomes of episodes, false alarms."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainer.evaluation.baseline_methods import ENCODER
from trainer.evaluation.dataset import SINCE_ONSET
from trainer.evaluation.replay import EpisodeOutcome
from trainer.metrics.nearest_exemplar import Figure, OneShotResult
from trainer.plots.style import BLUE, INK, TYPES, draw_png

MARKS = ("o", "s", "^", "D", "v")
"""Markers, so that lines differ without their colours, too."""

OUTCOME_COLORS = {"right": "#0072B2", "misnamed": "#D55E00", "unknown": "#F0C36D", "missed": "#DDDDDD"}
"""Colours that differ for colour-blind readers, and in lightness on a black-and-white print."""

WRITTEN = 0.1
"""Share from which a number is written into its field."""

DARK = 0.55
"""Share from which white letters are easier to read."""


def draw_minutes(chance: float, by_case: Mapping[str, Mapping[str, OneShotResult]]) -> bytes:
    """Return the PNG of accuracy against the minutes of the episode seen, by case and method."""

    def draw(figure: Any) -> None:
        axes = figure.subplots(1, len(by_case), sharey=True, squeeze=False)[0]
        for axis, (case, by_method) in zip(axes, by_case.items(), strict=True):
            for number, (method, result) in enumerate(by_method.items()):
                _draw_accuracy_line(axis, result, method, number, len(by_method))
            axis.axhline(chance, color="#999999", lw=1, ls=":", label="chance")
            axis.set(title=case, xscale="log", xlabel="minutes of the fault in the window", ylim=(0, 1))
            axis.set_xticks(SINCE_ONSET, [str(minutes) for minutes in SINCE_ONSET])
            axis.minorticks_off()
            axis.grid(axis="y", color="#E5E5E5", lw=0.8)
            axis.set_axisbelow(True)
        axes[0].set_ylabel("named right, mean over classes")
        lines, labels = axes[0].get_legend_handles_labels()
        order = [*range(1, len(labels)), 0]  # matplotlib puts the line without an interval first
        figure.legend([lines[at] for at in order], [labels[at] for at in order], loc="outside upper left", ncols=5)

    return draw_png(4.4, draw)


def _draw_accuracy_line(axis: Any, result: OneShotResult, method: str, number: int, count: int) -> None:
    figures = np.array([result.accuracy[f"{minutes} minutes"] for minutes in SINCE_ONSET])
    x = np.array(SINCE_ONSET) * 1.035 ** (number - (count - 1) / 2)  # side by side, so that intervals do not overlap
    axis.errorbar(
        x,
        figures[:, 0],
        np.abs(figures[:, 1:].T - figures[:, 0]),
        label=method,
        color=TYPES[number % len(TYPES)],
        marker=MARKS[number % len(MARKS)],
        ms=5,
        lw=2.4 if method == ENCODER else 1.2,
        elinewidth=1,
        capsize=2,
    )


def draw_confusion(classes: Sequence[str], confusion: NDArray[np.float64]) -> bytes:
    """Return the PNG of a confusion matrix: a row for the true class, a column for the name given."""

    def draw(figure: Any) -> None:
        axis = figure.subplots()
        axis.imshow(np.nan_to_num(confusion), cmap="Blues", vmin=0, vmax=1, aspect="auto")
        for row, column in np.argwhere(np.nan_to_num(confusion) >= WRITTEN).tolist():
            value = confusion[row, column]
            color = "white" if value > DARK else INK
            axis.text(column, row, f"{value:.1f}"[-3:], ha="center", va="center", color=color, fontsize=9)
        axis.set_xticks(range(len(classes)), classes, rotation=50, ha="right", rotation_mode="anchor")
        axis.set_yticks(range(len(classes)), classes)
        axis.set(xlabel="name given", ylabel="true class")
        axis.spines[:].set_visible(False)
        axis.tick_params(length=0)
        for draw_border in (axis.axhline, axis.axvline):
            for border in range(1, len(classes)):
                draw_border(border - 0.5, color="white", lw=1)

    return draw_png(2.2 + 0.3 * len(classes), draw)


def draw_outcomes(rows: Mapping[str, EpisodeOutcome]) -> bytes:
    """Return the PNG with a bar for each class: the shares of its events by outcome."""

    def draw(figure: Any) -> None:
        axis = figure.subplots()
        shown = {name: outcome for name, outcome in rows.items() if outcome.events}
        for row, outcome in enumerate(shown.values()):
            left = 0.0
            for name, color in OUTCOME_COLORS.items():
                value = outcome.shares[name][0]
                axis.barh(row, value, left=left, color=color, height=0.75, label=None if row else name)
                if value >= WRITTEN:
                    ink = "white" if name in ("right", "misnamed") else INK
                    axis.text(left + value / 2, row, f"{value:.2f}", ha="center", va="center", color=ink, fontsize=9)
                left += value
        axis.set_yticks(range(len(shown)), [f"{name} ({outcome.events})" for name, outcome in shown.items()])
        axis.set(xlim=(0, 1), ylim=(len(shown) - 0.5, -0.5), xlabel="share of the class's events")
        axis.spines["left"].set_visible(False)
        axis.tick_params(axis="y", length=0)
        figure.legend(*axis.get_legend_handles_labels(), loc="outside upper left", ncols=4)

    return draw_png(1.2 + 0.28 * max(len(rows), 1), draw)


def draw_false_alarms(by_case: Mapping[str, tuple[float, Figure]]) -> bytes:
    """Return the PNG with the budget and the counted false alarms of each case, with their interval."""

    def draw(figure: Any) -> None:
        axis = figure.subplots()
        for row, (budget, (value, low, high)) in enumerate(by_case.values()):
            axis.errorbar(value, row, xerr=[[value - low], [high - value]], fmt="o", color=BLUE, capsize=3,
                          label=None if row else "counted, with its 95 % interval")  # fmt: skip
            axis.plot([budget, budget], [row - 0.35, row + 0.35], color="#D55E00", lw=3,
                      label=None if row else "budget")  # fmt: skip
        axis.set_yticks(range(len(by_case)), list(by_case))
        axis.set(ylim=(len(by_case) - 0.5, -0.5), xlabel="false alarms per 1,000 cells and day")
        axis.set_xlim(left=0)
        figure.legend(*axis.get_legend_handles_labels(), loc="outside upper left", ncols=2)

    return draw_png(1.3 + 0.4 * len(by_case), draw)
