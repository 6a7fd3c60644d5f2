"""A labelled episode out of a history."""

import argparse
from pathlib import Path
from time import time

import numpy as np

from detector.core.features import Baseline
from detector.errors import LabelError
from detector.labels.builder import label_span, make_label
from detector.labels.label import Label
from trainer.data.history import History


def label_episode(
    history: History, baseline: Baseline, name: str, kind: str, cell: str, begin: int, end: int, note: str = ""
) -> Label:
    """One exemplar of `name` from one episode of one cell. Raises LabelError."""
    if cell not in set(history.cells):
        raise LabelError(f"cell {cell!r} is not in the history; `cells` of its Parquet files lists those that are.")
    first, last = label_span(begin, min(end, history.span[1]))
    if last <= begin or first < history.span[0]:
        raise LabelError(
            f"the episode of {cell} from minute {begin} to {end} lies outside the history"
            f" ({history.span[0]} to {history.span[1]}, an hour before it included)."
        )
    minute = np.arange(first, last)
    values = history.read(np.full(len(minute), list(history.cells).index(cell)), minute)
    return make_label(values, history.catalogue, baseline, name, kind, cell, begin, last, note)


HELP = "publish one exemplar of a class from an episode in a history"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, default=Path("config.yaml"), help="the knobs (default: %(default)s)")
    parser.add_argument("--history", type=Path, required=True, help="folder with the minutes of the episode")
    parser.add_argument("--cell", required=True)
    parser.add_argument("--class", dest="name", required=True, help="lower case, digits and _")
    parser.add_argument("--begin", type=int, required=True, help="first minute of the episode, minutes since 1970")
    parser.add_argument("--end", type=int, required=True, help="the minute after its last")
    parser.add_argument("--kind", choices=("fault", "normal", "ignore"), default="fault")
    parser.add_argument("--note", default="", help="for whoever reads the alarm")


def run(arguments: argparse.Namespace) -> int:
    from detector.bundle.format import read_bundle
    from detector.config.loader import read_config
    from detector.kafka.producer import Publisher
    from detector.labels.label import label_windows, read_label, write_label
    from trainer.console import console
    from trainer.data.history import ParquetHistory

    config = read_config(arguments.config)
    bundle = read_bundle(Path(config.bundle))
    history = ParquetHistory(arguments.history)
    label = label_episode(
        history,
        bundle.baseline,
        arguments.name,
        arguments.kind,
        arguments.cell,
        arguments.begin,
        arguments.end,
        arguments.note,
    )
    value = write_label(label)
    windows = label_windows(read_label(value), bundle.catalogue)  # refuses here what the detectors would refuse
    Publisher(config.kafka).publish(config.kafka.topics.labels, [(label.id.encode(), value, int(time() * 1000))])
    console.print(f"{label.id}: {label.kind} {label.name}, {len(windows)} windows of {label.cell}, {len(value)} bytes")
    return 0
