"""Reject an alarm that was wrong: episodes like its own raise no alarm from now on.

Its episode is taught as `ignore`, which competes with the alarm's class on equal terms, or as
`normal`, which is one of many normal windows and weighs a tenth. The label is previewed and
published as by `faultline teach`, with the same exit codes, and counts against the class in
`faultline_judged_alarms`.

Examples:

    faultline reject 5b0c91aa
    faultline reject 5b0c91aa --kind normal --note "a match in the stadium"
"""

import argparse

from detector.commands.argument_types import plain_text
from detector.commands.arguments import (
    QUARANTINED,
    add_alarm_argument,
    add_config_argument,
    add_teaching_arguments,
    optional_minute,
    teach_options,
)
from detector.teaching.request import RejectRequest

HELP = "say that an alarm was wrong: episodes like its own are ignored"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_alarm_argument(parser)
    add_config_argument(parser)
    parser.add_argument(
        "--kind",
        choices=("ignore", "normal"),
        default="ignore",
        help="ignore: harmless, raises no alarm; normal: one more example of normal (default: %(default)s)",
    )
    parser.add_argument(
        "--class",
        dest="name",
        type=plain_text,
        default="",
        help="name of the harmless situation (default: not_ and the alarm's name)",
    )
    parser.add_argument("--expires", help="time from which it is an alarm again, by the network's own time")
    add_teaching_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    request = RejectRequest(
        alarm=arguments.alarm,
        kind=arguments.kind,
        name=arguments.name,
        expires=optional_minute(arguments.expires, "--expires"),
        note=arguments.note,
        by=arguments.by,
    )
    options = teach_options(arguments)
    from detector.config.loader import read_config
    from detector.teaching.feedback import reject_alarm

    label = reject_alarm(read_config(arguments.config), request, options)
    return QUARANTINED if label.quarantined else 0
