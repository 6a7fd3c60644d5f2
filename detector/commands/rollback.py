"""Take the last promotion back: the bundle that served before `faultline promote` serves again.

Example:

    faultline rollback
"""

import argparse
from pathlib import Path

from detector.commands.arguments import add_config_argument, add_json_argument

HELP = "take the last promotion back"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_config_argument(parser)
    add_json_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    from detector.bundle.promotion import rollback
    from detector.commands.promotion_report import print_promotion
    from detector.config.loader import read_config

    config = read_config(arguments.config)
    promotion = rollback(Path(config.bundle), config.runtime.threads, config.trusted_keys)
    print_promotion(config, promotion, "again", json=arguments.json)
    return 0
