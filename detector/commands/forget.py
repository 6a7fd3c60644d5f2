"""Retire one label: every instance drops it within five seconds, and its open alarms are cleared.

Exit code 3 if there is no such label.

Example:

    faultline forget 5b0c91aa
"""

import argparse
import sys

from detector.commands.arguments import add_config_argument
from detector.config.loader import read_config

HELP = "retire one label"

ABSENT = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", help="id of the label as `faultline labels` prints it, or its beginning")
    add_config_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    from detector.teaching.retirement import retire_label

    label = retire_label(read_config(arguments.config), arguments.id)
    if label is None:
        print(f"faultline: no label has the id {arguments.id!r}; `faultline labels` prints all ids.", file=sys.stderr)
        return ABSENT
    cell = f", {label.cell}" if label.cell else ""
    print(f"retired label {label.id} ({label.name or 'unreadable'}{cell})")
    return 0
