"""One cell's week: a few features of different groups, one above the other, and when something was wrong."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector.core.features import Catalogue, Feature
from trainer.data.history import HistoryError
from trainer.plots.comparison import compare
from trainer.plots.style import BAND, BLUE, EDGE, FAINT, WEEKEND, clock, day, number, sheet, times, unit, write_numbers
from trainer.plots.subject import Subject
from trainer.simulator.faults.schedule import DAY
from trainer.simulator.network.profiles import CELL_TYPES

WEEK = 7 * DAY
PANELS, HEIGHT = 8, 1400
STRIP = 0.35
"""Height of the strip with the episodes' names, of a panel's."""
LANES, NAME_SHARE = 2, 0.0068
"""Rows of names there, and the share of the width that a letter takes."""
CARRIERS = ("LTE 10 MHz", "LTE 20 MHz", "NR 20 MHz FDD", "NR 100 MHz TDD")
AT_ONCE = 15
"""Minutes in a point of the line: in a week, a minute is narrower than a pixel."""

KEY = f"line: mean of {AT_ONCE} minutes, behind it every minute; orange: an episode in this cell; grey: weekend"

ALWAYS = ("rrc_conn_mean", "prb_util_dl_pct", "pdcp_vol_dl_kb", "rrc_succ")
"""Users, load, volume and entry: a cell's life, whatever is wrong with it."""
OTHERWISE = ("cqi_mean", "ul_ni_dbm", "rel_abn_radio", "gtp_delay_ms", "dns_rt_ms", "ho_exec_succ", "cpu_load_pct")
"""Where no fault moves anything."""
TOLD = 3
"""Episodes named in the printed line."""
WORTH_SPREADS = 1.0
"""A feature moved by less is not drawn for it."""


@dataclass(frozen=True)
class Band:
    """A run of minutes in which one episode was in the cell."""

    name: str
    episode: int
    severity: float
    first: int
    last: int
    """Inclusive."""


def draw_week(subject: Subject, cell: int, near: int, folder: Path) -> tuple[Path, str]:
    """The week of the cell that minute `near` is in. Gives the file, and what is to be seen in it."""
    begin = subject.span[0] + max(near - subject.span[0], 0) // WEEK * WEEK
    minutes = range(begin, min(begin + WEEK, subject.span[1]))
    bands = sorted(_bands(subject, cell, minutes), key=lambda b: (not b.first <= near <= b.last, -b.severity))
    features = _telling(subject.catalogue, _moved(subject, cell, bands))
    values = subject.written([subject.cells[cell]], minutes, [feature.name for feature in features])[0]
    if np.isnan(values).all():
        raise HistoryError(f"{subject.name}: holds no minute of {subject.cells[cell]}; give another --cell.")
    path = folder / f"week-{subject.cells[cell]}.png"
    with sheet(path, HEIGHT) as figure:
        figure.suptitle(_title(subject, cell, minutes), x=0.01, ha="left", fontsize=16)
        ratios = [STRIP, *[1] * len(features)]
        strip, *axes = figure.subplots(len(ratios), 1, sharex=True, height_ratios=ratios).tolist()
        for axis, feature, column in zip(axes, features, values.T, strict=True):
            _draw(axis, feature, np.array(minutes), column)
        for axis in (strip, *axes):
            _shade(axis, minutes, bands)
        _name(strip, minutes, bands)
        _mark_time(axes[-1], minutes)
        figure.align_ylabels(axes)
        figure.supxlabel(KEY, fontsize=12)
    return path, _words(features, values, bands)


def _bands(subject: Subject, cell: int, minutes: range) -> list[Band]:
    if subject.play is None:
        return []
    minute = np.array(minutes)
    labels = subject.play.timeline.labels(np.full(len(minute), cell), minute)
    edges = [0, *(np.flatnonzero(np.diff(labels.episode)) + 1).tolist(), len(minute)]
    return [
        Band(
            str(labels.name[a]) + ("" if labels.primary[a] else " (nearby)"),
            int(labels.episode[a]),
            float(labels.severity[a]),
            minutes[a],
            minutes[b - 1],
        )
        for a, b in pairwise(edges)
        if labels.episode[a] >= 0
    ]


def _moved(subject: Subject, cell: int, bands: Sequence[Band]) -> list[str]:
    """What the first of them moves, the most first."""
    if subject.play is None or not bands:
        return []
    seen = compare(subject.play.timeline, subject.play.timeline.episodes[bands[0].episode], cell)
    return [seen.catalogue.names[place] for place in seen.moved if abs(seen.change[place]) >= WORTH_SPREADS]


def _telling(catalogue: Catalogue, moved: Sequence[str]) -> list[Feature]:
    """PANELS at most, one of a group: what is always told, then what a fault moves; as the catalogue has them."""
    known = {feature.name: feature for feature in catalogue.features}
    chosen: dict[str, Feature] = {}
    for name in (*ALWAYS, *moved, *OTHERWISE, *catalogue.names):
        if name in known and len(chosen) < PANELS:
            chosen.setdefault(known[name].group or name, known[name])
    return [feature for feature in catalogue.features if feature in chosen.values()]


def _title(subject: Subject, cell: int, minutes: range) -> str:
    days = dict.fromkeys([day(minutes[0]), day(minutes[-1])])
    title = f"{subject.cells[cell]}: {' to '.join(days)}"
    if subject.play is None:
        return title
    statics = subject.play.timeline.network.statics
    return f"{title}, a {CELL_TYPES[statics.type[cell]]} cell, {CARRIERS[statics.carrier[cell]]}"


def _draw(axis: Any, feature: Feature, minute: NDArray[np.int64], column: NDArray[np.float32]) -> None:
    from matplotlib.ticker import MaxNLocator

    whole = len(minute) // AT_ONCE * AT_ONCE
    axis.plot(times(minute), column, color=FAINT, lw=0.5)
    if whole:
        mean = np.ma.masked_invalid(column[:whole].reshape(-1, AT_ONCE)).mean(axis=1).filled(np.nan)
        axis.plot(times(minute[AT_ONCE // 2 : whole : AT_ONCE]), mean, color=BLUE, lw=1.5)
    axis.set(ylabel=unit(feature), xlim=times(minute[[0, -1]]))
    axis.set_title(feature.name, pad=3)
    axis.yaxis.set_major_locator(MaxNLocator(4))
    write_numbers(axis)
    if feature.kind == "counter":
        axis.set_ylim(bottom=0)


def _shade(axis: Any, minutes: range, bands: Sequence[Band]) -> None:
    for begin in range(minutes[0] // DAY * DAY, minutes[-1] + 1, DAY):
        if (begin // DAY + 3) % 7 >= 5:  # 1970 began on a Thursday
            axis.axvspan(*times(np.clip([begin, begin + DAY], minutes[0], minutes[-1])), color=WEEKEND, lw=0, zorder=0)
    for band in bands:
        axis.axvspan(*times(np.array([band.first, band.last + 1])), color=BAND, alpha=0.75, lw=0, zorder=0.5)
        axis.axvline(times(np.array(band.first)), color=EDGE, lw=1, zorder=0.6)


def _name(strip: Any, minutes: range, bands: Sequence[Band]) -> None:
    """The names of the bands, each in the first lane that is free there, or not at all: the first have the choice."""
    strip.set(ylim=(LANES, 0), yticks=[])
    strip.tick_params(which="both", bottom=False)
    strip.spines[:].set_visible(False)
    taken: list[list[tuple[float, float]]] = [[] for _ in range(LANES)]
    for band in bands:
        width = (len(band.name) + 1) * NAME_SHARE
        begin = min((band.first - minutes[0]) / len(minutes), 1 - width)
        free = [n for n, lane in enumerate(taken) if all(b >= begin + width or e <= begin for b, e in lane)]
        if free:
            taken[free[0]].append((begin, begin + width))
            strip.text(begin, 1 - (free[0] + 0.5) / LANES, band.name, va="center", transform=strip.transAxes)


def _mark_time(axis: Any, minutes: range) -> None:
    from matplotlib.dates import DateFormatter, DayLocator, HourLocator

    step = 12 if len(minutes) > 4 * DAY else 6 if len(minutes) > 2 * DAY else 2 if len(minutes) > DAY // 2 else 1
    axis.xaxis.set_major_locator(DayLocator())
    axis.xaxis.set_major_formatter(DateFormatter("%H:%M\n%a %-d %b"))
    axis.xaxis.set_minor_locator(HourLocator(range(step, 24, step)))
    axis.xaxis.set_minor_formatter(DateFormatter("%H:%M"))


def _words(features: Sequence[Feature], values: NDArray[np.float32], bands: Sequence[Band]) -> str:
    told = [f"{band.name} {day(band.first)} {clock(band.first)} to {clock(band.last + 1)}" for band in bands[:TOLD]]
    more = [f"{len(bands) - TOLD} more episodes"] if len(bands) > TOLD else []
    with warnings.catch_warnings(action="ignore", category=RuntimeWarning):  # nothing reported at all
        low, middle, high = np.nanpercentile(values, (5, 50, 95), axis=0)
    ranges = [
        f"{feature.name} {number(low[place])} to {number(high[place])} {unit(feature)} (median {number(middle[place])})"
        for place, feature in enumerate(features[:2])
    ]
    return ", ".join([*ranges, *(told or ["no episode"]), *more])
