"""Selection of the cell and the episodes to draw."""

from difflib import get_close_matches

import numpy as np
from numpy.typing import NDArray

from trainer.plots.style import PictureError
from trainer.plots.subject import Subject

MOST_EPISODES = 6
"""Largest number of fault plots without `--episode`; each class appears once, since its episodes look alike."""

LOAD_FEATURES = ("rrc_succ", "rrc_conn_mean", "pdcp_vol_dl_kb")
"""Features that define the busiest cell; the first one in the catalogue counts."""


def choose_episodes(subject: Subject, effects: NDArray[np.float32], requested: int | None) -> list[int]:
    """Return the requested episode, or the most visible one of each class, first those without an overlapping episode.

    Raises PictureError for an unknown number. # effects [episodes]
    """
    if requested is not None:
        if subject.scenario is None:
            raise PictureError(f"--episode {requested}: {subject.name} has no known episodes; leave the option out.")
        if not 0 <= requested < len(effects):
            numbers = f"episodes 0 to {len(effects) - 1}; give one of them, or" if len(effects) else "no episode;"
            raise PictureError(f"--episode {requested}: {subject.name} has {numbers} leave the option out.")
        return [requested]
    if subject.scenario is None or not len(effects):
        return []
    episodes = subject.scenario.timeline.episodes
    middle = np.array([(episode.cell, (episode.begin + episode.end) // 2) for episode in episodes])
    # The effect of an overlapped episode can be that of the other one.
    overlapped = subject.scenario.timeline.labels(middle[:, 0], middle[:, 1]).others > 0
    chosen: dict[str, int] = {}
    for number in np.lexsort((-effects, overlapped)).tolist():
        chosen.setdefault(episodes[number].fault.name, number)
    return list(chosen.values())[:MOST_EPISODES]


def choose_cell(
    subject: Subject, name: str | None, episodes: list[int], effects: NDArray[np.float32]
) -> tuple[int, int]:
    """Return the cell to draw and a minute of its week.

    The cell is the named one, or that of the gravest of `episodes`, or the busiest. Raises PictureError for an unknown
    name. # effects [all episodes]
    """
    all_episodes = subject.scenario.timeline.episodes if subject.scenario else ()
    cell = None if name is None else _find(subject, name)
    numbers = episodes if cell is None else range(len(all_episodes))
    candidates = [number for number in numbers if cell in (None, all_episodes[number].cell)]
    if candidates:
        gravest = max(
            candidates, key=lambda n: (all_episodes[n].fault.kind == "fault", all_episodes[n].severity, effects[n])
        )
        episode = all_episodes[gravest]
        return episode.cell, max(episode.begin, subject.span[0])
    return _busiest(subject) if cell is None else cell, subject.span[0]


def _find(subject: Subject, name: str) -> int:
    if name in subject.cells:
        return subject.cells.index(name)
    close = get_close_matches(name, subject.cells, 1)
    remedy = f"did you mean {close[0]}?" if close else f"its cells are {subject.cells[0]} to {subject.cells[-1]}."
    raise PictureError(f"--cell {name}: {subject.name} has no such cell among its {len(subject.cells)}; {remedy}")


def _busiest(subject: Subject) -> int:
    names = subject.catalogue.names
    load = next((name for name in LOAD_FEATURES if name in names), names[0])
    minutes = range(subject.weekday.start, subject.weekday.stop, 60)
    values = subject.read_fast(subject.cells, minutes, [load])[:, :, 0]
    return int(np.argmax(np.nan_to_num(values).sum(axis=1)))
