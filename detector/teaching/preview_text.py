"""A forecast in words, for whoever is about to teach: lines of at most 100 columns."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from detector.backtest.alarm_intervals import AlarmInterval
from detector.backtest.replay import DAY_MINUTES
from detector.core.suppression import SuppressedEpisode
from detector.history.sampling import EpisodeSlice, HistorySample
from detector.labels.label import Label
from detector.teaching.pack_import import PackForecast
from detector.teaching.preview import Forecast
from detector.text import truncate
from detector.timestamps import write_minute

MATCHES_SHOWN = 3

SAME, ALIKE = 0.9, 0.7
"""Cosines from which two classes are hardly to be told apart, and resemble each other: two examples of one class of the
simulator lie .7 to .95 apart, guessed from its episodes."""


def figures(label: Label, forecast: Forecast, published: bool) -> dict[str, Any]:
    """The same for a machine."""
    rate, low, high = forecast.rate
    told: dict[str, Any] = msgspec.to_builtins(forecast)
    return {
        "id": label.id,
        "class": label.name,
        "kind": label.kind,
        "cell": label.cell,
        "begin": label.begin,
        "end": label.end,
        "published": published,
        "quarantined": label.quarantined,
        "forced": label.forced,
        "forecast": told
        | {
            "new_alarms": len(forecast.fresh),
            "new_alarms_per_1000_cell_days": [round(rate, 2), round(low, 2), round(min(high, 1e6), 2)],
            "weak": forecast.is_weak,
            "breaks_budget": forecast.breaks_budget,
        },
    }


def preview_lines(label: Label, cut: EpisodeSlice, forecast: Forecast) -> Iterable[str]:
    """What is known about a label before it is taught."""
    yield f"{label.name} ({label.kind}): {label.cell}, {write_minute(label.begin)} to {write_minute(label.end)} UTC"
    yield f"  example    {cut.reported} of its {len(cut.values)} minutes were reported; {_size(forecast)}"
    yield f"  nearest    {_nearest(forecast)}"
    if not forecast.cell_days:
        yield "  looked at  nothing: there is no past to look at, and what it would cost is not known"
        return
    yield (
        f"  looked at  {forecast.cells:,} cells, {write_minute(forecast.first)} to {write_minute(forecast.last)}:"
        f" {forecast.cell_days:,.1f} cell-days"
    )
    yield from _named(forecast) if label.kind == "fault" else _silenced(forecast)
    yield f"  alarms     {forecast.alarms_before} without it and {forecast.alarms_after} with it, unknown ones included"


def conclusion(label: Label, forecast: Forecast, published: bool) -> str:
    """What was done."""
    if not published:
        return "dry run: nothing was taught" + (", and without --force it would be in quarantine" * label.quarantined)
    if label.quarantined:
        return (
            f"taught as {label.id}, IN QUARANTINE:\n"
            f"at least {forecast.rate[1]:.1f} new alarms per 1,000 cells and day are beyond the budget of"
            f" {truncate(forecast.whose, 20)}, {forecast.budget:g};\n"
            "it is matched and counted, and silent (--force teaches it aloud)"
        )
    aloud = ", by force" if label.forced else ""
    return f"taught as {label.id}{aloud}: live on every instance within 5 s"


def pack_lines(trial: PackForecast) -> Iterable[str]:
    """What a pack would have done, class by class."""
    if not trial.cell_days:
        yield "looked at nothing: there is no past to look at, and what it would cost is not known"
        return
    yield (
        f"looked at {_many(trial.cells, 'cell')}, {write_minute(trial.first)} to {write_minute(trial.last)}:"
        f" {trial.cell_days:,.1f} cell-days"
    )
    if trial.brought:
        yield f"{'class of faults':<28}{'labels':>7}{'episodes':>9}{'cells':>7}  new alarms per 1,000 cells and day"
    for one in trial.brought:
        value, low, high = one.rate
        told = f"{value:.1f} ({low:.1f} to {high:.1f})" + ("  BREAKS A BUDGET" if one.breaks else "")
        yield f"{truncate(one.name, 27):<28}{one.labels:>7}{one.episodes:>9}{one.cells:>7}  {told}"
    listed = ", ".join(f"{count} {name}" for name, count in Counter(o.name for o in trial.silenced).most_common(4))
    yield f"{_many(len(trial.silenced), 'alarm')} silenced" + (f": {listed}" if listed else "")
    yield (
        f"alarms: {trial.alarms_before} without it, {trial.alarms_after} with it; the budget of all classes is"
        f" {trial.budget:g}"
    )


def kept_silent(look: HistorySample, withheld: Sequence[SuppressedEpisode]) -> Iterable[str]:
    """The alarms that were none, the latest last."""
    for one in sorted(withheld, key=lambda one: (one.minute, one.cell)):
        yield f"{write_minute(one.minute)}  {one.cell:<24} {one.name:<24} {one.reason}"
    days = look.records / DAY_MINUTES
    yield f"{_many(len(withheld), 'alarm')} kept silent, over {days:,.1f} cell-days of {_many(look.cells, 'cell')}"


def _named(forecast: Forecast) -> Iterable[str]:
    known = len(forecast.named) - len(forecast.fresh)
    cells = len({one.cell for one in forecast.named})
    yield (
        f"  named      {_many(len(forecast.named), 'other episode')} on {_many(cells, 'cell')}"
        + (f", {known} of them an alarm without it, too" if known else "")
    )
    yield from _shown(forecast.named)
    value, low, high = forecast.rate
    yield (
        f"  forecast   {value:.1f} new alarms per 1,000 cells and day ({low:.1f} to {high:.1f}), budget of"
        f" {truncate(forecast.whose, 20)} {forecast.budget:g}"
    )


def _silenced(forecast: Forecast) -> Iterable[str]:
    names = Counter(one.name for one in forecast.silenced)
    listed = ", ".join(f"{count} {name}" for name, count in names.most_common(4))
    cells = len({one.cell for one in forecast.silenced})
    yield (
        f"  silenced   {_many(len(forecast.silenced), 'alarm')} on {_many(cells, 'cell')}"
        + (f": {listed}" if listed else "")
    )
    yield from _shown(forecast.silenced)


def _shown(heard: Sequence[AlarmInterval]) -> Iterable[str]:
    for one in heard[:MATCHES_SHOWN]:
        called = f"was {', '.join(sorted(set(one.before)))}" if one.before else one.name
        yield f"    {write_minute(one.onset)}  {one.cell:<24} score {one.score:>5.1f}  {called}"


def _size(forecast: Forecast) -> str:
    share = f"{forecast.ordinary_share:.0%} of ordinary life lies as far from normal"
    return f"WEAK, {share}" if forecast.is_weak else f"clear, {share}"


def _nearest(forecast: Forecast) -> str:
    if not forecast.nearest:
        return "nothing: it is the first class that is taught"
    listed = ", ".join(f"{one.name} {one.cosine:.2f}" for one in forecast.nearest)
    best = forecast.nearest[0]
    if best.cosine >= SAME:
        return f"{listed} (1 = the same): hardly to be told from {best.name}"
    return f"{listed} (1 = the same)" + (f": resembles {best.name}" if best.cosine >= ALIKE else "")


def _many(count: int, thing: str) -> str:
    return f"{count} {thing}" + ("" if count == 1 else "s")
