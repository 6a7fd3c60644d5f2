"""Archive of the input topic: reader, decoder and Parquet files, opened and closed together."""

import threading
from pathlib import Path

from detector.bundle.format import read_bundle
from detector.config.loader import read_catalogue
from detector.config.schema import Config
from detector.core.ingest.samples import Decoder
from detector.kafka.readers.offset_reader import OffsetReader
from trainer.console import console
from trainer.data.collector import RollLimits, collect
from trainer.data.parquet_sink import Collection


def archive_topic(
    config: Config,
    out: Path,
    stop: threading.Event,
    *,
    catalogue_path: Path | None,
    file_records: int,
    file_seconds: float,
    until_now: bool,
) -> None:
    """Write the input topic into a folder until `stop` is set, or until the end that it has at the start.

    Without a catalogue the bundle's is used. Raises OperatorError.
    """
    if catalogue_path:
        catalogue = read_catalogue(catalogue_path)
    else:
        catalogue = read_bundle(Path(config.bundle), config.trusted_keys).catalogue
    collection = Collection(out, config.kafka.topics.minutes, catalogue)
    reader = OffsetReader(config, collection.offsets)
    limits = RollLimits(file_records, file_seconds)
    decoder = Decoder(catalogue, config.limits.record_bytes)
    try:
        counts = collect(
            reader,
            decoder,
            collection,
            limits,
            until_now=until_now,
            stop=stop,
            on_roll=lambda counts: console.print(f"{out}: {counts} so far"),
        )
    finally:
        reader.close()
        collection.close()
    console.print(f"{out}: {counts}")
