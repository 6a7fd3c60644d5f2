"""`faultline reject`: an alarm was wrong, and the likes of its episode are to be quiet.

Its episode becomes something to be ignored, or one more example of what is normal. As `ignore` it competes with its
class on equal terms; as `normal` it is one of the many that "near normal" is a mean of, and weighs a tenth. It goes the
way of `faultline teach`, preview and exit codes included, and counts against the class in `faultline_judged_alarms`.
"""

import argparse

from detector.commands.arguments import add_config_argument, add_preview_arguments
from detector.commands.teach import teach
from detector.config.loader import read_config
from detector.errors import LabelError
from detector.kafka.readers.alarm_topic import read_notices
from detector.timestamps import read_minute

HELP = "say that an alarm was wrong: the likes of its episode are ignored"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("alarm", metavar="ALARM_ID", help="its alarmId, or a beginning of it that is no other's")
    add_config_argument(parser)
    parser.add_argument("--kind", choices=("ignore", "normal"), default="ignore", help="default: %(default)s")
    parser.add_argument("--class", dest="name", default="", help="what it really was (default: not_ and its name)")
    parser.add_argument("--expires", help="from this minute of the network's time on it is an alarm again")
    add_preview_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    from detector.alarms.journal import choose, episode
    from detector.labels.label import check_name
    from detector.teaching.request import TeachRequest

    expires = read_minute(arguments.expires, "--expires") if arguments.expires else None
    told = choose(read_notices(read_config(arguments.config)), arguments.alarm)
    said = told[0].body
    if said.specificProblem == "cell_silent":
        raise LabelError(f"alarm {said.alarmId} was told by a cell's silence, and a silence cannot be taught.")
    begin, end = episode(told)
    name = arguments.name or f"not_{said.specificProblem}"
    check_name(name)
    ask = TeachRequest(
        said.objectInstance, name, arguments.kind, begin, end, expires, "", "", arguments.note, arguments.by
    )
    return teach(arguments, ask.judging(said.alarmId, said.specificProblem))
