"""`faultline labels`: everything that was taught and not forgotten, who taught it, and what came of it.

`held:N` is a label in quarantine, `forced:N` one that was taught in spite of it; N are the new alarms per 1,000 cells
and day that its preview forecast. `to` a day is its expiry, by the network's own time.
"""

import argparse
from pathlib import Path

from detector.config import read_config

HELP = "list what was taught, by whom, and how often it fired"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, default=Path("config.yaml"), help="the knobs (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="one JSON object a line instead of a table")


def run(arguments: argparse.Namespace) -> int:
    import msgspec

    from detector.kafka.shelf import read_alarms, read_shelf
    from detector.shelved import count_fired, shelved, table

    config = read_config(arguments.config)
    listed = shelved(read_shelf(config))
    fired = count_fired(read_alarms(config))
    if arguments.json:
        for one in listed:
            print(msgspec.json.encode(msgspec.to_builtins(one) | {"fired": fired[one.id]}).decode())
    elif listed:
        print("\n".join(table(listed, fired)))
    else:
        print("nothing is taught yet; `faultline teach` does it")
    return 0
