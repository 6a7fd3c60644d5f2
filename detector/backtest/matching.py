"""Matching of alarms with known episodes: counts per class, and false alarms per 1,000 cells and day.

An episode is *named right* when its cell raises an alarm with its name between its begin and an hour after its end. It
is *misnamed* when only alarms with another taught name are raised; else it is *unknown* or *missed*. An alarm is false
where its cell has no fault at that time, also where a harmless look-alike caused it.
"""

import csv
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from detector.core.features import WINDOW
from detector.core.lifecycle import SILENT, UNKNOWN
from detector.history.parquet import HistoryError
from detector.text import csv_text

COLUMNS = {"cell", "class", "kind", "begin", "end"}
"""Required columns of an `episodes.csv`."""

VISIBLE = 2.0
"""Least effect of an episode that a person would see."""

Z95 = 1.96
"""Two-sided 95 % quantile of the normal distribution."""


@dataclass(frozen=True)
class Episode:
    """Row of an `episodes.csv`; `end` is exclusive."""

    cell: str
    name: str
    kind: str
    begin: int
    end: int
    effect: float = math.nan
    severity: float = math.nan

    @property
    def key(self) -> tuple[str, str, int]:
        """Identity of the episode: cell, class name and begin."""
        return self.cell, self.name, self.begin


@dataclass(frozen=True)
class BacktestAlarm:
    """Alarm of a replay, by the minute in which it was raised."""

    cell: str
    name: str
    minute: int


@dataclass
class ClassCounts:
    """Outcomes of the episodes of a class."""

    episodes: int = 0
    right: int = 0
    misnamed: int = 0
    unknown: int = 0
    visible: int = 0
    visible_right: int = 0
    minutes: list[int] = field(default_factory=list)
    """Minutes from begin to alarm of the episodes that were named right."""


def read_episodes(path: Path) -> list[Episode]:
    """Return the episodes of a CSV file. Raises HistoryError with one sentence that names the line."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:  # a BOM is what Excel's "CSV UTF-8" begins with
            rows = csv.DictReader(file)
            if not set(rows.fieldnames or ()) >= COLUMNS:
                raise HistoryError(f"{path}: lacks a column; give it the columns {', '.join(sorted(COLUMNS))}.")
            return [_episode(path, number, row) for number, row in enumerate(rows, 2)]
    except OSError as error:
        raise HistoryError(f"{path}: cannot be read ({error.strerror}); give a file with episodes.") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise HistoryError(f"{path}: is no CSV in UTF-8 ({error}); save it again as CSV UTF-8.") from None


def _episode(path: Path, line: int, row: dict[str, str]) -> Episode:
    try:
        begin, end = int(row["begin"]), int(row["end"])
        effect, severity = (float(row.get(name) or "nan") for name in ("effect", "severity"))
    except (TypeError, ValueError):
        raise HistoryError(f"{path}: line {line}: begin and end must be whole minutes since 1970.") from None
    if row["kind"] not in ("fault", "ignore"):
        raise HistoryError(f"{path}: line {line}: kind is {row['kind']!r}; allowed are fault and ignore.")
    if end <= begin:
        raise HistoryError(f"{path}: line {line}: the episode ends at {end}, not after its begin at {begin}.")
    return Episode(
        cell=csv_text(row["cell"]),
        name=csv_text(row["class"]),
        kind=row["kind"],
        begin=begin,
        end=end,
        effect=effect,
        severity=severity,
    )


def tally(
    episodes: Iterable[Episode], alarms: Sequence[BacktestAlarm], taught: set[str], window_minutes: int = WINDOW
) -> dict[str, ClassCounts]:
    """Return the outcomes by taught class; episodes of other classes are not counted.

    An alarm belongs to an episode until the last window with a minute of it.
    """
    by_cell: dict[str, list[BacktestAlarm]] = {}
    for alarm in alarms:
        by_cell.setdefault(alarm.cell, []).append(alarm)
    counts = {name: ClassCounts() for name in sorted(taught)}
    for episode in episodes:
        if episode.name in counts:
            matches = [
                alarm
                for alarm in by_cell.get(episode.cell, [])
                if episode.begin <= alarm.minute < episode.end + window_minutes
            ]
            _count(counts[episode.name], episode, matches, taught)
    return counts


def _count(counts: ClassCounts, episode: Episode, matches: Sequence[BacktestAlarm], taught: set[str]) -> None:
    counts.episodes += 1
    right = [alarm.minute for alarm in matches if alarm.name == episode.name]
    counts.visible += episode.effect >= VISIBLE
    if right:
        counts.right += 1
        counts.visible_right += episode.effect >= VISIBLE
        counts.minutes.append(min(right) - episode.begin)
    elif any(alarm.name in taught for alarm in matches):
        counts.misnamed += 1
    elif matches:
        counts.unknown += 1


def false_alarms(
    episodes: Iterable[Episode], alarms: Iterable[BacktestAlarm], window_minutes: int = WINDOW
) -> list[BacktestAlarm]:
    """Return the alarms in cells that have no fault at that time, nor within a window before; silences are left out."""
    faults: dict[str, list[Episode]] = {}
    for episode in episodes:
        if episode.kind == "fault":
            faults.setdefault(episode.cell, []).append(episode)
    return [
        alarm
        for alarm in alarms
        if alarm.name != SILENT
        and not any(fault.begin <= alarm.minute < fault.end + window_minutes for fault in faults.get(alarm.cell, []))
    ]


def share(count: float, of: int) -> tuple[float, float, float]:
    """Return a share and its 95 % interval (Wilson, 1927); NaN, 0 and 1 where `of` is 0."""
    if not of:
        return math.nan, 0.0, 1.0
    p, z2 = count / of, Z95**2
    middle, half = p + z2 / (2 * of), Z95 * math.sqrt(p * (1 - p) / of + z2 / (4 * of * of))
    return p, max(0.0, (middle - half) / (1 + z2 / of)), min(1.0, (middle + half) / (1 + z2 / of))


def rate(count: int, cell_days: float) -> tuple[float, float, float]:
    """Return events per 1,000 cell-days, and the 95 % interval of their Poisson mean (Byar's approximation)."""
    low = count * (1 - 1 / (9 * count) - Z95 / (3 * math.sqrt(count))) ** 3 if count else 0.0
    more = count + 1
    high = more * (1 - 1 / (9 * more) + Z95 / (3 * math.sqrt(more))) ** 3
    return 1000 * count / cell_days, 1000 * low / cell_days, 1000 * high / cell_days


def is_named(alarm: BacktestAlarm) -> bool:
    """Return whether the alarm has the name of a taught class."""
    return alarm.name not in (UNKNOWN, SILENT)
