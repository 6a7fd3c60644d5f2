"""`faultline-trainer simulate`: a network's past as Parquet, with the list of what befell it."""

import argparse
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from trainer.arguments import positive

HELP = "write the history of a simulated network"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, required=True, help="folder for Parquet, episodes.csv and catalogue.yaml")
    parser.add_argument("--cells", type=positive, default=100, help="default: %(default)s")
    parser.add_argument("--days", type=positive, default=7, help="default: %(default)s")
    parser.add_argument("--episodes", type=int, default=20, help="faults and look-alikes (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=positive, default=2, help="processes that simulate (default: %(default)s)")


def run(arguments: argparse.Namespace) -> int:
    import numpy as np

    from detector.config import write_catalogue
    from trainer.episodes import draw_episodes, write_episodes
    from trainer.history import START_MINUTE, HistoryError, SimulatedHistory
    from trainer.progress import console, step
    from trainer.simulator import Network

    network = Network(arguments.cells, seed=arguments.seed)
    span = (START_MINUTE, START_MINUTE + arguments.days * 1440)
    episodes = draw_episodes(network, span, arguments.episodes, np.random.default_rng([arguments.seed, 11]))
    history = SimulatedHistory(network, span, episodes)
    if any(arguments.out.glob("day=*")):
        raise HistoryError(f"{arguments.out}: holds a history already; give another folder, or remove it first.")
    arguments.out.mkdir(parents=True, exist_ok=True)
    write_catalogue(history.catalogue, arguments.out / "catalogue.yaml")
    write_episodes(arguments.out / "episodes.csv", network, episodes)
    with (
        step(f"{arguments.cells} cells, {arguments.days} days"),
        ProcessPoolExecutor(arguments.workers, mp_context=get_context("fork")) as pool,
    ):
        list(pool.map(partial(_write_day, history, arguments.out), range(arguments.days)))
    console.print(f"{arguments.out}: seed {arguments.seed}, {len(episodes)} episodes in episodes.csv")
    return 0


def _write_day(history: "SimulatedHistory", folder: Path, day: int) -> None:  # type: ignore[name-defined] # noqa: F821
    from datetime import UTC, datetime

    import numpy as np

    from trainer.history import write_day

    first = history.span[0] + day * 1440
    minute = np.tile(np.arange(first, first + 1440), len(history.cells))
    cell = np.repeat(np.arange(len(history.cells)), 1440)
    name = datetime.fromtimestamp(first * 60, UTC).date().isoformat()
    cells = [name for name in history.cells for _ in range(1440)]
    write_day(folder, name, cells, minute, history.read(cell, minute), history.catalogue.names)
