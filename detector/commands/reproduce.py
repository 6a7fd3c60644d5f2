"""Compute an alarm's verdict again, and compare it with the published one byte for byte.

Exit code 0: the same; 3: it differs.

Examples:

    faultline reproduce 5b0c91aa
    faultline reproduce 5b0c91aa --bundle bundles/monday --history history/
"""

import argparse

from detector.commands.argument_types import folder_path
from detector.commands.arguments import add_alarm_argument, add_config_argument, add_json_argument
from detector.commands.requests import ReproduceRequest

HELP = "compute an alarm's verdict again; 0 = the same, 3 = it differs"

DIFFERENT = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_alarm_argument(parser)
    add_config_argument(parser)
    parser.add_argument("--bundle", type=folder_path, help="bundle that raised the alarm (default: the configured one)")
    parser.add_argument(
        "--history", type=folder_path, help="folder of Parquet with the cell's minutes (default: the input topic)"
    )
    add_json_argument(parser, lines=True)


def run(arguments: argparse.Namespace) -> int:
    request = ReproduceRequest(
        alarm=arguments.alarm, bundle=arguments.bundle, history=arguments.history, json=arguments.json
    )
    from detector.commands.reproduce_report import print_reproduction
    from detector.config.loader import read_config

    return 0 if print_reproduction(read_config(arguments.config), request) else DIFFERENT
