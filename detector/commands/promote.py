"""`faultline promote BUNDLE`: points `bundle`, which must be a link, at another one; running instances take it over.

The bundle is proven first, as a start would. `faultline rollback` points the link back.
"""

import argparse
from pathlib import Path

from detector.commands.arguments import add_config_argument
from detector.config.loader import read_config

HELP = "let another bundle serve"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("promoted", type=Path, metavar="BUNDLE", help="its directory")
    add_config_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    from detector.bundle.promotion import promote

    config = read_config(arguments.config)
    done = promote(Path(config.bundle), arguments.promoted, config.runtime.threads)
    print(f"{config.bundle}: bundle {done.bundle.digest} serves from now on, instead of {done.previous}")
    print(f"instances that look there take it over; each looks every {config.runtime.reload_seconds:g} s")
    return 0
