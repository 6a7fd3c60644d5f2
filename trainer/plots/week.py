"""Plot of one cell's week: features of different groups, with the episodes as coloured bands."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector.core.features import Catalogue, Feature
from detector.text import file_name, printable
from trainer.data.history import HistoryError
from trainer.plots.comparison import compare_with_twin
from trainer.plots.style import (
    BAND,
    BLUE,
    EDGE,
    FAINT,
    WEEKEND,
    format_clock,
    format_day,
    format_number,
    format_y_ticks,
    png_figure,
    to_datetimes,
    unit_label,
)
from trainer.plots.subject import Subject
from trainer.simulator.faults.schedule import DAY
from trainer.simulator.network.profiles import CELL_TYPES

WEEK = 7 * DAY
PANELS, HEIGHT = 8, 1400
"""Features drawn, and the height of the picture in pixels."""
STRIP_HEIGHT = 0.35
"""Height of the strip with the episodes' names, as a share of a panel."""
LANES, NAME_SHARE = 2, 0.0068
"""Rows of names in the strip, and the share of the width per letter."""
CARRIERS = ("LTE 10 MHz", "LTE 20 MHz", "NR 20 MHz FDD", "NR 100 MHz TDD")
MINUTES_PER_POINT = 15
"""Minutes per point of the line: in a week, a minute is narrower than a pixel."""

LEGEND = (
    f"line: mean of {MINUTES_PER_POINT} minutes, behind it every minute; orange: an episode in this cell; grey: weekend"
)

BASIC_FEATURES = ("rrc_conn_mean", "prb_util_dl_pct", "pdcp_vol_dl_kb", "rrc_succ")
"""Features that are always drawn: users, load, volume and connections."""
FALLBACK_FEATURES = (
    "cqi_mean",
    "ul_ni_dbm",
    "rel_abn_radio",
    "gtp_delay_ms",
    "dns_rt_ms",
    "ho_exec_succ",
    "cpu_load_pct",
)
"""Features that fill the panels without a fault."""
SUMMARY_EPISODES = 3
"""Episodes in the printed summary."""
LEAST_CHANGE = 1.0
"""Smallest change in spreads for which a feature is drawn."""


@dataclass(frozen=True)
class Band:
    """Run of minutes with one episode in the cell."""

    name: str
    episode: int
    severity: float
    first: int
    last: int
    """Last minute, inclusive."""


def draw_week(subject: Subject, cell: int, minute_of_note: int, folder: Path) -> tuple[Path, str]:
    """Draw the cell's week with `minute_of_note`. Return the file and a one-line summary.

    Raises HistoryError if the week has no values.
    """
    begin = subject.span[0] + max(minute_of_note - subject.span[0], 0) // WEEK * WEEK
    minutes = range(begin, min(begin + WEEK, subject.span[1]))
    bands = _bands(subject, cell, minutes)
    bands.sort(key=lambda band: (not band.first <= minute_of_note <= band.last, -band.severity))
    features = _choose_features(subject.catalogue, _changed_features(subject, cell, bands))
    values = subject.read_stored([subject.cells[cell]], minutes, [feature.name for feature in features])[0]
    if np.isnan(values).all():
        raise HistoryError(
            f"{subject.name}: contains no minute of {subject.cells[cell]} in this week; give another --cell."
        )
    path = folder / f"week-{file_name(subject.cells[cell])}.png"
    with png_figure(path, HEIGHT) as figure:
        figure.suptitle(_title(subject, cell, minutes), x=0.01, ha="left", fontsize=16)
        ratios = [STRIP_HEIGHT, *[1] * len(features)]
        strip, *axes = figure.subplots(len(ratios), 1, sharex=True, height_ratios=ratios).tolist()
        for axis, feature, column in zip(axes, features, values.T, strict=True):
            _draw(axis, feature, np.array(minutes), column)
        for axis in (strip, *axes):
            _shade(axis, minutes, bands)
        _write_names(strip, minutes, bands)
        _mark_time(axes[-1], minutes)
        figure.align_ylabels(axes)
        figure.supxlabel(LEGEND, fontsize=12)
    return path, _summary(features, values, bands)


def _bands(subject: Subject, cell: int, minutes: range) -> list[Band]:
    if subject.scenario is None:
        return []
    minute = np.array(minutes)
    labels = subject.scenario.timeline.labels(np.full(len(minute), cell), minute)
    edges = [0, *(np.flatnonzero(np.diff(labels.episode)) + 1).tolist(), len(minute)]
    return [
        Band(
            name=str(labels.name[first_row]) + ("" if labels.primary[first_row] else " (nearby)"),
            episode=int(labels.episode[first_row]),
            severity=float(labels.severity[first_row]),
            first=minutes[first_row],
            last=minutes[end_row - 1],
        )
        for first_row, end_row in pairwise(edges)
        if labels.episode[first_row] >= 0
    ]


def _changed_features(subject: Subject, cell: int, bands: Sequence[Band]) -> list[str]:
    """Return the features that the first band's episode changes, the most changed first."""
    if subject.scenario is None or not bands:
        return []
    comparison = compare_with_twin(
        subject.scenario.timeline, subject.scenario.timeline.episodes[bands[0].episode], cell
    )
    ranking = [index for index in comparison.ranking if abs(comparison.change[index]) >= LEAST_CHANGE]
    return [comparison.catalogue.names[index] for index in ranking]


def _choose_features(catalogue: Catalogue, changed_features: Sequence[str]) -> list[Feature]:
    """Return at most PANELS features, one per group: the basic ones, then the changed ones, in catalogue order."""
    features_by_name = {feature.name: feature for feature in catalogue.features}
    chosen: dict[str, Feature] = {}
    for name in (*BASIC_FEATURES, *changed_features, *FALLBACK_FEATURES, *catalogue.names):
        if name in features_by_name and len(chosen) < PANELS:
            chosen.setdefault(features_by_name[name].group or name, features_by_name[name])
    return [feature for feature in catalogue.features if feature in chosen.values()]


def _title(subject: Subject, cell: int, minutes: range) -> str:
    days = dict.fromkeys([format_day(minutes[0]), format_day(minutes[-1])])
    title = f"{printable(subject.cells[cell])}: {' to '.join(days)}"
    if subject.scenario is None:
        return title
    statics = subject.scenario.timeline.network.statics
    return f"{title}, a {CELL_TYPES[statics.type[cell]]} cell, {CARRIERS[statics.carrier[cell]]}"


def _draw(axis: Any, feature: Feature, minute: NDArray[np.int64], column: NDArray[np.float32]) -> None:
    from matplotlib.ticker import MaxNLocator

    complete_minutes = len(minute) // MINUTES_PER_POINT * MINUTES_PER_POINT
    axis.plot(to_datetimes(minute), column, color=FAINT, lw=0.5)
    if complete_minutes:
        points = np.ma.masked_invalid(column[:complete_minutes].reshape(-1, MINUTES_PER_POINT))
        point_minute = minute[MINUTES_PER_POINT // 2 : complete_minutes : MINUTES_PER_POINT]
        axis.plot(to_datetimes(point_minute), points.mean(axis=1).filled(np.nan), color=BLUE, lw=1.5)
    axis.set(ylabel=unit_label(feature), xlim=to_datetimes(minute[[0, -1]]))
    axis.set_title(printable(feature.name), pad=3)
    axis.yaxis.set_major_locator(MaxNLocator(4))
    format_y_ticks(axis)
    if feature.kind == "counter":
        axis.set_ylim(bottom=0)


def _shade(axis: Any, minutes: range, bands: Sequence[Band]) -> None:
    for begin in range(minutes[0] // DAY * DAY, minutes[-1] + 1, DAY):
        if (begin // DAY + 3) % 7 >= 5:  # 1970 began on a Thursday
            limits = to_datetimes(np.clip([begin, begin + DAY], minutes[0], minutes[-1]))
            axis.axvspan(*limits, color=WEEKEND, lw=0, zorder=0)
    for band in bands:
        axis.axvspan(*to_datetimes(np.array([band.first, band.last + 1])), color=BAND, alpha=0.75, lw=0, zorder=0.5)
        axis.axvline(to_datetimes(np.array(band.first)), color=EDGE, lw=1, zorder=0.6)


def _write_names(strip: Any, minutes: range, bands: Sequence[Band]) -> None:
    """Write each band's name in the first free lane, or omit it; earlier bands take precedence."""
    strip.set(ylim=(LANES, 0), yticks=[])
    strip.tick_params(which="both", bottom=False)
    strip.spines[:].set_visible(False)
    lanes: list[list[tuple[float, float]]] = [[] for _ in range(LANES)]
    for band in bands:
        width = (len(band.name) + 1) * NAME_SHARE
        begin = min((band.first - minutes[0]) / len(minutes), 1 - width)
        free_lanes = [
            number
            for number, lane in enumerate(lanes)
            if all(first >= begin + width or end <= begin for first, end in lane)
        ]
        if free_lanes:
            lanes[free_lanes[0]].append((begin, begin + width))
            strip.text(begin, 1 - (free_lanes[0] + 0.5) / LANES, band.name, va="center", transform=strip.transAxes)


def _mark_time(axis: Any, minutes: range) -> None:
    from matplotlib.dates import DateFormatter, DayLocator, HourLocator

    step = 12 if len(minutes) > 4 * DAY else 6 if len(minutes) > 2 * DAY else 2 if len(minutes) > DAY // 2 else 1
    axis.xaxis.set_major_locator(DayLocator())
    axis.xaxis.set_major_formatter(DateFormatter("%H:%M\n%a %-d %b"))
    axis.xaxis.set_minor_locator(HourLocator(range(step, 24, step)))
    axis.xaxis.set_minor_formatter(DateFormatter("%H:%M"))


def _summary(features: Sequence[Feature], values: NDArray[np.float32], bands: Sequence[Band]) -> str:
    episode_texts = [
        f"{band.name} {format_day(band.first)} {format_clock(band.first)} to {format_clock(band.last + 1)}"
        for band in bands[:SUMMARY_EPISODES]
    ]
    remainder = [f"{len(bands) - SUMMARY_EPISODES} more episodes"] if len(bands) > SUMMARY_EPISODES else []
    with warnings.catch_warnings(action="ignore", category=RuntimeWarning):  # a feature without any report
        low, median, high = np.nanpercentile(values, (5, 50, 95), axis=0)
    ranges = [
        f"{feature.name} {format_number(low[index])} to {format_number(high[index])} {unit_label(feature)} "
        f"(median {format_number(median[index])})"
        for index, feature in enumerate(features[:2])
    ]
    return ", ".join([*ranges, *(episode_texts or ["no episode"]), *remainder])
