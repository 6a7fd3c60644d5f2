"""`faultline replay`: a history through the daemon's own pipeline, without Kafka, and what its alarms are worth."""

import argparse
import sys
from pathlib import Path

from detector.config.loader import read_config
from detector.config.schema import Config

HELP = "run a history in Parquet through the pipeline; alarms as JSON lines, and a report"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--history", type=Path, required=True, help="folder with Parquet and catalogue.yaml")
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--config", type=Path, help="for its knobs (default: theirs)")
    taught = parser.add_mutually_exclusive_group(required=True)
    taught.add_argument("--labels", type=Path, help="JSON lines, as on the labels' topic")
    taught.add_argument("--teach", type=Path, help="an episodes.csv: each line is taught from --teach-from")
    parser.add_argument("--teach-from", type=Path, help="history of those episodes (default: --history)")
    parser.add_argument("--alarms", type=Path, help="file for the notifications, one JSON line each")
    parser.add_argument("--report", type=Path, help="file for the report as JSON")


def run(arguments: argparse.Namespace) -> int:
    from detector.alarms.notifications import Context
    from detector.backtest.matching import read_episodes
    from detector.backtest.replay import ReplayRecorder, build_labels, check_writable, read_labels, replay, write_report
    from detector.backtest.summary import summarise, table
    from detector.bundle.verification import open_bundle
    from detector.history.parquet import ParquetDays
    from detector.labels.label import write_label
    from detector.labels.store import LabelStore

    check_writable([path for path in (arguments.alarms, arguments.report) if path])
    config = read_config(arguments.config) if arguments.config else Config(bundle=str(arguments.bundle))
    bundle, encode = open_bundle(arguments.bundle, config.runtime.threads)
    days = ParquetDays(arguments.history)
    labels = LabelStore(bundle, encode, config.settings, config.runtime.threads)
    shown = read_episodes(arguments.teach) if arguments.teach else []
    source = ParquetDays(arguments.teach_from) if arguments.teach_from else days
    taught = read_labels(arguments.labels) if arguments.labels else build_labels(source, bundle, shown)
    labels.put_all((label.id.encode(), write_label(label)) for label in taught)
    judge = labels.classifier()
    with ReplayRecorder(arguments.alarms, Context(config.alarms.system_dn, bundle.digest)) as listener:
        for event in replay(days, bundle, encode, judge, config.settings, progress=listener.add_records):
            listener.record(event)
    truth = arguments.history / "episodes.csv"
    episodes = read_episodes(truth) if truth.exists() else []
    fresh = [episode for episode in episodes if episode.key not in {one.key for one in shown}]
    report = summarise(fresh, episodes, listener.alarms, set(judge.library.faults), listener.cell_days, config.settings)
    if arguments.report:
        write_report(arguments.report, report)
    print(table(report), end="", file=sys.stdout)
    return 0
