"""List Faultline's topics, create those that are missing, or mend those that do not keep what is promised.

Exit code 3 if a topic is missing, or deviates and was not altered.

Examples:

    faultline topics
    faultline topics --create --partitions 12
    faultline topics --fix
    faultline topics --fix --yes
"""

import argparse

from detector.commands.argument_types import whole_number
from detector.commands.arguments import add_config_argument, add_json_argument
from detector.errors import OperatorError

HELP = "list Faultline's topics, create those that are missing, or mend their settings"

SAID_NO = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_config_argument(parser)
    parser.add_argument("--create", action="store_true", help="create the topics that are missing")
    parser.add_argument(
        "--partitions",
        type=whole_number(1),
        default=12,
        help="partitions of the input topic, if it is created (default: %(default)s)",
    )
    parser.add_argument(
        "--replication",
        type=whole_number(1, 32767),
        help="replicas of each topic that is created (default: 3, or the number of brokers if that is less)",
    )
    parser.add_argument(
        "--fix", action="store_true", help="print what would be altered so that the topics keep what is promised"
    )
    parser.add_argument("--yes", action="store_true", help="with --fix: alter it")
    add_json_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    if arguments.yes and not arguments.fix:
        raise OperatorError("--yes is given without --fix; give both to alter topics.")
    from detector.commands.topics_report import TopicsReport
    from detector.config.loader import read_config
    from detector.kafka.cluster.creation import create_topics, describe_visible
    from detector.kafka.cluster.deviations import topic_deviations
    from detector.kafka.cluster.fixes import ALTERED, apply_fixes, plan_fixes

    config = read_config(arguments.config)
    created = create_topics(config, arguments.partitions, arguments.replication) if arguments.create else []
    state = describe_visible(config)
    fixes = None
    if arguments.fix:
        mend = apply_fixes if arguments.yes else plan_fixes
        fixes = mend(topic_deviations(state, config), state, config)
        state = describe_visible(config) if arguments.yes else state
    report = TopicsReport(config, state, created, fixes)
    report.print(as_json=arguments.json)
    is_right = all(fix.outcome == ALTERED for fix in fixes or ())
    return 0 if is_right and not report.missing_topics else SAID_NO
