"""Subject of the plots: a scenario, a folder written by `simulate`, or the history of a real network."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detector.core.features import Catalogue
from trainer.plots.recording import Recording
from trainer.simulator import PreparedScenario, delivered_columns, prepare_scenario, read_scenario
from trainer.simulator import effects as episode_effects
from trainer.simulator.faults.schedule import DAY
from trainer.simulator.scenario import shipped_scenarios

Read = Callable[[Sequence[str], range, Sequence[str]], NDArray[np.float32]]
"""Function of cells, minutes, features; NaN is "not reported". # -> [cells, minutes, features]"""


@dataclass(frozen=True)
class Subject:
    """Network to draw, with its readers of values."""

    name: str
    catalogue: Catalogue
    cells: Sequence[str]
    span: tuple[int, int]
    """First minute since 1970, and the minute after the last."""
    read_stored: Read
    """Reader of the files, or of the simulation without files."""
    read_fast: Read
    """Reader of the simulation without opening a file, or of the files of a real network."""
    scenario: PreparedScenario | None = None
    """Scenario with the true episodes; None for a real network."""

    @property
    def weekday(self) -> range:
        """Minutes of the first whole working day, or else of the first day."""
        first, last = -(-self.span[0] // DAY), self.span[1] // DAY
        workdays = [day for day in range(first, last) if (day + 3) % 7 < 5]  # 1970 began on a Thursday
        begin = workdays[0] * DAY if workdays else self.span[0] // DAY * DAY
        return range(begin, begin + DAY)

    def effects(self) -> NDArray[np.float32]:
        """Return the effect of each episode in its own cell. # -> [episodes]"""
        if self.scenario is None:
            return np.zeros(0, np.float32)
        own_cells = [(episode.cell, episode.begin, episode.end) for episode in self.scenario.timeline.episodes]
        cell, begin, end = np.array(own_cells, np.int64).reshape(-1, 3).T
        return episode_effects(self.scenario.timeline, cell, begin, end)


def open_subject(name: str) -> Subject:
    """Open a shipped scenario by its name, a scenario by its file, or a history by its folder. Raises OperatorError."""
    folder = Path(name)
    if name in shipped_scenarios() or not folder.is_dir():
        return _simulated(name, prepare_scenario(read_scenario(name), name))
    recording, scenario = Recording(folder), folder / "simulation.yaml"
    if scenario.exists():
        return _simulated(name, prepare_scenario(read_scenario(str(scenario)), str(scenario)), recording)
    cells, span = recording.extent()
    return Subject(
        name=name,
        catalogue=recording.catalogue,
        cells=cells,
        span=span,
        read_stored=recording.read,
        read_fast=recording.read,
    )


def _simulated(name: str, scenario: PreparedScenario, recording: Recording | None = None) -> Subject:
    measurement = scenario.timeline.network.operator.measurement
    catalogue, columns, cell_number = (
        measurement.catalogue(),
        delivered_columns(measurement),
        scenario.timeline.network.names.index,
    )

    def read(cells: Sequence[str], minutes: range, names: Sequence[str]) -> NDArray[np.float32]:
        selected = columns[[catalogue.names.index(feature) for feature in names]]
        cell = np.repeat(np.array([cell_number(name) for name in cells], np.int64), len(minutes))
        minute = np.tile(np.array(minutes, np.int64), len(cells))
        return scenario.timeline.reported_values(cell, minute)[:, selected].reshape(
            len(cells), len(minutes), len(names)
        )

    read_stored = read if recording is None else recording.read
    return Subject(
        name=name,
        catalogue=catalogue,
        cells=scenario.timeline.network.names,
        span=scenario.span,
        read_stored=read_stored,
        read_fast=read,
        scenario=scenario,
    )
