"""Plot of the population of cells: the working day of each type, and the distribution of their load."""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector.core.features import Feature
from detector.text import printable
from trainer.plots.style import INK, TYPES, format_day, format_number, format_y_ticks, png_figure, unit_label
from trainer.plots.subject import Subject
from trainer.simulator.network.profiles import CELL_TYPES

MOST_CELLS, EVERY_MINUTES = 200, 15
"""Sample: 200 cells and four minutes of an hour show the same as all data, in seconds."""
HEIGHT = 1300
"""Height of the picture in pixels."""

MEASURES = (
    ("access attempts", ("rrc_att_mo_data", "rrc_att_mo_sig", "rrc_att_mt", "rrc_att_other")),
    ("downlink volume", ("pdcp_vol_dl_kb",)),
    ("downlink load", ("prb_util_dl_pct",)),
)
"""Names of the measures, and the features that each one sums."""
LEAST_VALUE = 0.1
"""Smallest value on a logarithmic axis, for hours with the value 0."""
BINS_PER_DECADE = 8


@dataclass(frozen=True)
class Measure:
    """Quantity of some cells in every hour of a day."""

    name: str
    feature: Feature
    """Feature with the unit and kind of the measure."""
    hourly: NDArray[np.float32]
    """Hourly means. # [cells, 24]"""

    @property
    def logarithmic(self) -> bool:
        """True where the axis is logarithmic: for all but ratios."""
        return self.feature.kind != "ratio"


def draw_population(subject: Subject, folder: Path) -> tuple[Path, str]:
    """Draw a working day of up to MOST_CELLS cells. Return the file and a one-line summary."""
    chosen = np.unique(np.linspace(0, len(subject.cells) - 1, MOST_CELLS).astype(np.int64))
    measures, types = _measures(subject, chosen), _types(subject, chosen)
    path = folder / "population.png"
    sample = f"{len(chosen)} of {len(subject.cells)} cells on {format_day(subject.weekday[0])}"
    with png_figure(path, HEIGHT) as figure:
        figure.suptitle(f"{printable(subject.name)}: a day by type of cell, {sample}", x=0.01, ha="left", fontsize=16)
        top, bottom = figure.subfigures(2, 1, height_ratios=(len(measures), 1.1))
        rows = top.subplots(len(measures), len(types), sharex=True, sharey="row", squeeze=False)
        for row, measure in zip(rows, measures, strict=True):
            for axis, color, member in zip(row, TYPES, types.values(), strict=False):
                _draw_day(axis, measure, member, color)
            row[0].set_ylabel(f"{measure.name}\n{unit_label(measure.feature)}")
            format_y_ticks(row[0])
        top.supxlabel("hour of the day", fontsize=12)
        for axis, (name, member) in zip(rows[0], types.items(), strict=True):
            axis.set_title(f"{name}: {member.sum()} cells")
        rows[0, 0].legend(loc="lower right", fontsize=11)
        _draw_spread(bottom.subplots(), measures[0], types)
    return path, f"{sample}; {_summary(measures[0], types)}"


def _measures(subject: Subject, chosen: NDArray[np.int64]) -> list[Measure]:
    """Return those of MEASURES that the catalogue has, or else its first features."""
    features_by_name = {feature.name: feature for feature in subject.catalogue.features}
    measure_parts = [(name, [part for part in parts if part in features_by_name]) for name, parts in MEASURES]
    measure_parts = [(name, parts) for name, parts in measure_parts if parts] or [
        (name, [name]) for name in [*features_by_name][: len(MEASURES)]
    ]
    parts = [part for _, parts in measure_parts for part in parts]
    minutes = range(subject.weekday.start, subject.weekday.stop, EVERY_MINUTES)
    values = subject.read_fast([subject.cells[cell] for cell in chosen.tolist()], minutes, parts)
    hourly = np.ma.masked_invalid(values.reshape(len(chosen), 24, -1, len(parts))).mean(axis=2).filled(np.nan)
    return [
        Measure(name, features_by_name[names[0]], hourly[:, :, [parts.index(part) for part in names]].sum(axis=2))
        for name, names in measure_parts
    ]


def _types(subject: Subject, chosen: NDArray[np.int64]) -> dict[str, NDArray[np.bool_]]:
    """Return the members of each cell type among the chosen cells; a network without simulation has one type."""
    if subject.scenario is None:
        return {"all types": np.ones(len(chosen), bool)}
    cell_type = subject.scenario.timeline.network.statics.type[chosen]
    return {
        name: cell_type == type_number
        for type_number, name in enumerate(CELL_TYPES)
        if (cell_type == type_number).any()
    }


def _draw_day(axis: Any, measure: Measure, member: NDArray[np.bool_], color: str) -> None:
    values = measure.hourly[member]
    values = np.maximum(values, LEAST_VALUE) if measure.logarithmic else values
    with warnings.catch_warnings(action="ignore", category=RuntimeWarning):  # hours without a report
        low, median, high = np.nanpercentile(values, (10, 50, 90), axis=0)
    hour = np.arange(24) + 0.5
    axis.fill_between(hour, low, high, color=color, alpha=0.25, lw=0, label="p10 to p90 of cells")
    axis.plot(hour, median, color=color, lw=2, label="median cell")
    axis.set(xlim=(0, 24), xticks=range(0, 25, 6), yscale="log" if measure.logarithmic else "linear")
    axis.yaxis.set_minor_formatter("")  # that of a logarithmic axis writes formulas, which are not parsed
    axis.grid(axis="y", color="#E5E5E5", lw=0.8)
    axis.set_axisbelow(True)


def _draw_spread(axis: Any, measure: Measure, types: dict[str, NDArray[np.bool_]]) -> None:
    """Draw the distribution of the cells' busy-hour values."""
    load = np.maximum(_busy(measure), LEAST_VALUE)
    finite = load[~np.isnan(load)]
    low, high = np.log10(finite.min()), np.log10(finite.max())
    bins = np.logspace(low, high + 1e-6, max(round((high - low) * BINS_PER_DECADE), 1) + 1)
    parts = [load[member & ~np.isnan(load)] for member in types.values()]
    axis.hist(parts, bins=bins, stacked=True, color=TYPES[: len(parts)], label=list(types), edgecolor="white", lw=0.5)
    axis.axvline(np.median(finite), color=INK, lw=1, ls="--", label=f"median {format_number(float(np.median(finite)))}")
    axis.set_xscale("log")
    axis.xaxis.set_minor_formatter("")
    axis.xaxis.set_major_formatter(lambda value, _: format_number(value))
    axis.set(ylabel="cells", xlabel=f"{measure.name} {unit_label(measure.feature)} in the cell's busy hour")
    axis.set_title("Busy-hour load over cells")
    axis.legend(loc="upper left")


def _busy(measure: Measure) -> NDArray[np.float32]:
    """Return each cell's value in its busiest hour. # -> [cells]"""
    return np.asarray(np.ma.masked_invalid(measure.hourly).max(axis=1).filled(np.nan))


def _summary(measure: Measure, types: dict[str, NDArray[np.bool_]]) -> str:
    with warnings.catch_warnings(action="ignore", category=RuntimeWarning):  # hours without a report
        low, median, high = np.nanpercentile(_busy(measure), (10, 50, 90))
        peaks = [_peak(name, np.nanmedian(measure.hourly[member], axis=0)) for name, member in types.items()]
    quantiles = f"{format_number(low)} (p10), {format_number(median)} (median), {format_number(high)} (p90)"
    return f"busiest {', '.join(peaks)}; {measure.name} in the busy hour {quantiles} {unit_label(measure.feature)}"


def _peak(name: str, median: NDArray[np.float32]) -> str:
    return f"{name} {int(np.argmax(np.nan_to_num(median)))} h"
