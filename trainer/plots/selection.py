"""Which cell and which episodes are worth looking at."""

from difflib import get_close_matches

import numpy as np
from numpy.typing import NDArray

from trainer.plots.style import PictureError
from trainer.plots.subject import Subject

MOST_EPISODES = 6
"""Pictures of faults, unless one is asked for: what a person looks at in one sitting. All outages look alike."""

LOAD = ("rrc_succ", "rrc_conn_mean", "pdcp_vol_dl_kb")
"""By which a cell is the busiest: the first that the catalogue has."""


def choose_episodes(subject: Subject, effects: NDArray[np.float32], wanted: int | None) -> list[int]:
    """The wanted one, or else the most visible of each class, those alone in their cell first. Raises PictureError.

    # effects [episodes]
    """
    if wanted is not None:
        if subject.play is None:
            raise PictureError(f"--episode {wanted}: nobody knows the episodes of {subject.name}; leave it out.")
        if not 0 <= wanted < len(effects):
            there = f"has episodes 0 to {len(effects) - 1}; give one of them, or" if len(effects) else "has no episode;"
            raise PictureError(f"--episode {wanted}: {subject.name} {there} leave it out.")
        return [wanted]
    if subject.play is None or not len(effects):
        return []
    known = subject.play.timeline.episodes
    middle = np.array([(episode.cell, (episode.begin + episode.end) // 2) for episode in known])
    overlaid = subject.play.timeline.labels(middle[:, 0], middle[:, 1]).others > 0  # its effect may be another's
    chosen: dict[str, int] = {}
    for number in np.lexsort((-effects, overlaid)).tolist():
        chosen.setdefault(known[number].fault.name, number)
    return list(chosen.values())[:MOST_EPISODES]


def choose_cell(
    subject: Subject, name: str | None, episodes: list[int], effects: NDArray[np.float32]
) -> tuple[int, int]:
    """The named one, that of the gravest episode, or else the busiest; and a minute of note. # -> cell, minute"""
    known = subject.play.timeline.episodes if subject.play else ()
    cell = None if name is None else _find(subject, name)
    there = [
        number for number in (episodes if cell is None else range(len(known))) if cell in (None, known[number].cell)
    ]
    if there:
        gravest = max(there, key=lambda n: (known[n].fault.kind == "fault", known[n].severity, effects[n]))
        return known[gravest].cell, max(known[gravest].begin, subject.span[0])
    return _busiest(subject) if cell is None else cell, subject.span[0]


def _find(subject: Subject, name: str) -> int:
    if name in subject.cells:
        return subject.cells.index(name)
    close = get_close_matches(name, subject.cells, 1)
    meant = f"did you mean {close[0]}?" if close else f"there are {subject.cells[0]} to {subject.cells[-1]}."
    raise PictureError(f"--cell {name}: is none of the {len(subject.cells)} cells of {subject.name}; {meant}")


def _busiest(subject: Subject) -> int:
    names = subject.catalogue.names
    load = next((name for name in LOAD if name in names), names[0])
    hours = range(subject.weekday.start, subject.weekday.stop, 60)
    values = subject.quick(subject.cells, hours, [load])[:, :, 0]
    return int(np.argmax(np.nan_to_num(values).sum(axis=1)))
