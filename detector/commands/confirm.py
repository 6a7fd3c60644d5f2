"""`faultline confirm`: an alarm was right, and its episode is one more example of its class.

It goes the way of `faultline teach`, preview and exit codes included, and counts for the class in
`faultline_judged_alarms`. An alarm that was `unknown` is confirmed with --class, the name it is to bear.
"""

import argparse

from detector.commands.arguments import add_config_argument, add_preview_arguments
from detector.commands.teach import teach
from detector.config.loader import read_config
from detector.errors import LabelError

HELP = "say that an alarm was right: its episode becomes one more example"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("alarm", metavar="ALARM_ID", help="its alarmId, or a beginning of it that is no other's")
    add_config_argument(parser)
    parser.add_argument("--class", dest="name", default="", help="what it really is (default: what it was called)")
    add_preview_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    from detector.alarms.journal import choose, episode
    from detector.kafka.readers.alarm_topic import read_notifications
    from detector.labels.label import check_name
    from detector.teaching.request import TeachRequest

    told = choose(read_notifications(read_config(arguments.config)), arguments.alarm)
    begin, end = episode(told)
    said = told[0].body
    name = arguments.name or said.specificProblem
    if not arguments.name and said.specificProblem in ("unknown", "cell_silent"):
        raise LabelError(f"alarm {said.alarmId} was called {said.specificProblem}; say with --class what it is.")
    check_name(name)
    rejects = said.specificProblem if name != said.specificProblem else ""
    severity, by = arguments.severity or "", arguments.by
    ask = TeachRequest(
        said.objectInstance, name, "fault", begin, end, None, severity, arguments.cause, arguments.note, by
    )
    return teach(arguments, ask.judging(said.alarmId, rejects))
