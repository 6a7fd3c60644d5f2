"""Take the last promotion back: the bundle that served before `faultline promote` serves again.

Example:

    faultline rollback
"""

import argparse
from pathlib import Path

from detector.commands.arguments import add_config_argument
from detector.config.loader import read_config

HELP = "take the last promotion back"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_config_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    from detector.bundle.promotion import rollback

    config = read_config(arguments.config)
    promotion = rollback(Path(config.bundle), config.runtime.threads, config.trusted_keys)
    print(f"{config.bundle}: points at bundle {promotion.bundle.digest} again, instead of {promotion.previous}")
    print(f"running instances take it over; each looks at the link every {config.runtime.reload_seconds:g} s")
    return 0
