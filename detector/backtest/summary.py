"""Summary of a replay: figures with their intervals, as data for a machine and as a table for a reader."""

from collections.abc import Iterable, Sequence
from statistics import median, quantiles
from typing import Any

from detector.backtest.matching import BacktestAlarm, ClassCounts, Episode, false_alarms, is_named, rate, share, tally
from detector.core.settings import Settings
from detector.terminal import Line, Row, TextTable, number_column, text_column


def summarise(
    tested: Sequence[Episode],
    all_episodes: Sequence[Episode],
    alarms: Sequence[BacktestAlarm],
    taught: set[str],
    cell_days: float,
    settings: Settings,
) -> dict[str, Any]:
    """Return the figures per class and over all classes; shares and rates have their 95 % intervals."""
    window = settings.granularity.window_minutes
    counts = tally([episode for episode in tested if episode.kind == "fault"], alarms, taught, window)
    false = false_alarms(all_episodes, alarms, window)
    named = [alarm for alarm in false if is_named(alarm)]
    return {
        "cell_days": round(cell_days, 1),
        "alarms": len(alarms),
        "budget": settings.budget,
        "false_alarms_per_1000_cell_days": _rounded(rate(len(false), cell_days)),
        "of_these_named": _rounded(rate(len(named), cell_days)),
        "all": _figures(_sum(counts.values())),
        "classes": {name: _figures(class_counts) for name, class_counts in counts.items()},
    }


def table(report: dict[str, Any]) -> Iterable[Line]:
    """Return the report of `summarise` as a table."""
    titles = ("episodes", "right", "misnamed", "unknown", "visible right", "minutes (median, p90)")
    rows = [_row(name, figures) for name, figures in [*report["classes"].items(), ("all", report["all"])]]
    yield TextTable([text_column("class"), *map(number_column, titles)], rows)
    false, low, high = report["false_alarms_per_1000_cell_days"]
    yield (
        f"false alarms per 1,000 cells and day: {false:.1f} ({low:.1f} to {high:.1f}; {report['of_these_named'][0]:.1f}"
        f" with a name), {report['budget']:g} allowed, over {report['cell_days']:,.0f} cell-days"
    )


def _row(name: str, figures: dict[str, Any]) -> Row:
    right, visible = _interval(figures["right"]), _interval(figures["visible_right"])
    misnamed, unknown = (f"{figures[outcome][0]:.2f}" for outcome in ("misnamed", "unknown"))
    delay = ", ".join(f"{minutes:.0f}" for minutes in figures["minutes"]) or None
    return name, figures["episodes"], right, misnamed, unknown, visible, delay


def _sum(counts: Iterable[ClassCounts]) -> ClassCounts:
    total = ClassCounts()
    for class_counts in counts:
        for field in ("episodes", "right", "misnamed", "unknown", "visible", "visible_right", "minutes"):
            setattr(total, field, getattr(total, field) + getattr(class_counts, field))
    return total


def _figures(counts: ClassCounts) -> dict[str, Any]:
    minutes = sorted(counts.minutes)
    return {
        "episodes": counts.episodes,
        "right": _rounded(share(counts.right, counts.episodes)),
        "misnamed": _rounded(share(counts.misnamed, counts.episodes)),
        "unknown": _rounded(share(counts.unknown, counts.episodes)),
        "visible": counts.visible,
        "visible_right": _rounded(share(counts.visible_right, counts.visible)),
        "minutes": [median(minutes), quantiles(minutes, n=10)[-1] if len(minutes) > 1 else minutes[0]]
        if minutes
        else [],
    }


def _rounded(figure: tuple[float, float, float]) -> list[float]:
    return [round(value, 4) for value in figure]


def _interval(figure: Sequence[float]) -> str:
    return "-" if figure[0] != figure[0] else f"{figure[0]:.2f} ({figure[1]:.2f}-{figure[2]:.2f})"
