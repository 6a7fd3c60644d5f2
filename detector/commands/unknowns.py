"""List unknown alarms in groups that look alike, and give a group a class name with --teach.

--teach takes the alarm that lies nearest to all others of its group. It is previewed and published
as by `faultline teach`, with the same exit codes. Without --teach: exit code 0 if there is a group
to name, 3 if there is none.

Examples:

    faultline unknowns
    faultline unknowns --teach 1 --class stuck_rru
"""

import argparse

from detector.commands.argument_types import plain_text, whole_number
from detector.commands.arguments import (
    KIND_HELP,
    QUARANTINED,
    add_config_argument,
    add_teaching_arguments,
    teach_options,
)
from detector.errors import LabelError
from detector.teaching.request import NamingRequest

HELP = "list unknown alarms in groups that look alike, and name a group"

NOTHING = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_config_argument(parser)
    parser.add_argument("--all", action="store_true", help="include groups whose alarms all have a name by now")
    parser.add_argument("--teach", type=whole_number(1), metavar="N", help="number in the list of the group to name")
    parser.add_argument(
        "--class",
        dest="name",
        type=plain_text,
        default="",
        help="class name of the group: lower-case letters, digits and _",
    )
    parser.add_argument("--kind", choices=("fault", "normal", "ignore"), default="fault", help=KIND_HELP)
    add_teaching_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    if (arguments.teach is None) != (not arguments.name):
        raise LabelError("--teach N and --class NAME must be given together: the group's number, and its name.")
    return _list(arguments) if arguments.teach is None else _name(arguments)


def _list(arguments: argparse.Namespace) -> int:
    from detector.commands.unknowns_report import print_unknowns
    from detector.config.loader import read_config

    config = read_config(arguments.config)
    return 0 if print_unknowns(config, include_named=arguments.all, json=arguments.json) else NOTHING


def _name(arguments: argparse.Namespace) -> int:
    request = NamingRequest(
        number=arguments.teach,
        include_named=arguments.all,
        name=arguments.name,
        kind=arguments.kind,
        severity=arguments.severity or "",
        cause=arguments.cause,
        note=arguments.note,
        by=arguments.by,
    )
    options = teach_options(arguments)
    from detector.config.loader import read_config
    from detector.teaching.feedback import name_unknown

    label = name_unknown(read_config(arguments.config), request, options)
    return QUARANTINED if label.quarantined else 0
