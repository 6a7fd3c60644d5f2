"""What is looked at: a scenario, a folder that `simulate` wrote, or the history of a network nobody simulated."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detector.core.features import Catalogue
from trainer.plots.recording import Recording
from trainer.simulator import PreparedScenario, delivered_columns, effects, prepare_scenario, read_scenario
from trainer.simulator.faults.schedule import DAY
from trainer.simulator.scenario import shipped_scenarios

Read = Callable[[Sequence[str], range, Sequence[str]], NDArray[np.float32]]
"""Cells, minutes, features -> their values, NaN where nothing was reported. # -> [cells, minutes, features]"""


@dataclass(frozen=True)
class Subject:
    """What is looked at."""

    name: str
    catalogue: Catalogue
    cells: Sequence[str]
    span: tuple[int, int]
    """First minute since 1970, and the one after the last."""
    written: Read
    """From its files, where there are files."""
    quick: Read
    """As it was simulated, where that is known: no file is opened."""
    play: PreparedScenario | None = None
    """What truly happened; None: nobody knows."""

    @property
    def weekday(self) -> range:
        """The minutes of its first whole working day; of its first day, where it has none."""
        first, last = -(-self.span[0] // DAY), self.span[1] // DAY
        working = [number for number in range(first, last) if (number + 3) % 7 < 5]  # 1970 began on a Thursday
        begin = working[0] * DAY if working else self.span[0] // DAY * DAY
        return range(begin, begin + DAY)

    def visible(self) -> NDArray[np.float32]:
        """The effect of each episode in its own cell. # -> [episodes]"""
        if self.play is None:
            return np.zeros(0, np.float32)
        struck = [(episode.cell, episode.begin, episode.end) for episode in self.play.timeline.episodes]
        cell, begin, end = np.array(struck, np.int64).reshape(-1, 3).T
        return effects(self.play.timeline, cell, begin, end)


def open_subject(what: str) -> Subject:
    """A shipped scenario by its name, a scenario by its file, or a history by its folder. Raises OperatorError."""
    folder = Path(what)
    if what in shipped_scenarios() or not folder.is_dir():
        return _simulated(what, prepare_scenario(read_scenario(what), what))
    recording, scenario = Recording(folder), folder / "simulation.yaml"
    if scenario.exists():
        return _simulated(what, prepare_scenario(read_scenario(str(scenario)), str(scenario)), recording)
    cells, span = recording.extent()
    return Subject(what, recording.catalogue, cells, span, recording.read, recording.read)


def _simulated(name: str, played: PreparedScenario, recording: Recording | None = None) -> Subject:
    measurement = played.timeline.network.operator.measurement
    catalogue, columns, number = (
        measurement.catalogue(),
        delivered_columns(measurement),
        played.timeline.network.names.index,
    )

    def read(cells: Sequence[str], minutes: range, names: Sequence[str]) -> NDArray[np.float32]:
        chosen = columns[[catalogue.names.index(feature) for feature in names]]
        cell = np.repeat(np.array([number(name) for name in cells], np.int64), len(minutes))
        minute = np.tile(np.array(minutes, np.int64), len(cells))
        return played.timeline.reported_values(cell, minute)[:, chosen].reshape(len(cells), len(minutes), len(names))

    written = read if recording is None else recording.read
    return Subject(name, catalogue, played.timeline.network.names, played.span, written, read, played)
