"""`faultline rollback`: lets the bundle serve again that did before the last `faultline promote`."""

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
    done = rollback(Path(config.bundle), config.runtime.threads)
    print(f"{config.bundle}: bundle {done.bundle.digest} serves again, instead of {done.previous}")
    print(f"instances that look there take it over; each looks every {config.runtime.reload_seconds:g} s")
    return 0
