"""Replay a history through the daemon's pipeline, and compare its alarms with known episodes.

The history is a folder of Parquet; Kafka is not needed. The known episodes are its episodes.csv.

Examples:

    faultline replay --history history/ --bundle bundles/current --teach taught.csv
    faultline replay --history history/ --bundle bundles/current --labels labels.jsonl
"""

import argparse

from detector.commands.argument_types import file_path, folder_path
from detector.commands.arguments import add_json_argument
from detector.commands.requests import ReplayRequest

HELP = "replay a history in Parquet through the pipeline; alarms as JSON lines, and a report"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--history", type=folder_path, required=True, help="folder with Parquet and catalogue.yaml")
    parser.add_argument("--bundle", type=folder_path, required=True, help="directory of the bundle")
    parser.add_argument(
        "--config", type=file_path, help="configuration file with the settings (default: their defaults)"
    )
    labels = parser.add_mutually_exclusive_group(required=True)
    labels.add_argument("--labels", type=file_path, help="labels as JSON lines, each as on the labels' topic")
    labels.add_argument("--teach", type=file_path, help="episodes.csv whose lines are taught before the replay")
    parser.add_argument(
        "--teach-from", type=folder_path, help="history that the episodes of --teach are cut from (default: --history)"
    )
    parser.add_argument("--alarms", type=file_path, help="file for the notifications, one JSON object a line")
    parser.add_argument("--report", type=file_path, help="file for the report as JSON")
    add_json_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    request = ReplayRequest(
        history=arguments.history,
        bundle=arguments.bundle,
        config=arguments.config,
        labels=arguments.labels,
        teach=arguments.teach,
        teach_from=arguments.teach_from,
        alarms=arguments.alarms,
        report=arguments.report,
    )
    from detector.commands.replay_report import print_replay

    print_replay(request, json=arguments.json)
    return 0
