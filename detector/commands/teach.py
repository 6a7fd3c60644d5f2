"""Teach one episode of a cell: name it once, for all instances, after a preview of its alarms.

The label is one record on the labels' topic. Every instance uses it within five seconds, until
`faultline forget` retires it. Times are UTC unless they carry an offset. Exit code 3: the label
breaks the false-alarm budget and was put in quarantine, or would be in a dry run.

Examples:

    faultline teach --cell A00014-2 --at "2026-11-21 10:05" --class backhaul_loss --dry-run
    faultline teach --cell A00014-2 --at "2026-11-21 10:05" --class backhaul_loss --severity major
"""

import argparse

from detector.commands.argument_types import plain_text
from detector.commands.arguments import (
    KIND_HELP,
    QUARANTINED,
    add_config_argument,
    add_episode_arguments,
    add_teaching_arguments,
    episode_span,
    optional_minute,
    teach_options,
)
from detector.errors import LabelError
from detector.teaching.request import TeachRequest

HELP = "name one episode of a cell, once, for all instances, after a preview of its alarms"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_config_argument(parser)
    add_episode_arguments(parser)
    parser.add_argument(
        "--class",
        dest="name",
        type=plain_text,
        required=True,
        help="class name of the episode: lower-case letters, digits and _",
    )
    parser.add_argument("--kind", choices=("fault", "normal", "ignore"), default="fault", help=KIND_HELP)
    parser.add_argument(
        "--expires", help="time from which the label no longer counts, by the network's own time (not for faults)"
    )
    add_teaching_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    request, options = _request(arguments), teach_options(arguments)
    from detector.config.loader import read_config
    from detector.teaching.session import teach

    label = teach(read_config(arguments.config), request, options)
    return QUARANTINED if label.quarantined else 0


def _request(arguments: argparse.Namespace) -> TeachRequest:
    """Return the request. Raises OperatorError for everything that can be refused without Kafka."""
    if arguments.kind == "fault" and arguments.expires:
        raise LabelError(
            f"--expires {arguments.expires} is allowed for --kind ignore and normal only; retire a fault with"
            " `faultline forget`."
        )
    begin, end = episode_span(arguments)
    return TeachRequest(
        cell=arguments.cell,
        name=arguments.name,
        kind=arguments.kind,
        begin=begin,
        end=end,
        expires=optional_minute(arguments.expires, "--expires"),
        severity=arguments.severity or "",
        cause=arguments.cause,
        note=arguments.note,
        by=arguments.by,
    )
