"""Episodes file of a simulated history: `episodes.csv`, one line for each episode and cell that it affects."""

import csv
import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, TextIO

import numpy as np

from detector.text import csv_cell
from trainer.simulator import FaultEpisode, NetworkTimeline, PreparedScenario, effects
from trainer.simulator.faults.footprints import struck_cells
from trainer.simulator.faults.schedule import DAY

COLUMNS = ("cell", "class", "kind", "begin", "end", "severity", "effect")

EpisodeRow = tuple[str, str, str, int, int, str, str]
"""Row of the file, with the columns COLUMNS."""


def write_episodes(play: PreparedScenario, file: IO[bytes]) -> None:
    """Write one line for each episode in the span and each affected cell: minutes since 1970, the end exclusive.

    An effect is measured without the episodes of other days.
    """
    text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
    write_rows(text, (row for episodes in _by_day(play) for row in _day_rows(play, episodes)))
    text.detach()


def write_rows(file: TextIO, rows: Iterable[EpisodeRow]) -> None:
    """Write the titles and one line for each row; cells and classes are no formulas for a spreadsheet."""
    plain = csv.writer(file, lineterminator="\n")
    quoted = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL)  # the other one leaves \r as it is
    plain.writerow(COLUMNS)
    for cell, name, *figures in rows:
        writer = quoted if "\r" in cell + name else plain
        writer.writerow((csv_cell(cell), csv_cell(name), *figures))


def count_episodes(path: Path) -> int:
    """Return the number of episodes in such a file.

    Lines of one class, time and severity belong to one episode, one line for each affected cell.
    """
    with path.open(newline="") as file:
        return len({tuple(row[1:6]) for row in csv.reader(file)}) - 1


def _by_day(play: PreparedScenario) -> Iterator[list[FaultEpisode]]:
    """Yield the episodes active at the span's begin or starting on its first day, then those starting on each day."""
    first, last = play.span
    for day in range(first // DAY, -(-last // DAY)):
        opening = play.span[0] if day == first // DAY else day * DAY
        active = play.episodes(opening, min((day + 1) * DAY, last))
        yield [e for e in active if e.end > first and (e.begin >= opening or opening == first)]


def _day_rows(play: PreparedScenario, episodes: list[FaultEpisode]) -> Iterator[EpisodeRow]:
    affected = [(cell, episode) for episode in episodes for cell in struck_cells(play.network, episode)]
    affected.sort(key=lambda entry: (entry[1].begin, entry[0], entry[1].fault.name))
    columns = ([cell for cell, _ in affected], [e.begin for _, e in affected], [e.end for _, e in affected])
    visible = effects(NetworkTimeline(play.network, episodes), *(np.array(column, np.int64) for column in columns))
    for (cell, episode), effect in zip(affected, visible.tolist(), strict=True):
        kind = "fault" if episode.fault.kind == "fault" else "ignore"
        span, figures = (episode.begin, episode.end), (f"{episode.severity:.3f}", f"{effect:.2f}")
        yield play.network.names[cell], episode.fault.name, kind, *span, *figures
