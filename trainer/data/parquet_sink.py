"""Parquet sink: a history collected from a topic, with the offsets to continue from in the files' metadata.

A roll is the samples read since the last roll: one file for each day. Every file's metadata names the topic, the number
of the roll, the roll's files, and the next offset of every partition after it. Files become visible one by one, so the
newest roll may be incomplete after a crash. Such a roll is removed at the next start and read again. No record is
stored twice. A record is missing only if the topic had already deleted it.
"""

import fcntl
import os
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import msgspec
import numpy as np
import pyarrow
import pyarrow.parquet

from detector.config.catalogue import catalogue_yaml, read_catalogue
from detector.core.features import Catalogue
from detector.core.ingest.samples import Samples
from detector.errors import OperatorError
from detector.output.files import whole_file
from detector.output.judgement import judge
from detector.output.kinds import OutputKind
from detector.output.rename import sync
from trainer.data.parquet_schema import ENCODING, minutes_table
from trainer.simulator.faults.schedule import DAY

METADATA_KEY = b"faultline"
"""Key of a roll in a file's metadata."""

GROUP_ROWS = 16_384
"""Rows of a row group. A file has many cells for a short time. A reader of a few cells decodes few row groups."""


LOCK, CATALOGUE = ".collecting", "catalogue.yaml"


def foreign_content(folder: Path) -> str:
    """Return why a folder holds no collected history; empty if it does.

    Beside the lock of an earlier collection anything may lie, such as episodes.csv, because nothing is replaced.
    """
    names = {entry.name for entry in folder.iterdir()}
    foreign = sorted(name for name in names if name != CATALOGUE and not name.startswith("day="))
    return "" if LOCK in names or not foreign else f"holds {foreign[0]}, and no history collected before"


COLLECTED_HISTORY = OutputKind(noun="a collected history", form="filled folder", foreign_content=foreign_content)


class CollectionError(OperatorError):
    """Folder that cannot take more records of this topic."""


class Roll(msgspec.Struct, frozen=True, kw_only=True):
    """Description of a roll, in the metadata of each of its files."""

    topic: str
    catalogue: str
    """Digest of the catalogue."""
    number: int
    files: list[str]
    offsets: dict[int, int]
    """Next offset of each partition, after this roll and all rolls before it."""


class Collection:
    """Folder of a collected history, locked against other processes that would write to it."""

    def __init__(self, folder: Path, topic: str, catalogue: Catalogue) -> None:
        """Lock the folder and remove an incomplete roll.

        Raises OutputError for a folder that cannot be written or holds something else, CollectionError for one that is
        locked, or of another topic or catalogue.
        """
        judge(folder, COLLECTED_HISTORY)
        self.folder, self._topic, self._catalogue = folder, topic, catalogue
        if not (folder / LOCK).exists():
            for path in sorted(folder.rglob("*.parquet")):
                self._read_roll(path)  # refused before anything is written beside another history
        try:
            Path(os.path.realpath(folder)).mkdir(parents=True, exist_ok=True)
            self._lock = (folder / LOCK).open("w")
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CollectionError(
                f"{folder}: another process collects into this folder. Stop that process, or give another folder."
            ) from None
        except OSError as error:
            raise self._write_error(error) from None
        try:
            self._check_catalogue()
            rolls = self._recover_rolls()
        except OSError as error:
            raise self._write_error(error) from None
        self._next = max((roll.number for roll in rolls), default=-1) + 1
        self.offsets: dict[int, int] = {}
        """Next offset of each partition, after all written records."""
        for roll in rolls:
            for partition, offset in roll.offsets.items():
                self.offsets[partition] = max(offset, self.offsets.get(partition, 0))

    def write(self, parts: Sequence[Samples], offsets: dict[int, int]) -> int:
        """Write a roll and return the number of its records; without records, write nothing.

        No file of the roll is visible before all are written. Raises CollectionError; no unfinished file is left then.
        """
        samples = [part for part in parts if len(part)]
        if not samples:
            return 0
        next_offsets = {**self.offsets, **offsets}
        minute = np.concatenate([part.minute for part in samples])
        days = np.unique(minute // DAY).tolist()
        roll = Roll(
            topic=self._topic,
            catalogue=self._catalogue.digest,
            number=self._next,
            files=[self._file_name(day) for day in days],
            offsets=next_offsets,
        )
        try:
            cells = np.concatenate([np.array(part.cells, object) for part in samples])
            values = np.concatenate([part.values for part in samples])
            with ExitStack() as files:
                for day, name in zip(days, roll.files, strict=True):
                    file = files.enter_context(whole_file(self.folder / name))
                    rows = np.flatnonzero(minute // DAY == day)
                    self._write_file(file, roll, cells[rows], minute[rows], values[rows])
            sync(self.folder)
        except OSError as error:
            raise self._write_error(error) from None
        self.offsets, self._next = next_offsets, self._next + 1
        return len(minute)

    def close(self) -> None:
        """Release the lock."""
        self._lock.close()

    def _write_file(self, file: IO[bytes], roll: Roll, cells: Any, minute: Any, values: Any) -> None:
        """Write one day, sorted by cell, and within a cell by offset. # cells, minute [n], values [n, F]"""
        names, cell_index = np.unique(cells, return_inverse=True)
        order = np.argsort(cell_index, kind="stable")
        features = self._catalogue.names
        table = minutes_table(names.tolist(), cell_index[order], minute[order], values[order], names=features, extra={})
        table = table.replace_schema_metadata({METADATA_KEY: msgspec.json.encode(roll)})
        pyarrow.parquet.write_table(
            table, file, row_group_size=GROUP_ROWS, use_byte_stream_split=list(features), **ENCODING
        )

    def _file_name(self, day: int) -> str:
        date = datetime.fromtimestamp(day * DAY * 60, UTC).date().isoformat()
        return f"day={date}/minutes-{self._next:08d}.parquet"

    def _check_catalogue(self) -> None:
        """Write the catalogue, or compare it with the one in the folder. Raises CollectionError if they differ."""
        path = self.folder / CATALOGUE
        if not path.exists():
            with whole_file(path) as file:
                file.write(catalogue_yaml(self._catalogue).encode())
        elif (stored := read_catalogue(path).digest) != self._catalogue.digest:
            raise self._catalogue_error(path, stored)

    def _recover_rolls(self) -> list[Roll]:
        """Return the complete rolls; remove drafts and the incomplete last roll of a killed process."""
        for draft in self.folder.glob("day=*/.minutes-*"):
            draft.unlink()
        rolls = {roll.number: roll for roll in map(self._read_roll, sorted(self.folder.rglob("*.parquet")))}
        newest = rolls[max(rolls)] if rolls else None
        if newest and not all((self.folder / name).exists() for name in newest.files):
            for name in newest.files:
                (self.folder / name).unlink(missing_ok=True)
            del rolls[newest.number]
        return list(rolls.values())

    def _read_roll(self, path: Path) -> Roll:
        try:
            metadata = (pyarrow.parquet.read_metadata(path).metadata or {}).get(METADATA_KEY)
            roll = msgspec.json.decode(metadata, type=Roll) if metadata else None
        except (pyarrow.ArrowException, msgspec.MsgspecError) as error:
            raise CollectionError(f"{path}: cannot be read ({str(error).splitlines()[0]}). Move it away.") from None
        if roll is None:
            raise CollectionError(f"{path}: holds no offsets: not collected from a topic. Move it away.")
        if roll.topic != self._topic:
            raise CollectionError(f"{path}: is of topic {roll.topic}, not of {self._topic}. Give another folder.")
        if roll.catalogue != self._catalogue.digest:
            raise self._catalogue_error(path, roll.catalogue)
        return roll

    def _catalogue_error(self, path: Path, stored: str) -> CollectionError:
        return CollectionError(
            f"{path}: has the feature catalogue {stored}, but this collection has {self._catalogue.digest}."
            " Give another folder."
        )

    def _write_error(self, error: OSError) -> CollectionError:
        return CollectionError(
            f"{self.folder}: cannot be written ({error.strerror or error}). Free space or give another folder, then"
            " give the same command again."
        )
