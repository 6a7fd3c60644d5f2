"""`faultline check`: says before a start what a start would refuse."""

import argparse
from pathlib import Path

from detector.commands.arguments import add_config_argument
from detector.config.loader import read_config

HELP = "check configuration, bundle and topics, and change nothing"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_config_argument(parser)
    parser.add_argument(
        "--offline",
        action="store_true",
        help="check configuration, bundle and HTTP certificate, and never contact Kafka",
    )


def run(arguments: argparse.Namespace) -> int:
    from detector.bundle.verification import open_bundle
    from detector.kafka.topics import check_topics
    from detector.service.http_auth import HttpAuth

    config = read_config(arguments.config)
    print(f"config   {arguments.config}: good")
    path = Path(config.bundle)
    bundle, _ = open_bundle(path, config.runtime.threads)
    cells = len(bundle.baseline.cells)
    print(f"bundle   {path}: good ({bundle.digest}, {len(bundle.catalogue)} features, {cells} cells with a baseline)")
    HttpAuth(config.http)
    if config.http.certificate:
        print(f"http     {config.http.certificate}: good")
    if not arguments.offline:
        check_topics(config)
        print(f"cluster  {config.kafka.common['bootstrap.servers']}: good")
    return 0
