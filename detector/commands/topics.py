"""List Faultline's topics, or create those that are missing.

Exit code 3 if a topic is missing.

Examples:

    faultline topics
    faultline topics --create --partitions 12 --replication 3
"""

import argparse

from detector.commands.argument_types import whole_number
from detector.commands.arguments import add_config_argument, add_json_argument

HELP = "list Faultline's topics, or create those that are missing"

MISSING = 3


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
        default=3,
        help="replicas of each topic that is created (default: %(default)s)",
    )
    add_json_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    from detector.commands.topics_report import print_topics
    from detector.config.loader import read_config
    from detector.kafka.topics import create_topics, partition_counts, topic_names

    config = read_config(arguments.config)
    created = create_topics(config, arguments.partitions, arguments.replication) if arguments.create else []
    counts = partition_counts(config)
    names = topic_names(config)
    print_topics(names, counts, created, json=arguments.json)
    return 0 if set(names) <= set(counts) else MISSING
