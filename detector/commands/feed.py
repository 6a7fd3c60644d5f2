"""Look at the last records of the feed, and print what must be mended in it.

The records are compared with the bundle's catalogue and baseline and with the configuration: period, delay, clocks,
cells, features, units, keys, duplicates. Nothing is changed, and no consumer group is joined. Exit code 3 if something
must be mended.

Files hold one JSON record a line, plain or gzip, as `kcat -J` writes them or the records alone. The folder of a history
is read, too.

Examples:

    faultline feed
    faultline feed --records 100000 --json
    faultline feed minutes.jsonl.gz
"""

import argparse

from detector.commands.argument_types import file_path, whole_number
from detector.commands.arguments import add_config_argument, add_json_argument

HELP = "look at the last records of the feed, and print what must be mended"

MUST_BE_MENDED = 3

MOST_RECORDS = 1_000_000
"""Records of 130 features that 16 GB of memory hold, read leniently."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "files", metavar="FILE", type=file_path, nargs="*", help="files or histories to look at instead of the topic"
    )
    add_config_argument(parser)
    parser.add_argument(
        "--records",
        type=whole_number(1, MOST_RECORDS),
        default=20_000,
        help="most records to look at, the last ones (default: %(default)s)",
    )
    add_json_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    from detector.commands.feed_report import print_feed
    from detector.config.loader import read_config

    config = read_config(arguments.config)
    is_good = print_feed(config, arguments.files, arguments.records, json=arguments.json)
    return 0 if is_good else MUST_BE_MENDED
