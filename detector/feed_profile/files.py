"""Records of a feed from files: JSON lines, plain or gzip, or a history of Parquet."""

import gzip
import zlib
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

import msgspec
import numpy as np

from detector.core.features import Catalogue
from detector.core.ingest.samples import Records
from detector.errors import OperatorError
from detector.feed_profile.records import NO_TIMESTAMP, RawRecords
from detector.history.parquet import HistoryFiles
from detector.malformed_json import MALFORMED_JSON

GZIP_MAGIC = b"\x1f\x8b"

LONGEST_LINE = 16 * 2**20
"""Bytes of the longest line that is read whole: Kafka's largest record is 1 MB by default, 10 MB in limits."""

VALUES, STAMPS = ("payload", "value"), ("ts", "timestamp")
"""Members of a line that holds a whole record, as `kcat -J` and Kafka's own consumers in JSON write it."""


class FeedFileError(OperatorError):
    """File of records that cannot be read."""


class _Line(NamedTuple):
    """One record of a file. `key`: None without one."""

    partition: int
    key: bytes | None
    value: bytes | None
    timestamp_ms: int
    is_whole: bool
    """Whether the line holds key, partition and timestamp, too."""


def read_files(paths: Sequence[Path], records: int, catalogue: Catalogue) -> RawRecords:
    """Return the last records of the files, together so many at most. Raises OperatorError."""
    share = -(-records // len(paths))
    lines = [line for path in paths for line in _tail(path, share, catalogue)]
    lines.sort(key=lambda line: line.partition)
    parts = [
        Records(partition, np.arange(len(part)), [line.key for line in part], [line.value for line in part])
        for partition in sorted({line.partition for line in lines})
        if (part := [line for line in lines if line.partition == partition])
    ]
    return RawRecords(
        source=", ".join(map(str, paths)),
        parts=parts,
        timestamp_ms=np.array([line.timestamp_ms for line in lines], np.int64),
        has_keys=bool(lines) and all(line.is_whole for line in lines),
    )


def _tail(path: Path, count: int, catalogue: Catalogue) -> list[_Line]:
    if path.is_dir():
        return _history_lines(path, count, catalogue)
    try:
        with path.open("rb") as file:
            lines = deque(_text_lines(file, file.read(2) == GZIP_MAGIC), maxlen=count)
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise FeedFileError(
            f"{path}: cannot be read ({reason}); give a file of one JSON record a line, plain or gzip, or the folder of"
            " a history."
        ) from None
    if lines and lines[0].startswith(b"PAR1"):
        raise FeedFileError(f"{path}: is Parquet; give the folder of the history, which has a catalogue.yaml.")
    return [_line(text) for text in lines]


def _text_lines(file: IO[bytes], is_gzip: bool) -> Iterator[bytes]:
    file.seek(0)
    source: Any = gzip.GzipFile(fileobj=file) if is_gzip else file
    while text := source.readline(LONGEST_LINE):
        if text.strip():
            yield text.strip()


def _line(text: bytes) -> _Line:
    """Return the record of a line; a line that is no JSON is a record's value."""
    try:
        record = msgspec.json.decode(text)
    except MALFORMED_JSON:
        record = None
    if not isinstance(record, dict):
        return _Line(0, None, text, NO_TIMESTAMP, False)
    name = next((name for name in VALUES if name in record), None)
    if name is None or "features" in record:
        cell = record.get("cell")
        return _Line(0, cell.encode(errors="replace") if isinstance(cell, str) else b"", text, NO_TIMESTAMP, False)
    stamp = next((record[stamp] for stamp in STAMPS if isinstance(record.get(stamp), int)), NO_TIMESTAMP)
    partition = record.get("partition")
    return _Line(
        partition=partition if isinstance(partition, int) and 0 <= partition < 2**31 else 0,
        key=_bytes(record.get("key")),
        value=_bytes(record[name]),
        timestamp_ms=stamp if 0 <= stamp < 2**53 else NO_TIMESTAMP,
        is_whole=True,
    )


def _bytes(value: Any) -> bytes | None:
    """Return a key or value as Kafka has it: of a text its bytes, of anything else its JSON."""
    if value is None:
        return None
    return value.encode(errors="replace") if isinstance(value, str) else msgspec.json.encode(value)


def _history_lines(folder: Path, count: int, catalogue: Catalogue) -> list[_Line]:
    """Return the last rows of a history as records."""
    files = HistoryFiles(folder)
    shift = catalogue.period_minutes if catalogue.stamp == "end" else 0
    names, lines = files.catalogue.names, list[_Line]()
    for path, group in reversed(list(files.groups(files.paths))):
        keys = files.keys(path, group)
        rows = np.arange(max(0, len(keys.minute) - (count - len(lines))), len(keys.minute))
        for row, values in zip(rows.tolist(), files.values(path, group, rows).tolist(), strict=True):
            cell = keys.names[keys.cell[row]]
            features = dict(zip(names, values, strict=True))  # msgspec writes null for NaN
            value = msgspec.json.encode(
                {"cell": cell, "time": int(keys.minute[row] + shift) * 60, "features": features}
            )
            arrival = NO_TIMESTAMP if keys.received is None else int(keys.received[row] * 1000)
            lines.append(_Line(0, cell.encode(), value, arrival, False))
        if len(lines) >= count:
            break
    return lines
