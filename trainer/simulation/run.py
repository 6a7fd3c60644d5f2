"""Simulation run: a scenario played by several processes, into a folder or onto the input topic."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from detector.config.catalogue import catalogue_yaml
from detector.config.loader import read_config
from detector.config.schema import Kafka
from detector.core.features import Catalogue
from detector.kafka.readers.range_reader import partition_of
from detector.kafka.topics import partition_count
from detector.output.claim import claimed
from detector.terminal import print_line
from trainer.simulation.episodes_file import count_episodes, write_episodes
from trainer.simulation.kafka_feed import Pace, feed
from trainer.simulation.parquet_writer import (
    CELLS_PER_FILE,
    RECORD_BYTES,
    SIMULATED_HISTORY,
    Piece,
    claim,
    is_begun,
    is_written,
    pieces,
    whole,
    write_piece,
)
from trainer.simulation.request import SimulationRequest
from trainer.simulator import PreparedScenario, Scenario, prepare_scenario, read_scenario, write_scenario
from trainer.simulator.faults.schedule import DAY
from trainer.simulator.scenario import ScenarioError, override_scenario
from trainer.workers import SharedCounter, bar, run_workers

RETENTION_DAYS = 7
"""Usual retention of a topic."""

REAL_TIME = 1.0

LARGEST_FACTOR = 1e6
"""Largest factor of real time."""


def simulate(request: SimulationRequest) -> PreparedScenario:
    """Play the scenario into a folder or onto the input topic, and return it. Raises ScenarioError, OperatorError."""
    if (request.out is None) == (not request.kafka):
        given = "both are given" if request.kafka else "neither is given"
        raise ScenarioError(f"--out DIR and --kafka: {given}; give one of the two.")
    scenario = override_scenario(read_scenario(request.scenario), request.cells, request.days, request.seed)
    if request.now:
        scenario = override_scenario(scenario, None, None, None, start_now(scenario.days, request.speed))
    if request.out is None:
        ready = _prepare(scenario, request)
        send(ready, request.config, request.speed, request.now, request.workers)
        return ready
    bytes_needed = 0 if is_begun(request.out) else _expected_bytes(scenario) // request.period
    with claimed(request.out, SIMULATED_HISTORY, bytes_needed=bytes_needed):
        ready = _prepare(scenario, request)
        write(scenario, ready, request.out, request.labels, request.workers)
    return ready


def _prepare(scenario: Scenario, request: SimulationRequest) -> PreparedScenario:
    """Return the prepared scenario at the request's period. Raises ScenarioError if it is shorter than a period."""
    play = prepare_scenario(scenario, request.scenario).at_period(request.period)
    if not play.records:
        raise ScenarioError(
            f"--period {request.period}: the scenario lasts {scenario.days:g} days, less than one period of so many"
            " minutes; give it more --days."
        )
    return play


def write(scenario: Scenario, play: PreparedScenario, folder: Path, with_labels: bool, workers: int) -> None:
    """Write the scenario as a history into a folder, or continue where an earlier call of the same run stopped.

    Raises ArchiveError.
    """
    period = f", period: {play.period_minutes} minutes" if play.period_minutes > 1 else ""
    claim(folder, f"# {CELLS_PER_FILE} cells a file, labels: {with_labels}{period}\n{write_scenario(scenario)}")
    network = play.network
    _write_once(folder / "catalogue.yaml", partial(_write_catalogue, play.catalogue))
    _write_once(folder / "episodes.csv", partial(write_episodes, play))
    all_pieces = pieces(play)
    missing = [piece for piece in all_pieces if not is_written(folder, piece)]
    if len(missing) < len(all_pieces):
        print_line(f"{folder}: {len(all_pieces) - len(missing)} of {len(all_pieces)} files are written already")
    with bar("records", sum(map(partial(_records_of, play), missing))) as count:
        tasks = [partial(_write_piece, folder, play, piece, with_labels, count=count) for piece in missing]
        run_workers(tasks, workers, count)
    episodes = count_episodes(folder / "episodes.csv")
    print_line(f"{folder}: {network.cells} cells, {episodes} episodes, seed {scenario.network.seed}")


def start_now(days: float, speed: str) -> date:
    """Return the first day of a scenario that is sent now: today in real time, else so that its last day is yesterday.

    Brokers refuse minutes of the future (an hour ahead, by default from Kafka 4.0 on), and delete old ones.
    """
    today = datetime.now(UTC).date()
    return today if speed_of(speed) == REAL_TIME else today - timedelta(math.ceil(days))


def send(play: PreparedScenario, config_path: Path, speed: str, now: bool, workers: int) -> None:
    """Send the scenario to the input topic; with `now` and in real time, from this minute on.

    Raises ScenarioError, ClusterError.
    """
    config, factor = read_config(config_path), speed_of(speed)
    wall = time.time()
    if now and factor == REAL_TIME:
        play = replace(play, span=(int(wall // 60), play.span[1])).at_period(play.period_minutes)
        if play.span[0] >= play.span[1]:
            raise ScenarioError("--now: the scenario begins at midnight and is over by now; give it more --days.")
    age = wall / 86_400 - play.span[0] / DAY
    if age > RETENTION_DAYS:
        print_line(f"these minutes are {age:,.0f} days old, and topics delete by age; --now sends recent ones")
    shares = _shares(play.network.names, partition_count(config, config.kafka.topics.minutes), workers)
    with bar("records", play.records) as count:
        pace = Pace(factor, wall, play.span[0])
        run_workers([partial(_feed, play, cells, config.kafka, pace, count=count) for cells in shares], workers, count)


def speed_of(text: str) -> float | None:
    """Return the factor of real time; None = full speed. Raises ScenarioError."""
    if text in ("max", "real"):
        return None if text == "max" else REAL_TIME
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0 < speed <= LARGEST_FACTOR:
        raise ScenarioError(f"--speed {text}: is not real, max, or a factor above 0 and up to 1e6, such as 60.")
    return speed


def _shares(names: Sequence[str], partitions: int, workers: int) -> list[NDArray[np.int64]]:
    """Return the cells of each process.

    Cells of one partition stay together: two processes at full speed would write minutes of different hours there.
    """
    worker_of = np.array([partition_of(name.encode(), partitions) % workers for name in names])
    return [cells for number in range(workers) if len(cells := np.flatnonzero(worker_of == number))]


def _expected_bytes(scenario: Scenario) -> int:
    """Return the room that the whole history takes."""
    return int(scenario.network.cells * scenario.days * DAY * RECORD_BYTES)


def _write_catalogue(catalogue: Catalogue, file: IO[bytes]) -> None:
    file.write(catalogue_yaml(catalogue).encode())


def _write_once(path: Path, write_to: Callable[[IO[bytes]], object]) -> None:
    """Write a file that the same run would write again the same: the episodes of a long run take minutes."""
    if not path.exists():
        with whole(path) as file:
            write_to(file)


def _records_of(play: PreparedScenario, piece: Piece) -> int:
    return (piece.last_cell - piece.first_cell) * len(piece.minutes(play.span, play.period_minutes))


def _write_piece(folder: Path, play: PreparedScenario, piece: Piece, with_labels: bool, count: SharedCounter) -> None:
    for records in write_piece(folder, play, piece, with_labels):
        count.add(records)


def _feed(play: PreparedScenario, cells: NDArray[np.int64], kafka: Kafka, pace: Pace, count: SharedCounter) -> None:
    feed(play, cells, kafka, pace, count.add)
