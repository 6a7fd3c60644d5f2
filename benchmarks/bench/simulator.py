"""What a simulated network costs: a minute of 100,000 cells, writing it down, and feeding it to a broker."""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from tests.kafka.topics import create_topics
from trainer.simulation.parquet_writer import Piece, write_piece
from trainer.simulator import Network, PreparedScenario, prepare_scenario, read_scenario, records

MINUTE = 29_460_600
"""A Monday evening."""

ROUNDS = 5
FEED = "network: {cells: 10000, seed: 5}\ndays: 0.0139\n"
"""Twenty minutes."""


def measure_simulator(bootstrap: str) -> dict[str, float]:
    """Seconds of one core for 100,000 cells' minute, and the ratios that carry over; printed as they come."""
    figures: dict[str, float] = {}
    for cells in (10_000, 100_000):
        network, each = Network(cells, seed=1), np.arange(cells)
        minutes = [np.full(cells, minute) for minute in range(MINUTE, MINUTE + ROUNDS)]
        cost = [cpu(partial(records, network, each, minute)) for minute in minutes]
        figures[f"microseconds_per_record_{cells}_cells"] = statistics.median(cost) / cells * 1e6
    figures["seconds_per_minute_of_100000_cells"] = figures["microseconds_per_record_100000_cells"] / 10
    figures["writing_over_generating"] = writing()
    figures["fed_records_per_second"] = feeding(bootstrap)
    for name, value in figures.items():
        print(f"  {name:<42} {value:,.2f}")
    return {name: round(value, 3) for name, value in figures.items()}


def cpu(work: Callable[[], object]) -> float:
    begin = time.process_time()
    work()
    return time.process_time() - begin


def writing() -> float:
    """Speed of generating a day of 48 cells and writing it, over that of generating it alone."""
    ready: PreparedScenario = prepare_scenario(read_scenario("quiet-week"), "bench")
    day = ready.span[0] // 1440
    cell, minute = np.repeat(np.arange(48), 1440), np.tile(np.arange(1440) + ready.span[0], 48)
    ratios = []
    for _ in range(ROUNDS):
        alone = cpu(partial(ready.timeline.reported_values, cell, minute))
        with tempfile.TemporaryDirectory() as folder:
            both = cpu(partial(list, write_piece(Path(folder), ready, Piece(day, 0, 48), False)))
        ratios.append(alone / both)
    return statistics.median(ratios)


def feeding(bootstrap: str) -> float:
    """Records a second from two processes into a broker beside them, simulated, encoded and acknowledged."""
    create_topics(bootstrap, {"bench-feed": {"partitions": 6, "config": {"retention.ms": "-1"}}})
    with tempfile.TemporaryDirectory() as folder:
        scenario, config = Path(folder) / "feed.yaml", Path(folder) / "config.yaml"
        scenario.write_text(FEED)
        kafka = f"{{common: {{bootstrap.servers: '{bootstrap}'}}, topics: {{minutes: bench-feed}}}}"
        config.write_text(f"bundle: none\nkafka: {kafka}\n")
        begin = time.perf_counter()
        command = ["-m", "trainer", "simulate", str(scenario), "--kafka", "--config", str(config)]
        # As a user's: it forks, and this process has threads that no fork survives.
        subprocess.run([sys.executable, *command], check=True, stdout=subprocess.DEVNULL)
        return 200_000 / (time.perf_counter() - begin)
