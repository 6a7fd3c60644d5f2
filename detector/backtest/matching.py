"""What alarms are worth, held against what truly was: per class, and as false alarms per 1,000 cells and day.

An episode is *named right* when an alarm with its name is raised in its cell between its begin and an hour after its
end; *misnamed* when only alarms with another taught name are; else it is *unknown* or *missed*. An alarm in a cell with
no fault about it is false, also where a harmless look-alike stands behind it.
"""

import csv
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from detector.core.features import WINDOW
from detector.core.lifecycle import SILENT, UNKNOWN
from detector.history.parquet import HistoryError

COLUMNS = {"cell", "class", "kind", "begin", "end"}

VISIBLE = 2.0
"""Effect from which a person would see the episode at all."""

Z95 = 1.96


@dataclass(frozen=True)
class Episode:
    """One line of an `episodes.csv`."""

    cell: str
    name: str
    kind: str
    begin: int
    end: int
    effect: float = math.nan
    severity: float = math.nan

    @property
    def key(self) -> tuple[str, str, int]:
        return self.cell, self.name, self.begin


@dataclass(frozen=True)
class BacktestAlarm:
    """One alarm of a replay."""

    cell: str
    name: str
    minute: int


@dataclass
class ClassCounts:
    """What became of the episodes of a class."""

    episodes: int = 0
    right: int = 0
    misnamed: int = 0
    unknown: int = 0
    visible: int = 0
    visible_right: int = 0
    minutes: list[int] = field(default_factory=list)
    """From begin to alarm, of those named right."""


def read_episodes(path: Path) -> list[Episode]:
    """Raises HistoryError, in one sentence with the line."""
    try:
        with path.open(newline="") as file:
            rows = csv.DictReader(file)
            if not set(rows.fieldnames or ()) >= COLUMNS:
                raise HistoryError(f"{path}: lacks a column; it needs {', '.join(sorted(COLUMNS))}.")
            return [_episode(path, number, row) for number, row in enumerate(rows, 2)]
    except OSError as error:
        raise HistoryError(f"{path}: cannot be read ({error.strerror}).") from None


def _episode(path: Path, line: int, row: dict[str, str]) -> Episode:
    try:
        begin, end = int(row["begin"]), int(row["end"])
        effect, severity = (float(row.get(name) or "nan") for name in ("effect", "severity"))
    except (TypeError, ValueError):
        raise HistoryError(f"{path}: line {line} has no whole minutes as begin and end.") from None
    if row["kind"] not in ("fault", "ignore"):
        raise HistoryError(f"{path}: line {line}: kind {row['kind']!r} is neither fault nor ignore.")
    if end <= begin:
        raise HistoryError(f"{path}: line {line}: ends at {end}, before it begins at {begin}.")
    return Episode(row["cell"], row["class"], row["kind"], begin, end, effect, severity)


def tally(episodes: Iterable[Episode], alarms: Sequence[BacktestAlarm], taught: set[str]) -> dict[str, ClassCounts]:
    """Per taught class. Episodes of other classes are in no tally."""
    by_cell: dict[str, list[BacktestAlarm]] = {}
    for alarm in alarms:
        by_cell.setdefault(alarm.cell, []).append(alarm)
    tallies = {name: ClassCounts() for name in sorted(taught)}
    for episode in episodes:
        if episode.name in tallies:
            told = [a for a in by_cell.get(episode.cell, []) if episode.begin <= a.minute < episode.end + WINDOW]
            _count(tallies[episode.name], episode, told, taught)
    return tallies


def _count(counted: ClassCounts, episode: Episode, told: Sequence[BacktestAlarm], taught: set[str]) -> None:
    counted.episodes += 1
    right = [alarm.minute for alarm in told if alarm.name == episode.name]
    counted.visible += episode.effect >= VISIBLE
    if right:
        counted.right += 1
        counted.visible_right += episode.effect >= VISIBLE
        counted.minutes.append(min(right) - episode.begin)
    elif any(alarm.name in taught for alarm in told):
        counted.misnamed += 1
    elif told:
        counted.unknown += 1


def false_alarms(episodes: Iterable[Episode], alarms: Iterable[BacktestAlarm]) -> list[BacktestAlarm]:
    """Alarms, silences aside, in cells with no fault from an hour before to an hour after."""
    faults: dict[str, list[Episode]] = {}
    for episode in episodes:
        if episode.kind == "fault":
            faults.setdefault(episode.cell, []).append(episode)
    return [
        alarm
        for alarm in alarms
        if alarm.name != SILENT
        and not any(e.begin <= alarm.minute < e.end + WINDOW for e in faults.get(alarm.cell, []))
    ]


def share(count: float, of: int) -> tuple[float, float, float]:
    """A share and its 95 % interval (Wilson, 1927)."""
    if not of:
        return math.nan, 0.0, 1.0
    p, z2 = count / of, Z95**2
    middle, half = p + z2 / (2 * of), Z95 * math.sqrt(p * (1 - p) / of + z2 / (4 * of * of))
    return p, max(0.0, (middle - half) / (1 + z2 / of)), min(1.0, (middle + half) / (1 + z2 / of))


def rate(count: int, cell_days: float) -> tuple[float, float, float]:
    """Events per 1,000 cell-days, and the 95 % interval of their Poisson mean (Byar's approximation)."""
    low = count * (1 - 1 / (9 * count) - Z95 / (3 * math.sqrt(count))) ** 3 if count else 0.0
    more = count + 1
    high = more * (1 - 1 / (9 * more) + Z95 / (3 * math.sqrt(more))) ** 3
    return 1000 * count / cell_days, 1000 * low / cell_days, 1000 * high / cell_days


def is_named(alarm: BacktestAlarm) -> bool:
    return alarm.name not in (UNKNOWN, SILENT)
