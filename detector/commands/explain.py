"""Explain an alarm: its course, and the features, minutes and exemplars behind its verdict.

Examples:

    faultline explain 5b0c91aa
    faultline explain 5b0c91aa --json
"""

import argparse

from detector.commands.arguments import add_alarm_argument, add_config_argument

HELP = "explain an alarm: the features, minutes and exemplars behind its verdict"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_alarm_argument(parser)
    add_config_argument(parser)
    parser.add_argument("--json", action="store_true", help="print the alarm's notifications, one JSON object a line")


def run(arguments: argparse.Namespace) -> int:
    from detector.commands.explain_report import print_explanation
    from detector.config.loader import read_config

    print_explanation(read_config(arguments.config), arguments.alarm, json=arguments.json)
    return 0
