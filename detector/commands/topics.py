"""List Faultline's topics, or create those that are missing.

Exit code 3 if a topic is missing.

Examples:

    faultline topics
    faultline topics --create --partitions 12 --replication 3
"""

import argparse

from detector.commands.arguments import add_config_argument
from detector.config.loader import read_config

HELP = "list Faultline's topics, or create those that are missing"

MISSING = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_config_argument(parser)
    parser.add_argument("--create", action="store_true", help="create the topics that are missing")
    parser.add_argument(
        "--partitions",
        type=int,
        default=12,
        help="partitions of the input topic, if it is created (default: %(default)s)",
    )
    parser.add_argument(
        "--replication", type=int, default=3, help="replicas of each topic that is created (default: %(default)s)"
    )


def run(arguments: argparse.Namespace) -> int:
    from detector.kafka.topics import create_topics, partition_counts, topic_names

    config = read_config(arguments.config)
    created = create_topics(config, arguments.partitions, arguments.replication) if arguments.create else []
    counts = partition_counts(config)
    names = topic_names(config)
    for name in names:
        state = f"{counts[name]} partitions" if name in counts else "missing"
        print(f"{name:<24} {state}{' (created)' if name in created else ''}")
    return 0 if set(names) <= set(counts) else MISSING
