"""The population of cells: the working day of each type, and how unevenly their load is spread."""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector.core.features import Feature
from trainer.plots.style import INK, TYPES, day, number, sheet, unit, write_numbers
from trainer.plots.subject import Subject
from trainer.simulator.network.profiles import CELL_TYPES

MOST_CELLS, EVERY_MINUTES = 200, 15
"""Looked at: a few hundred cells and four minutes of an hour show what all would, in seconds."""
HEIGHT = 1300

MEASURES = (
    ("access attempts", ("rrc_att_mo_data", "rrc_att_mo_sig", "rrc_att_mt", "rrc_att_other")),
    ("downlink volume", ("pdcp_vol_dl_kb",)),
    ("downlink load", ("prb_util_dl_pct",)),
)
LEAST = 0.1
"""Of what is drawn on a logarithmic axis: an hour with nothing in it must lie somewhere."""
BINS_PER_DECADE = 8


@dataclass(frozen=True)
class Measure:
    """One quantity of some cells, in every hour of a day."""

    name: str
    feature: Feature
    """Of its unit and kind."""
    hourly: NDArray[np.float32]
    """# [cells, 24]"""

    @property
    def logarithmic(self) -> bool:
        return self.feature.kind != "ratio"


def draw_population(subject: Subject, folder: Path) -> tuple[Path, str]:
    """A working day of up to MOST_CELLS cells. Gives the file, and what is to be seen in it."""
    chosen = np.unique(np.linspace(0, len(subject.cells) - 1, MOST_CELLS).astype(np.int64))
    measures, types = _measures(subject, chosen), _types(subject, chosen)
    path = folder / "population.png"
    sample = f"{len(chosen)} of {len(subject.cells)} cells on {day(subject.weekday[0])}"
    with sheet(path, HEIGHT) as figure:
        figure.suptitle(f"{subject.name}: a day by type of cell, {sample}", x=0.01, ha="left", fontsize=16)
        top, bottom = figure.subfigures(2, 1, height_ratios=(len(measures), 1.1))
        rows = top.subplots(len(measures), len(types), sharex=True, sharey="row", squeeze=False)
        for row, measure in zip(rows, measures, strict=True):
            for axis, color, member in zip(row, TYPES, types.values(), strict=False):
                _draw_day(axis, measure, member, color)
            row[0].set_ylabel(f"{measure.name}\n{unit(measure.feature)}")
            write_numbers(row[0])
        top.supxlabel("hour of the day", fontsize=12)
        for axis, (name, member) in zip(rows[0], types.items(), strict=True):
            axis.set_title(f"{name}: {member.sum()} cells")
        rows[0, 0].legend(loc="lower right", fontsize=11)
        _draw_spread(bottom.subplots(), measures[0], types)
    return path, f"{sample}; {_words(measures[0], types)}"


def _measures(subject: Subject, chosen: NDArray[np.int64]) -> list[Measure]:
    """What the catalogue has of MEASURES; where it has nothing of them, its first features."""
    known = {feature.name: feature for feature in subject.catalogue.features}
    named = [(name, [part for part in parts if part in known]) for name, parts in MEASURES]
    named = [(name, parts) for name, parts in named if parts] or [(name, [name]) for name in [*known][: len(MEASURES)]]
    parts = [part for _, parts in named for part in parts]
    minutes = range(subject.weekday.start, subject.weekday.stop, EVERY_MINUTES)
    values = subject.quick([subject.cells[cell] for cell in chosen.tolist()], minutes, parts)
    hourly = np.ma.masked_invalid(values.reshape(len(chosen), 24, -1, len(parts))).mean(axis=2).filled(np.nan)
    return [
        Measure(name, known[some[0]], hourly[:, :, [parts.index(part) for part in some]].sum(axis=2))
        for name, some in named
    ]


def _types(subject: Subject, chosen: NDArray[np.int64]) -> dict[str, NDArray[np.bool_]]:
    """Which of the chosen cells are of each type there is; nobody knows it of a network that was not simulated."""
    if subject.play is None:
        return {"all types": np.ones(len(chosen), bool)}
    kind = subject.play.timeline.network.statics.type[chosen]
    return {name: kind == place for place, name in enumerate(CELL_TYPES) if (kind == place).any()}


def _draw_day(axis: Any, measure: Measure, member: NDArray[np.bool_], color: str) -> None:
    values = measure.hourly[member]
    values = np.maximum(values, LEAST) if measure.logarithmic else values
    with warnings.catch_warnings(action="ignore", category=RuntimeWarning):  # hours without a report
        low, middle, high = np.nanpercentile(values, (10, 50, 90), axis=0)
    hour = np.arange(24) + 0.5
    axis.fill_between(hour, low, high, color=color, alpha=0.25, lw=0, label="p10 to p90 of cells")
    axis.plot(hour, middle, color=color, lw=2, label="median cell")
    axis.set(xlim=(0, 24), xticks=range(0, 25, 6), yscale="log" if measure.logarithmic else "linear")
    axis.grid(axis="y", color="#E5E5E5", lw=0.8)
    axis.set_axisbelow(True)


def _draw_spread(axis: Any, measure: Measure, types: dict[str, NDArray[np.bool_]]) -> None:
    """How many cells have how much of it in their busy hour."""
    load = np.maximum(_busy(measure), LEAST)
    finite = load[~np.isnan(load)]
    low, high = np.log10(finite.min()), np.log10(finite.max())
    bins = np.logspace(low, high + 1e-6, max(round((high - low) * BINS_PER_DECADE), 1) + 1)
    parts = [load[member & ~np.isnan(load)] for member in types.values()]
    axis.hist(parts, bins=bins, stacked=True, color=TYPES[: len(parts)], label=list(types), edgecolor="white", lw=0.5)
    axis.axvline(np.median(finite), color=INK, lw=1, ls="--", label=f"median {number(float(np.median(finite)))}")
    axis.set_xscale("log")
    axis.xaxis.set_major_formatter(lambda value, _: number(value))
    axis.set(ylabel="cells", xlabel=f"{measure.name} {unit(measure.feature)} in the cell's busy hour")
    axis.set_title("Busy-hour load over cells")
    axis.legend(loc="upper left")


def _busy(measure: Measure) -> NDArray[np.float32]:
    """In the hour in which a cell has most. # -> [cells]"""
    return np.asarray(np.ma.masked_invalid(measure.hourly).max(axis=1).filled(np.nan))


def _words(measure: Measure, types: dict[str, NDArray[np.bool_]]) -> str:
    with warnings.catch_warnings(action="ignore", category=RuntimeWarning):  # hours without a report
        low, middle, high = np.nanpercentile(_busy(measure), (10, 50, 90))
        peaks = [_peak(name, np.nanmedian(measure.hourly[member], axis=0)) for name, member in types.items()]
    spread = f"{number(low)} (p10), {number(middle)} (median), {number(high)} (p90) {unit(measure.feature)}"
    return f"busiest {', '.join(peaks)}; {measure.name} in the busy hour {spread}"


def _peak(name: str, median: NDArray[np.float32]) -> str:
    return f"{name} {int(np.argmax(np.nan_to_num(median)))} h"
