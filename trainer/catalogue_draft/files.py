"""Samples of files: Parquet of any writer, CSV of any separator, JSON lines; of large files some parts."""

import csv
import gzip
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from detector.malformed_json import MALFORMED_JSON
from detector.terminal import progress
from detector.text import printable
from trainer.catalogue_draft.arrow_table import arrow_table
from trainer.catalogue_draft.table import DraftError, SampleColumn, Table, joined, rows_table, text_column

SAMPLE_VALUES = 12_000_000
"""Most values of a sample, 96 MB of numbers: 92,000 records of 130 features, a day of 64 cells at one minute."""

SAMPLE_TEXT_BYTES = 16 * 2**20
"""Most bytes of CSV or JSON that are read: 40,000 records of 130 features. Parsed values take 25 times as much memory:
532 MiB were measured for a file of 80 MB, and 10 s of processor time."""

MOST_FILES = 32
"""Files of a folder that are looked at: pairs of neighbours, spread over the folder in the order of their names."""

PARTS = 4
"""Parts of a large file beside its begin: a file that is sorted by cell shows few of them in one place."""

SUFFIXES = (".parquet", ".parq", ".csv", ".tsv", ".txt", ".json", ".jsonl", ".ndjson", ".gz")

FIELD_BYTES = 2**20
"""Longest field of a CSV file."""


@dataclass(frozen=True)
class _Content:
    """Part of a text file: whole lines, the first of them the header."""

    lines: list[str]
    is_whole: bool


def sample_files(paths: Sequence[Path], text_bytes: int = SAMPLE_TEXT_BYTES) -> dict[str, SampleColumn]:
    """Return a sample of the records of files and folders, of at most so much text. Raises DraftError."""
    files = chosen([file for path in paths for file in _files(path)])
    tables: list[Table] = []
    with progress(f"looking at {len(files)} files", len(files), "files") as advance:
        for file in files:
            table = _sample_file(file, len(files), text_bytes // len(files))
            if table and len(next(iter(table.values()))):
                tables.append(table)
            advance()
    if not tables:
        raise DraftError(f"{paths[0]}: holds no record; give files or folders with records of cells.")
    return joined(tables)


def chosen(files: Sequence[Path]) -> list[Path]:
    """Return all files, or pairs of neighbours spread over them: a file may be one period of all cells."""
    if len(files) <= MOST_FILES:
        return list(files)
    pairs = MOST_FILES // 2
    first = [round(pair * (len(files) - 2) / (pairs - 1)) for pair in range(pairs)]
    return [files[index] for index in sorted({*first, *(index + 1 for index in first)})]


def _files(path: Path) -> Iterator[Path]:
    """Yield a file, or the files of a folder in the order of their paths. Raises DraftError."""
    if path.is_file():
        yield path
        return
    if not path.is_dir():
        raise DraftError(f"{path}: does not exist; give a file or a folder with records of cells.")
    inside = sorted(entry for entry in path.rglob("*") if entry.suffix.lower() in SUFFIXES and entry.is_file())
    visible = [entry for entry in inside if not _is_hidden(entry.relative_to(path))]
    parquet = [entry for entry in visible if entry.suffix.lower().startswith(".parq")]
    if not visible:
        raise DraftError(f"{path}: holds no Parquet, CSV or JSON file; give the files themselves.")
    yield from parquet or visible  # beside the Parquet of a history lies episodes.csv


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(("_", ".")) for part in path.parts)


def _sample_file(path: Path, files: int, text_bytes: int) -> Table:
    """Return a sample of one of several files, of the kind that its first bytes tell. Raises DraftError."""
    try:
        with path.open("rb") as file:
            head = file.read(512)
        if head.startswith(b"PAR1"):
            return _sample_parquet(path, files)
        content = _read_parts(path, head, text_bytes)
    except OSError as error:
        raise DraftError(f"{path}: cannot be read ({error.strerror or error}); give a file that can.") from None
    begin = content.lines[0].lstrip() if content.lines else ""
    if begin.startswith("<"):
        raise DraftError(f"{path}: is XML, which is not read here; give the same measurements as CSV, JSON or Parquet.")
    return _json_table(path, content) if begin.startswith(("{", "[")) else _csv_table(path, content.lines)


def _sample_parquet(path: Path, files: int) -> Table:
    """Return rows of the begin of a file and of row groups spread over it."""
    import pyarrow
    import pyarrow.parquet

    try:
        file = pyarrow.parquet.ParquetFile(path)
        rows = max(100, SAMPLE_VALUES // max(1, len(file.schema)) // files)
        tables = [arrow_table(part) for part in _row_parts(file, rows)]
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        reason = printable(str(error).splitlines()[0] if str(error) else type(error).__name__, 120)
        raise DraftError(f"{path}: cannot be read as Parquet ({reason}); write the file again.") from None
    table = joined(tables)
    count = len(next(iter(table.values()))) if table else 0
    folders = [part.partition("=") for part in path.parts[:-1] if "=" in part]
    return {**{name: text_column([value] * count) for name, _, value in folders if name not in table}, **table}


def _row_parts(file: Any, rows: int) -> Iterator[Any]:
    """Yield half of the rows from the begin on, which shows the period, and half from row groups spread over the file.

    A row group is read in batches, so that one of ten million rows takes no more memory than its batch.
    """
    import pyarrow

    groups = file.metadata.num_row_groups
    spread = sorted({round(part * (groups - 1) / PARTS) for part in range(1, PARTS + 1)} - {0}) if groups else []
    plan = [(list(range(groups)), rows // 2 if spread else rows), *(([group], rows // 2 // PARTS) for group in spread)]
    for chosen_groups, wanted in plan:
        batches = []
        for batch in file.iter_batches(batch_size=min(65_536, max(1, wanted)), row_groups=chosen_groups):
            batches.append(batch)
            wanted -= batch.num_rows
            if wanted <= 0:
                break
        if batches:
            yield pyarrow.Table.from_batches(batches)


def _read_parts(path: Path, head: bytes, budget: int) -> _Content:
    """Return the lines of a text file: all, or those of its begin and of parts spread over it."""
    if head.startswith(b"\x1f\x8b"):
        with gzip.open(path, "rb") as stream:
            content = stream.read(budget + 1)
        return _Content(_lines(content[:budget], is_cut=len(content) > budget), len(content) <= budget)
    size = path.stat().st_size
    with path.open("rb") as file:
        if size <= budget:
            return _Content(_lines(file.read(), is_cut=False), True)
        lines = _lines(file.read(budget // 2), is_cut=True)
        for part in range(1, PARTS + 1):
            file.seek(size * part // (PARTS + 1))
            lines.extend(_lines(file.read(budget // 2 // PARTS), is_cut=True)[1:])
    return _Content(lines, False)


def _lines(content: bytes, *, is_cut: bool) -> list[str]:
    """Return the lines of a part of a file, without the last where it is cut."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = content.decode("utf-16", errors="replace")
    else:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            is_at_cut = is_cut and len(content) - error.start < 4
            text = content.decode("utf-8-sig", "ignore") if is_at_cut else content.decode("latin-1")
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[:-1] if is_cut else lines


def _json_table(path: Path, content: _Content) -> Table:
    """Return the records of JSON lines, or of one array of records. Raises DraftError."""
    if content.lines[0].lstrip().startswith("["):
        if not content.is_whole:
            raise DraftError(f"{path}: is one long array of JSON; write one record on each line.")
        return rows_table(_records(path, ["".join(content.lines)]))
    return rows_table(_records(path, content.lines))


def _records(path: Path, lines: Sequence[str]) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = []
    for line in lines:
        try:
            value = msgspec.json.decode(line)
        except MALFORMED_JSON:
            continue  # a line that a crash has cut
        records.extend(item for item in (value if isinstance(value, list) else [value]) if isinstance(item, dict))
    if not records:
        raise DraftError(f"{path}: holds no record in JSON; write one object on each line.")
    return records


def _csv_table(path: Path, lines: Sequence[str]) -> Table:
    """Return the records of CSV; the first line that is no comment names the columns. Raises DraftError."""
    lines = [line for line in lines if not line.startswith("#")]
    if len(lines) < 2:
        raise DraftError(f"{path}: holds no record; give a file with a line of names, and records below it.")
    separator = max(";\t|,", key=lambda mark: (lines[0].count(mark), mark != ","))
    csv.field_size_limit(FIELD_BYTES)
    try:
        header, *rows = csv.reader(io.StringIO("\n".join(lines)), delimiter=separator)
    except csv.Error as error:
        raise DraftError(f"{path}: cannot be read as CSV ({error}); write the file again.") from None
    names = [name.strip() for name in header]
    repeated = sorted({name for name in names if name and names.count(name) > 1})
    if repeated:
        raise DraftError(f"{path}: has the column `{printable(repeated[0], 60)}` twice; name each column once.")
    if all(text_column([name]).texts is None for name in names):
        raise DraftError(f"{path}: its first line is of numbers; put a line with the names of the columns first.")
    whole = [row for row in rows if len(row) == len(names)]
    has_comma = separator == ";"  # semicolons separate where the comma is in the numbers
    return {
        name: text_column([row[index] for row in whole], decimal_comma=has_comma)
        for index, name in enumerate(names)
        if name
    }
