"""Archive the input topic as a history in Parquet; the same command continues where it stopped.

Every record is written once. SIGTERM, SIGINT and SIGHUP stop it in order, with exit code 0.

Examples:

    faultline-trainer collect --out history/
    faultline-trainer collect --out history/ --until now
"""

import argparse
import threading

from detector.commands.argument_types import file_path, folder_path
from detector.commands.arguments import add_config_argument, add_json_argument
from trainer.commands.arguments import positive

HELP = "archive the input topic as a history, resumable, every record once"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_config_argument(parser)
    parser.add_argument("--out", type=folder_path, required=True, help="folder of the history, new or collected before")
    parser.add_argument(
        "--until",
        choices=("now", "forever"),
        default="forever",
        help="now: stop after the records that are there at the start (default: %(default)s)",
    )
    parser.add_argument("--catalogue", type=file_path, help="catalogue of the features (default: the bundle's)")
    parser.add_argument(
        "--file-records",
        type=positive,
        default=250_000,
        help="records of a file; each takes 2 kB of memory at 130 features, and more of them make fewer, larger files"
        " (default: %(default)s)",
    )
    parser.add_argument(
        "--file-minutes",
        type=positive,
        default=60,
        help="minutes after which a smaller file is written (default: %(default)s)",
    )
    add_json_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    from detector.config.loader import read_config
    from detector.log import start_logging
    from detector.process.signals import stop_in_order

    config = read_config(arguments.config)
    start_logging(config.log.level, config.log.format)
    stop = threading.Event()
    stop_in_order(stop)
    from trainer.commands.collect_report import print_collection
    from trainer.console import progress_on_stderr
    from trainer.data.topic_archive import archive_topic

    with progress_on_stderr(arguments.json):
        counts = archive_topic(
            config,
            arguments.out,
            stop,
            catalogue_path=arguments.catalogue,
            file_records=arguments.file_records,
            file_seconds=60.0 * arguments.file_minutes,
            until_now=arguments.until == "now",
        )
    if arguments.json:
        print_collection(arguments.out, counts)
    return 0
