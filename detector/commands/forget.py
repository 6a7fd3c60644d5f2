"""Retire one label: every instance drops it within five seconds, and its open alarms are cleared.

Exit code 3 if there is no such label.

Example:

    faultline forget 5b0c91aa
"""

import argparse

from detector.commands.argument_types import plain_text
from detector.commands.arguments import add_config_argument, add_json_argument

HELP = "retire one label"

ABSENT = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "id", metavar="ID", type=plain_text, help="id of the label as `faultline labels` prints it, or its beginning"
    )
    add_config_argument(parser)
    add_json_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    from detector.commands.forget_report import print_retirement
    from detector.config.loader import read_config

    return 0 if print_retirement(read_config(arguments.config), arguments.id, json=arguments.json) else ABSENT
