"""`faultline forget`: retires one label, on every instance within five seconds; its open alarms end.

Exit code 3: there is no such label.
"""

import argparse
import sys

from detector.commands.arguments import add_config_argument
from detector.config.loader import read_config
from detector.errors import LabelError

HELP = "retire one label"

ABSENT = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", help="as `faultline labels` lists it, or its first characters")
    add_config_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    from detector.kafka.readers.label_topic import publish_labels, read_labels
    from detector.labels.listing import list_labels

    config = read_config(arguments.config)
    listed = list_labels(read_labels(config))
    exact = [one for one in listed if one.id == arguments.id]
    found = exact or [one for one in listed if arguments.id and one.id.startswith(arguments.id)]
    if not found:
        print(
            f"faultline: there is no label {arguments.id!r}; `faultline labels` lists those that are.", file=sys.stderr
        )
        return ABSENT
    if len(found) > 1:
        raise LabelError(f"{len(found)} labels begin with {arguments.id!r}; give more of its id.")
    (one,) = found
    publish_labels(config, (one.id.encode(), None))
    print(f"forgotten: {one.id} ({one.name or 'unreadable'}{', ' + one.cell if one.cell else ''})")
    return 0
