"""Confirm that an alarm was right: its episode becomes one more example of its class.

The label is previewed and published as by `faultline teach`, with the same exit codes, and counts
for its class in `faultline_judged_alarms`. An alarm that is named `unknown` is confirmed with
--class NAME, its right name.

Examples:

    faultline confirm 5b0c91aa
    faultline confirm 5b0c91aa --class backhaul_loss
"""

import argparse

from detector.commands.argument_types import plain_text
from detector.commands.arguments import (
    QUARANTINED,
    add_alarm_argument,
    add_config_argument,
    add_teaching_arguments,
    teach_options,
)
from detector.teaching.request import ConfirmRequest

HELP = "say that an alarm was right: its episode becomes one more example"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_alarm_argument(parser)
    add_config_argument(parser)
    parser.add_argument(
        "--class",
        dest="name",
        type=plain_text,
        default="",
        help="right class name of the alarm (default: the name it has)",
    )
    add_teaching_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    request = ConfirmRequest(
        alarm=arguments.alarm,
        name=arguments.name,
        severity=arguments.severity or "",
        cause=arguments.cause,
        note=arguments.note,
        by=arguments.by,
    )
    options = teach_options(arguments)
    from detector.config.loader import read_config
    from detector.teaching.feedback import confirm_alarm

    label = confirm_alarm(read_config(arguments.config), request, options)
    return QUARANTINED if label.quarantined else 0
