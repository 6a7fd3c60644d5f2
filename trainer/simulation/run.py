"""A scenario played by several processes: into a folder, or onto the input topic."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detector.config.loader import read_config, write_catalogue
from detector.config.schema import Kafka
from detector.kafka.readers.range_reader import partition_of
from detector.kafka.topics import partition_count
from trainer.console import console
from trainer.simulation.episodes_file import count_episodes, write_episodes
from trainer.simulation.kafka_feed import Pace, feed
from trainer.simulation.parquet_writer import CELLS_PER_FILE, Piece, claim, is_written, pieces, whole, write_piece
from trainer.simulator import PreparedScenario, Scenario, write_scenario
from trainer.simulator.faults.schedule import DAY
from trainer.simulator.scenario import ScenarioError
from trainer.workers import SharedCounter, bar, run_workers

FORGOTTEN_DAYS = 7
"""A topic's usual retention."""


def write(scenario: Scenario, play: PreparedScenario, folder: Path, with_labels: bool, workers: int) -> int:
    """The scenario as a history in a folder; goes on where an earlier call of the same was stopped."""
    claim(folder, f"# {CELLS_PER_FILE} cells a file, labels: {with_labels}\n{write_scenario(scenario)}")
    network = play.network
    _write_once(folder / "catalogue.yaml", partial(write_catalogue, network.operator.measurement.catalogue()))
    _write_once(folder / "episodes.csv", partial(write_episodes, play))
    all_pieces = pieces(play)
    left = [piece for piece in all_pieces if not is_written(folder, piece)]
    if len(left) < len(all_pieces):
        console.print(f"{folder}: {len(all_pieces) - len(left)} of {len(all_pieces)} files are there already")
    with bar("records", sum(map(partial(_records_of, play), left))) as count:
        tasks = [partial(_write_piece, folder, play, piece, with_labels, count) for piece in left]
        run_workers(tasks, workers, count)
    episodes = count_episodes(folder / "episodes.csv")
    console.print(f"{folder}: {network.cells} cells, {episodes} episodes, seed {scenario.network.seed}")
    return 0


LIFE = 1.0
"""The speed of life."""


def start_now(days: float, speed: str) -> date:
    """Day 1 of what is sent now: today where it is sent at the speed of life, else so that the last day is yesterday.

    Brokers refuse minutes of the future (an hour ahead, by default from Kafka 4.0 on), and forget old ones.
    """
    today = datetime.now(UTC).date()
    return today if speed_of(speed) == LIFE else today - timedelta(math.ceil(days))


def send(play: PreparedScenario, config: Path, speed: str, now: bool, workers: int) -> int:
    """The scenario onto the input topic; now and at the speed of life, from this minute on. Raises ScenarioError,
    ClusterError.
    """
    knobs, pace = read_config(config), speed_of(speed)
    wall = time.time()
    if now and pace == LIFE:
        play = replace(play, span=(int(wall // 60), play.span[1]))
        if play.span[0] >= play.span[1]:
            raise ScenarioError("--now: the scenario begins at midnight and is over by now; give it more --days.")
    past = wall / 86_400 - play.span[0] / DAY
    if past > FORGOTTEN_DAYS:
        console.print(f"these minutes are {past:,.0f} days old, and topics forget by age; --now sends recent ones")
    shares = _shares(play.network.names, partition_count(knobs, knobs.kafka.topics.minutes), workers)
    with bar("records", play.network.cells * (play.span[1] - play.span[0])) as count:
        paced = Pace(pace, wall, play.span[0])
        run_workers([partial(_feed, play, cells, knobs.kafka, paced, count) for cells in shares], workers, count)
    return 0


def speed_of(text: str) -> float | None:
    """Times the speed of life; None = as fast as it goes. Raises ScenarioError."""
    if text in ("max", "real"):
        return None if text == "max" else LIFE
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0 < speed <= 1e6:
        raise ScenarioError(f"--speed {text}: is not real, max, or a factor such as 60.")
    return speed


def _shares(names: Sequence[str], partitions: int, workers: int) -> list[NDArray[np.int64]]:
    """The cells of each process: those of one partition stay together, or two processes at full speed would bring the
    minutes of different hours there.
    """
    mine = np.array([partition_of(name.encode(), partitions) % workers for name in names])
    return [cells for number in range(workers) if len(cells := np.flatnonzero(mine == number))]


def _write_once(path: Path, into: Callable[[Path], object]) -> None:
    """What the same run would write again the same: the episodes of a long one take minutes."""
    if not path.exists():
        with whole(path) as unfinished:
            into(unfinished)


def _records_of(play: PreparedScenario, piece: Piece) -> int:
    return (piece.last_cell - piece.first_cell) * len(piece.minutes(play.span))


def _write_piece(folder: Path, play: PreparedScenario, piece: Piece, with_labels: bool, count: SharedCounter) -> None:
    for written in write_piece(folder, play, piece, with_labels):
        count.add(written)


def _feed(play: PreparedScenario, cells: NDArray[np.int64], kafka: Kafka, pace: Pace, count: SharedCounter) -> None:
    feed(play, cells, kafka, pace, count.add)
