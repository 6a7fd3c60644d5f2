"""`faultline rollback`: lets the bundle serve again that did before the last `faultline promote`."""

import argparse
from pathlib import Path

from detector.config import read_config

HELP = "take the last promotion back"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, default=Path("config.yaml"), help="the knobs (default: %(default)s)")


def run(arguments: argparse.Namespace) -> int:
    from detector.promotion import rollback

    config = read_config(arguments.config)
    done = rollback(Path(config.bundle), config.runtime.threads)
    print(f"{config.bundle}: bundle {done.bundle.digest} serves again, instead of {done.before}")
    print(f"instances that look there take it over; each looks every {config.runtime.reload_seconds:g} s")
    return 0
