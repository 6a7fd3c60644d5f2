"""`faultline topics`: what is on the cluster, and with --create what was missing."""

import argparse

from detector.commands.arguments import add_config_argument
from detector.config.loader import read_config

HELP = "list Faultline's topics, or create those that are missing"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_config_argument(parser)
    parser.add_argument("--create", action="store_true", help="create what is missing")
    parser.add_argument("--partitions", type=int, default=12, help="of the input topic, where it is missing")
    parser.add_argument("--replication", type=int, default=3, help="replicas of each new topic")


def run(arguments: argparse.Namespace) -> int:
    from detector.kafka.topics import create_topics, partition_counts, topic_names

    config = read_config(arguments.config)
    created = create_topics(config, arguments.partitions, arguments.replication) if arguments.create else []
    found = partition_counts(config)
    for name in topic_names(config):
        state = f"{found[name]} partitions" if name in found else "missing"
        print(f"{name:<24} {state}{' (created)' if name in created else ''}")
    return 0 if set(topic_names(config)) <= set(found) else 3
