"""Archive of the input topic: reader, decoder and Parquet files, opened and closed together."""

import threading
from pathlib import Path

from detector.bundle.format import read_bundle
from detector.config.catalogue import read_catalogue
from detector.config.schema import Config
from detector.core.ingest.decoder import Decoder
from detector.kafka.readers.offset_reader import OffsetReader
from detector.output.claim import claimed
from detector.terminal import print_line, progress
from trainer.data.collector import CollectionCounts, RollLimits, collect
from trainer.data.parquet_sink import COLLECTED_HISTORY, Collection


def archive_topic(
    config: Config,
    out: Path,
    stop: threading.Event,
    *,
    catalogue_path: Path | None,
    file_records: int,
    file_seconds: float,
    until_now: bool,
) -> CollectionCounts:
    """Write the input topic into a folder until `stop` is set, or until the end that it has at the start.

    Without a catalogue the bundle's is used. Raises OperatorError.
    """
    inputs = () if catalogue_path else (Path(config.bundle),)
    with claimed(out, COLLECTED_HISTORY, inputs=inputs):
        return _archive(config, out, stop, catalogue_path, RollLimits(file_records, file_seconds), until_now=until_now)


def _archive(
    config: Config,
    out: Path,
    stop: threading.Event,
    catalogue_path: Path | None,
    limits: RollLimits,
    *,
    until_now: bool,
) -> CollectionCounts:
    if catalogue_path:
        catalogue = read_catalogue(catalogue_path)
    else:
        catalogue = read_bundle(Path(config.bundle), config.trusted_keys).catalogue
    collection = Collection(out, config.kafka.topics.minutes, catalogue)
    reader = OffsetReader(config, collection.offsets)
    decoder = Decoder(catalogue, config.limits.record_bytes)
    try:
        with progress(f"collecting {config.kafka.topics.minutes}", None, "records") as advance:
            counts = collect(
                reader,
                decoder,
                collection,
                limits,
                until_now=until_now,
                stop=stop,
                on_roll=lambda counts: print_line(f"{out}: {counts} so far"),
                on_records=advance,
            )
    finally:
        reader.close()
        collection.close()
    print_line(f"{out}: {counts}")
    return counts
