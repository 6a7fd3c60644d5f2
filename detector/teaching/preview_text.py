"""Text of a preview for the person who is about to teach: lines, and tables that fit the terminal."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from detector.backtest.alarm_intervals import AlarmInterval
from detector.core.suppression import SuppressedEpisode
from detector.history.sampling import EpisodeSlice, HistorySample
from detector.json_document import make_document
from detector.labels.label import Label
from detector.teaching.documents import TaughtDocument
from detector.teaching.pack_import import ClassForecast, PackForecast
from detector.teaching.preview import Forecast
from detector.terminal import Line, Row, Styled, TextTable, fixed_column, number_column, text_column
from detector.text import pad, printable
from detector.timestamps import write_minute

MATCHES_SHOWN = 3

CELL_WIDTH = 24
"""Columns of a cell's name in an example of a match."""

SAME, ALIKE = 0.9, 0.7
"""Cosines from which two classes are hardly distinguishable, and from which they resemble each other. Two examples of
one class of the simulator have cosines of .7 to .95; the bounds are estimates from its episodes."""


def figures(label: Label, forecast: Forecast, published: bool) -> TaughtDocument:
    """Return the label and its preview as a JSON document."""
    rate, low, high = forecast.rate
    fields: dict[str, Any] = msgspec.to_builtins(forecast)
    content = {
        "id": label.id,
        "class": label.name,
        "kind": label.kind,
        "cell": label.cell,
        "begin": label.begin,
        "end": label.end,
        "published": published,
        "quarantined": label.quarantined,
        "forced": label.forced,
        "forecast": fields
        | {
            "new_alarms": len(forecast.fresh),
            "new_alarms_per_1000_cell_days": [round(rate, 2), round(low, 2), round(min(high, 1e6), 2)],
            "weak": forecast.is_weak,
            "breaks_budget": forecast.breaks_budget,
        },
    }
    return make_document(TaughtDocument, content)


def preview_lines(label: Label, episode: EpisodeSlice, forecast: Forecast) -> Iterable[Line]:
    """Yield the lines that are printed before a label is published."""
    cell = printable(label.cell)
    yield f"{label.name} ({label.kind}): {cell}, {write_minute(label.begin)} to {write_minute(label.end)} UTC"
    yield f"  example    {episode.reported} of {len(episode.values)} minutes reported; ", *_strength(forecast)
    yield f"  nearest    {_nearest(forecast)}"
    if not forecast.cell_days:
        yield "  replayed   nothing: there is no past to replay, so the number of new alarms is not known"
        return
    yield (
        f"  replayed   {forecast.cells:,} cells, {write_minute(forecast.first)} to {write_minute(forecast.last)}:"
        f" {forecast.cell_days:,.1f} cell-days"
    )
    yield from _named(forecast) if label.kind == "fault" else _silenced(forecast)
    yield (
        f"  alarms     {forecast.alarms_before} without the label, {forecast.alarms_after} with it, unknown alarms"
        " included"
    )


def conclusion(label: Label, forecast: Forecast, published: bool) -> Iterable[Line]:
    """Yield the last lines: what was published, if anything."""
    if not published:
        quarantine = "; without --force it would be put in quarantine" * label.quarantined
        yield f"dry run: no label was published{quarantine}"
    elif label.quarantined:
        yield f"published as {label.id}, ", Styled("IN QUARANTINE", "yellow"), ":"
        yield (
            f"at least {forecast.rate[1]:.1f} new alarms per 1,000 cells and day exceed the budget of"
            f" {printable(forecast.whose, 20)}, {forecast.budget:g};"
        )
        yield "its episodes are recognised and counted, and raise no alarm (--force publishes it in force)"
    else:
        force = ", by force" if label.forced else ""
        yield f"published as {label.id}{force}: in force on every instance within 5 s"


def pack_lines(forecast: PackForecast) -> Iterable[Line]:
    """Yield the preview of a pack, class by class."""
    if not forecast.cell_days:
        yield "replayed nothing: there is no past to replay, so the number of new alarms is not known"
        return
    yield (
        f"replayed {_count(forecast.cells, 'cell')}, {write_minute(forecast.first)} to {write_minute(forecast.last)}:"
        f" {forecast.cell_days:,.1f} cell-days"
    )
    if forecast.brought:
        titles = ("labels", "episodes", "cells", "new alarms per 1,000 cells and day")
        columns = (text_column("class of faults"), *map(number_column, titles), fixed_column(""))
        yield TextTable(columns, [_class_row(row) for row in forecast.brought])
    yield f"{_count(len(forecast.silenced), 'alarm')} suppressed{_names(forecast.silenced)}"
    yield (
        f"alarms: {forecast.alarms_before} without the pack, {forecast.alarms_after} with it; the budget of all classes"
        f" is {forecast.budget:g}"
    )


def _class_row(row: ClassForecast) -> Row:
    value, low, high = row.rate
    breaks = Styled("BREAKS A BUDGET", "yellow") if row.breaks else ""
    return row.name, row.labels, row.episodes, row.cells, f"{value:.1f} ({low:.1f} to {high:.1f})", breaks


def withheld_lines(sample: HistorySample, withheld: Sequence[SuppressedEpisode]) -> Iterable[Line]:
    """Yield a table of the withheld alarms, the latest last, and their number."""
    alarms = sorted(withheld, key=lambda alarm: (alarm.minute, alarm.cell))
    if alarms:
        columns = (fixed_column("when (UTC)"), text_column("cell"), text_column("class"), fixed_column("reason"))
        yield TextTable(
            columns, [(write_minute(alarm.minute), alarm.cell, alarm.name, alarm.reason) for alarm in alarms]
        )
    days = sample.cell_days
    yield f"{_count(len(withheld), 'alarm')} withheld, over {days:,.1f} cell-days of {_count(sample.cells, 'cell')}"


def _named(forecast: Forecast) -> Iterable[str]:
    known = len(forecast.named) - len(forecast.fresh)
    cells = len({interval.cell for interval in forecast.named})
    yield (
        f"  named      {_count(len(forecast.named), 'other episode')} on {_count(cells, 'cell')}"
        + (f", {known} of them an alarm without the label, too" if known else "")
    )
    yield from _examples(forecast.named)
    value, low, high = forecast.rate
    yield (
        f"  forecast   {value:.1f} new alarms per 1,000 cells and day ({low:.1f} to {high:.1f}), budget of"
        f" {printable(forecast.whose, 20)} {forecast.budget:g}"
    )


def _silenced(forecast: Forecast) -> Iterable[str]:
    cells = len({interval.cell for interval in forecast.silenced})
    yield (
        f"  suppressed {_count(len(forecast.silenced), 'alarm')} on {_count(cells, 'cell')}{_names(forecast.silenced)}"
    )
    yield from _examples(forecast.silenced)


def _names(intervals: Sequence[AlarmInterval]) -> str:
    """Return the most frequent names with their counts, after a colon; nothing if there is no alarm."""
    counts = Counter(interval.name for interval in intervals)
    listed = ", ".join(f"{count} {printable(name)}" for name, count in counts.most_common(4))
    return f": {listed}" if listed else ""


def _examples(intervals: Sequence[AlarmInterval]) -> Iterable[str]:
    for interval in intervals[:MATCHES_SHOWN]:
        name = f"was {', '.join(sorted(set(interval.before)))}" if interval.before else interval.name
        cell = pad(printable(interval.cell, CELL_WIDTH), CELL_WIDTH)
        yield f"    {write_minute(interval.onset)}  {cell} score {interval.score:>5.1f}  {printable(name)}"


def _strength(forecast: Forecast) -> tuple[str | Styled, str]:
    share = f", {forecast.ordinary_share:.0%} of ordinary windows lie as far from normal"
    return Styled("WEAK", "yellow") if forecast.is_weak else "clear", share


def _nearest(forecast: Forecast) -> str:
    if not forecast.nearest:
        return "none: it is the first class that is taught"
    listed = ", ".join(f"{printable(neighbour.name)} {neighbour.cosine:.2f}" for neighbour in forecast.nearest)
    best = forecast.nearest[0]
    if best.cosine >= SAME:
        return f"{listed} (1 = the same): hardly distinguishable from {best.name}"
    return f"{listed} (1 = the same)" + (f": resembles {best.name}" if best.cosine >= ALIKE else "")


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}" + ("" if count == 1 else "s")
