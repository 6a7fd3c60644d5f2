"""Let another bundle serve: point the link `bundle` of the configuration at it.

Running instances take it over. The bundle is verified first, as at a start. `bundle` must be a
symbolic link. `faultline rollback` points it back.

Example:

    faultline promote bundles/tuesday
"""

import argparse
from pathlib import Path

from detector.commands.arguments import add_config_argument
from detector.config.loader import read_config

HELP = "let another bundle serve"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("promoted", type=Path, metavar="BUNDLE", help="directory of the bundle that is to serve")
    add_config_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    from detector.bundle.promotion import promote

    config = read_config(arguments.config)
    promotion = promote(Path(config.bundle), arguments.promoted, config.runtime.threads, config.trusted_keys)
    print(f"{config.bundle}: points at bundle {promotion.bundle.digest} from now on, instead of {promotion.previous}")
    print(f"running instances take it over; each looks at the link every {config.runtime.reload_seconds:g} s")
    return 0
