"""Sample of the input topic for a draft: the newest records of each partition, read without a catalogue."""

from collections.abc import Iterator
from typing import Any

import msgspec

from detector.config.schema import Config
from detector.history.sampling import is_chosen
from detector.kafka.readers.range_reader import OffsetRange, RangeReader
from detector.malformed_json import MALFORMED_JSON
from detector.terminal import progress
from trainer.catalogue_draft.table import DraftError, SampleColumn, rows_table

MOST_READ = 400_000
"""Records that are read, of all partitions together: some 600 MB, and 40 periods of 10,000 cells."""

MOST_DECODED = 40_000
"""Records that are decoded: of fewer cells where more are there, so that each cell shows its period. They take some 200
MB at 130 features."""


def sample_topic(config: Config) -> dict[str, SampleColumn]:
    """Return the newest records of some cells. Raises ClusterError, DraftError."""
    topic = config.kafka.topics.minutes
    reader = RangeReader(config)
    try:
        whole = [part for part in reader.whole_ranges() if len(part)]
        ranges = [part.cut_end(max(1, MOST_READ // len(whole)))[0] for part in whole]
        table = rows_table(_records(reader, ranges, topic))
    finally:
        reader.close()
    if not table:
        raise DraftError(f"topic {topic}: holds no record in JSON; send some records, or give files.")
    return table


def _records(reader: RangeReader, ranges: list[OffsetRange], topic: str) -> Iterator[dict[str, Any]]:
    total = sum(map(len, ranges))
    share = min(1.0, MOST_DECODED / max(1, total))
    decoded = 0
    with progress(f"reading {topic}", total, "offsets") as advance:
        for records in reader.read(ranges, lambda key: share == 1 or (key is not None and is_chosen(key, share))):
            advance(len(records))
            for value in records.values:
                record = _record(value)
                if record is not None and decoded < MOST_DECODED:
                    decoded += 1
                    yield record


def _record(value: bytes | None) -> dict[str, Any] | None:
    try:
        record = msgspec.json.decode(value or b"null")
    except MALFORMED_JSON:
        return None
    return record if isinstance(record, dict) else None
