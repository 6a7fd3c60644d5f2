"""`faultline-trainer collect`: the input topic as a history in Parquet; given again, it goes on where it was."""

import argparse
import signal
import threading
from pathlib import Path

from trainer.commands.arguments import positive

HELP = "archive the input topic as a history, resumable, every record once"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, default=Path("config.yaml"), help="the knobs (default: %(default)s)")
    parser.add_argument("--out", type=Path, required=True, help="the history's folder, new or collected before")
    parser.add_argument("--until", choices=("now", "forever"), default="forever", help="default: %(default)s")
    parser.add_argument("--catalogue", type=Path, help="of the features (default: the bundle's)")
    parser.add_argument(
        "--file-records",
        type=positive,
        default=250_000,
        help="written together; memory is 2 kB each at 130 features, and more of them make fewer, larger files"
        " (default: %(default)s)",
    )
    parser.add_argument(
        "--file-minutes", type=positive, default=60, help="longest until they are (default: %(default)s)"
    )


def run(arguments: argparse.Namespace) -> int:
    from detector.bundle.format import read_bundle
    from detector.config.loader import read_catalogue, read_config
    from detector.core.ingest.samples import Decoder
    from detector.kafka.readers.offset_reader import OffsetReader
    from detector.log import start_logging
    from trainer.console import console
    from trainer.data.collector import RollLimits, collect
    from trainer.data.parquet_sink import Collection

    config = read_config(arguments.config)
    start_logging(config.log.level, config.log.format)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    given = arguments.catalogue
    catalogue = read_catalogue(given) if given else read_bundle(Path(config.bundle)).catalogue
    collection = Collection(arguments.out, config.kafka.topics.minutes, catalogue)
    reader = OffsetReader(config, collection.offsets)
    rolling = RollLimits(arguments.file_records, 60.0 * arguments.file_minutes)
    decoder = Decoder(catalogue, config.limits.record_bytes)
    try:
        tally = collect(
            reader,
            decoder,
            collection,
            rolling,
            until_now=arguments.until == "now",
            stop=stop,
            on_roll=lambda tally: console.print(f"{arguments.out}: {tally} so far"),
        )
    finally:
        reader.close()
        collection.close()
    console.print(f"{arguments.out}: {tally}")
    return 0
