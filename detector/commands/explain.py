"""`faultline explain`: what stands behind an alarm, from its own notifications."""

import argparse

from detector.commands.arguments import add_config_argument
from detector.config.loader import read_config

HELP = "say what an alarm went by: features, minutes, exemplars"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("alarm", metavar="ALARM_ID", help="its alarmId, or a beginning of it that is no other's")
    add_config_argument(parser)
    parser.add_argument("--json", action="store_true", help="all that was said of it, one notification a line")


def run(arguments: argparse.Namespace) -> int:
    from detector.alarms.explanation import explanation
    from detector.alarms.journal import choose
    from detector.kafka.readers.alarm_topic import read_notifications

    told = choose(read_notifications(read_config(arguments.config)), arguments.alarm)
    if arguments.json:
        for notice in told:
            print(notice.value.decode())
    else:
        print(explanation(told), end="")
    return 0
