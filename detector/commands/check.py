"""Check configuration, bundle and topics as a start of the daemon would, and change nothing.

Exit code 2 with one sentence if something is wrong.

Examples:

    faultline check --config config.yaml
    faultline check --offline
"""

import argparse

from detector.commands.arguments import add_config_argument

HELP = "check configuration, bundle and topics, and change nothing"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_config_argument(parser)
    parser.add_argument("--offline", action="store_true", help="check configuration and bundle only, without Kafka")


def run(arguments: argparse.Namespace) -> int:
    from detector.service.preflight import check_installation

    for line in check_installation(arguments.config, arguments.offline):
        print(line)
    return 0
