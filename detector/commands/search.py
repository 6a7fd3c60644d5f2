"""`faultline search`: when and where did this happen before?

One line for each episode of the past that resembles what befell one cell, the nearest first, with what it was called
at the time. Times are UTC unless an offset stands behind them. Exit code 3: nothing resembles it.
"""

import argparse
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from time import time

import msgspec

from detector.backtest.replay import DAY_MINUTES
from detector.commands.arguments import add_config_argument, add_episode_arguments, asked_episode
from detector.config.loader import read_config
from detector.config.schema import Config
from detector.core.features import WINDOW, Catalogue
from detector.errors import LabelError
from detector.history.parquet import HistoryFiles
from detector.history.parquet_source import ParquetSource
from detector.history.sampling import SampleSize, cut
from detector.labels.builder import LabelMeta, LabelWindow, build_label
from detector.timestamps import write_minute

HELP = "when and where did this happen before? the past's nearest episodes"

DIFFERENT = 3

EVERYTHING = 1e6
"""Hours and cell-days: what a past has."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_config_argument(parser)
    add_episode_arguments(parser)
    parser.add_argument("--history", type=Path, help="Parquet to search instead of the input topic")
    parser.add_argument("--offline", action="store_true", help="leave Kafka out: what it was called is not told")
    parser.add_argument("--most", type=int, default=20, help="lines (default: %(default)s)")
    parser.add_argument("--farthest", type=float, default=0.5, help="distance, 0 to 1 (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="one line of JSON an episode")


def run(arguments: argparse.Namespace) -> int:
    begin, end = asked_episode(arguments)
    if arguments.offline and not arguments.history:
        raise LabelError("--offline leaves nothing to search in; give a --history.")
    from detector.alarms.journal import classes_of
    from detector.bundle.verification import open_bundle
    from detector.history.search import Search, nearest_matches, search_query
    from detector.kafka.readers.alarm_topic import read_notices

    config = read_config(arguments.config)
    bundle, encode = open_bundle(Path(config.bundle), config.runtime.threads)
    notices = [] if arguments.offline else read_notices(config)
    with ExitStack() as opened:
        past, days = _past(arguments.history, config, bundle.catalogue, arguments.cell, opened)
        found = cut(past, arguments.cell, begin, end, int(time() // 60), config.minutes.min_coverage)
        label = build_label(
            LabelWindow(values=found.values, catalogue=past.catalogue, baseline=bundle.baseline),
            LabelMeta(name="sought", kind="fault", cell=arguments.cell, begin=found.begin, end=found.end),
        )
        sought = search_query(label, found.begin, found.end, bundle, encode)
        scan = Search(bundle, encode, sought, config.minutes.min_coverage)
        pool = opened.enter_context(ThreadPoolExecutor(config.runtime.threads or os.cpu_count()))
        windows = [one for day in days for one in scan.matches(day, pool)]
    near = [one for one in nearest_matches(windows, sought) if one.distance <= arguments.farthest]
    lines = [(one, classes_of(notices, one.cell, one.minute - WINDOW, one.minute)) for one in near[: arguments.most]]
    if arguments.json:
        for one, names in lines:
            print(msgspec.json.encode({**msgspec.to_builtins(one), "called": names}).decode())
        return 0 if near else DIFFERENT
    print(f"{arguments.cell}, {write_minute(found.begin)} to {write_minute(found.end)}, size {sought.size:.1f}")
    print(f"{'window ends (UTC)':<18}{'cell':<32}{'distance':>9}{'size':>7}  called at the time")
    for one, names in lines:
        told = "" if arguments.offline else ", ".join(names) or "nothing"
        print(f"{write_minute(one.minute + 1):<18}{one.cell[:31]:<32}{one.distance:>9.3f}{one.size:>7.1f}  {told[:31]}")
    print(
        f"{len(near):,} episodes within {arguments.farthest:g}; looked at {scan.records / DAY_MINUTES:,.1f}"
        f" cell-days, {scan.windows:,} windows, {scan.encoded:,} closely"
    )
    return 0 if near else DIFFERENT


def _past(
    history: Path | None, config: Config, catalogue: Catalogue, cell: str, opened: ExitStack
) -> "tuple[ParquetSource | TopicHistory, Iterable[Day]]":  # type: ignore[name-defined]  # noqa: F821
    """Where the episode is cut from, and what is searched: all files, or as much of the topic as is read in seconds."""
    from detector.history.search import day_of, days_of_files

    if history:
        files = HistoryFiles(history)
        if files.catalogue.digest != catalogue.digest:
            raise LabelError(f"{history}: has other features than the bundle; train a bundle for its catalogue.")
        return ParquetSource(history), days_of_files(files)
    from detector.kafka.readers.topic_history import TopicHistory

    past = opened.enter_context(closing(TopicHistory(config, catalogue)))
    parts = past.read_sample(cell, SampleSize(EVERYTHING, EVERYTHING)).parts
    return past, (day_of(part) for part in parts)
