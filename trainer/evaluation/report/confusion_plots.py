"""A mistake as a picture: the features that carried it, against usual, beside the right and the wrong example."""

from typing import Any

import numpy as np

from detector.core.features import ABSENT, CLIP, STEPS, WINDOW, Catalogue
from trainer.evaluation.confusions import Confusion
from trainer.evaluation.dataset import EvaluationWindows
from trainer.plots.style import BAND, BLUE, INK, VERMILLION, draw_png, format_clock, format_day

COLUMNS = 3


def draw_mistake(mistake: Confusion, cut: EvaluationWindows, catalogue: Catalogue) -> bytes:
    begun = WINDOW - int(cut.since[mistake.question])

    def draw(figure: Any) -> None:
        rows = -(-len(mistake.carried) // COLUMNS)
        axes = figure.subplots(rows, COLUMNS, sharex=True, squeeze=False).ravel()
        for axis, (feature, shrinks) in zip(axes, mistake.carried, strict=False):
            axis.axvspan(max(begun, 0) - WINDOW, 0, color=BAND, lw=0, label="its fault is under way")
            axis.axhline(0, color="#999999", lw=1, label="usual for the cell")
            minutes = np.arange(-WINDOW + 1, 1)
            for episode, color, words in (
                (mistake.right, BLUE, "nearest example of what it was"),
                (mistake.wrong, VERMILLION, "example of what it was called"),
            ):
                axis.plot(minutes, _example(cut, episode, feature), color=color, lw=1.3, label=words)
            axis.plot(minutes, _spreads(cut.asked[mistake.question][:, feature]), color=INK, lw=1.3, label="the window")
            axis.set_title(f"{catalogue.names[feature]}: {shrinks:+.3f}", fontsize=9)
            axis.set_xlim(-WINDOW, 0)
            axis.margins(y=0.1)
        for axis in axes[len(mistake.carried) :]:
            axis.set_visible(False)
        figure.supylabel("spreads from usual", fontsize=10)
        figure.supxlabel("minutes before the window's end", fontsize=10)
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper left", ncols=3)

    return draw_png(1.2 + 1.9 * -(-len(mistake.carried) // COLUMNS), draw)


def caption(mistake: Confusion, cut: EvaluationWindows, catalogue: Catalogue) -> str:
    asked = cut.episodes[cut.asked_of[mistake.question]]
    right, wrong = cut.episodes[mistake.right], cut.episodes[mistake.wrong]
    end = asked.begin + int(cut.since[mistake.question])
    effect = "" if np.isnan(asked.effect) else f", effect {asked.effect:.1f}"
    carried = ", ".join(catalogue.names[feature] for feature, shrinks in mistake.carried[:3] if shrinks > 0)
    return (
        f"{asked.name} in {asked.cell}, {format_day(end)} {format_clock(end)},"
        f" {cut.since[mistake.question]} minutes after it began"
        f"{effect}: nearer to {wrong.name} in {wrong.cell} than to the nearest {right.name}, in {right.cell}, by"
        f" {mistake.lead:.2f} of cosine. Carried by {carried or 'no feature alone'}; the number above each panel is by"
        " how much that lead shrinks when the feature is taken to have been as usual all hour."
    )


def _example(cut: EvaluationWindows, episode: int, feature: int) -> Any:
    """The mean of the example's windows. # -> [60]"""
    codes = cut.shown[cut.shown_of == episode][:, :, feature]
    there = np.ma.masked_equal(codes, ABSENT)
    return (there.mean(axis=0) / STEPS).filled(np.nan)


def _spreads(codes: Any) -> Any:
    """NaN where nothing was reported. # int8 [60] -> [60]"""
    return np.clip(np.where(codes == ABSENT, np.nan, codes / STEPS), -CLIP, CLIP)
