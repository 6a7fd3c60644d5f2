"""Plot of a confusion: the features that caused it, with the right and the wrong exemplar."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector.core.features import ABSENT, CLIP, STEPS, WINDOW, Catalogue
from trainer.evaluation.confusions import Confusion
from trainer.evaluation.dataset import EvaluationWindows
from trainer.plots.style import BAND, BLUE, INK, VERMILLION, draw_png, format_clock, format_day

COLUMNS = 3


def draw_mistake(mistake: Confusion, windows: EvaluationWindows, catalogue: Catalogue) -> bytes:
    """Return the PNG: a panel for each contributing feature, in spreads from the baseline."""
    onset = WINDOW - int(windows.minutes_seen[mistake.question])
    rows = -(-len(mistake.contributions) // COLUMNS)
    minutes = np.arange(-WINDOW + 1, 1)

    def draw_feature(axis: Any, feature: int) -> None:
        axis.axvspan(max(onset, 0) - WINDOW, 0, color=BAND, lw=0, label="during its episode")
        axis.axhline(0, color="#999999", lw=1, label="usual for the cell")
        for episode, color, text in (
            (mistake.right, BLUE, "nearest exemplar of its class"),
            (mistake.wrong, VERMILLION, "exemplar of the wrong class"),
        ):
            axis.plot(minutes, _exemplar_mean(windows, episode, feature), color=color, lw=1.3, label=text)
        codes = windows.question_windows[mistake.question][:, feature]
        axis.plot(minutes, _in_spreads(codes), color=INK, lw=1.3, label="the window")

    def draw(figure: Any) -> None:
        axes = figure.subplots(rows, COLUMNS, sharex=True, squeeze=False).ravel()
        for axis, (feature, shrinkage) in zip(axes, mistake.contributions, strict=False):
            draw_feature(axis, feature)
            axis.set_title(f"{catalogue.names[feature]}: {shrinkage:+.3f}", fontsize=9)
            axis.set_xlim(-WINDOW, 0)
            axis.margins(y=0.1)
        for axis in axes[len(mistake.contributions) :]:
            axis.set_visible(False)
        figure.supylabel("spreads from usual", fontsize=10)
        figure.supxlabel("minutes before the window's end", fontsize=10)
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper left", ncols=3)

    return draw_png(1.2 + 1.9 * rows, draw)


def caption(mistake: Confusion, windows: EvaluationWindows, catalogue: Catalogue) -> str:
    """Return the sentence that names window, exemplars, lead and features."""
    episode = windows.episodes[windows.question_episode[mistake.question]]
    right, wrong = windows.episodes[mistake.right], windows.episodes[mistake.wrong]
    minutes = windows.minutes_seen[mistake.question]
    end = episode.begin + int(minutes)
    effect = "" if np.isnan(episode.effect) else f", effect {episode.effect:.1f}"
    features = ", ".join(catalogue.names[feature] for feature, shrinkage in mistake.contributions[:3] if shrinkage > 0)
    return (
        f"{episode.name} in {episode.cell}, {format_day(end)} {format_clock(end)}, {minutes} minutes after its"
        f" begin{effect}. It lies nearer to {wrong.name} in {wrong.cell} than to the nearest {right.name}, in"
        f" {right.cell}, by"
        f" {mistake.lead:.2f} of cosine. The largest contributions are from {features or 'no single feature'}; the"
        " number above a panel is how much this lead shrinks when the feature is set to usual for the whole hour."
    )


def _exemplar_mean(windows: EvaluationWindows, episode: int, feature: int) -> Any:
    """Return the mean of the exemplar's windows, NaN where all are absent. # -> [60]"""
    codes = windows.exemplar_windows[windows.exemplar_episode == episode][:, :, feature]
    reported = np.ma.masked_equal(codes, ABSENT)
    return (reported.mean(axis=0) / STEPS).filled(np.nan)


def _in_spreads(codes: NDArray[np.int8]) -> NDArray[np.float64]:
    """Return the codes in spreads, NaN where absent. # int8 [60] -> [60]"""
    return np.clip(np.where(codes == ABSENT, np.nan, codes / STEPS), -CLIP, CLIP)
