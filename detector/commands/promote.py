"""Let another bundle serve: point the link `bundle` of the configuration at it.

Running instances take it over. The bundle is verified first, as at a start. `bundle` must be a
symbolic link. `faultline rollback` points it back.

Example:

    faultline promote bundles/tuesday
"""

import argparse
from pathlib import Path

from detector.commands.argument_types import folder_path
from detector.commands.arguments import add_config_argument, add_json_argument

HELP = "let another bundle serve"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("promoted", type=folder_path, metavar="BUNDLE", help="directory of the bundle that is to serve")
    add_config_argument(parser)
    add_json_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    from detector.bundle.promotion import promote
    from detector.commands.promotion_report import print_promotion
    from detector.config.loader import read_config

    config = read_config(arguments.config)
    promotion = promote(Path(config.bundle), arguments.promoted, config.runtime.threads, config.trusted_keys)
    print_promotion(config, promotion, "from now on", json=arguments.json)
    return 0
