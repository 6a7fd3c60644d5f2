"""A history that grows from a topic: what lies in the folder says from which offsets on it is to be continued.

A roll is what was read since the last: one file for each day of it, which all say so in their metadata: topic, number
of the roll, its files, and the next offset of every partition after it. Files become visible one by one, so the newest
roll may lack some after a crash: it is removed at the next start, and read again. So nothing is there twice, and
nothing is missing but what the topic no longer had.
"""

import fcntl
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from detector.config.loader import read_catalogue, write_catalogue
from detector.core.features import Catalogue
from detector.core.ingest.samples import Samples
from detector.errors import OperatorError
from trainer.data.parquet_schema import ENCODING, minutes_table
from trainer.simulator.faults.schedule import DAY

MARK = b"faultline"

GROUP_ROWS = 16_384
"""A file holds many cells for a short time: whoever wants a few of them decodes only the row groups they are in."""


class CollectionError(OperatorError):
    """A folder that cannot take more of this topic."""


class Roll(msgspec.Struct, frozen=True):
    """What each file of a roll says of it."""

    topic: str
    catalogue: str
    """Its digest."""
    number: int
    files: list[str]
    offsets: dict[int, int]
    """The next of each partition, after this roll and all before it."""


class Collection:
    """The folder, held against any other process that would write to it."""

    def __init__(self, folder: Path, topic: str, catalogue: Catalogue) -> None:
        """Raises CollectionError."""
        self.folder, self._topic, self._catalogue = folder, topic, catalogue
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = (folder / ".collecting").open("w")
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CollectionError(
                f"{folder}: another process collects into it; stop that one, or give another folder."
            ) from None
        except OSError as error:
            raise self._unwritable(error) from None
        try:
            self._claim()
            rolls = self._mended()
        except OSError as error:
            raise self._unwritable(error) from None
        self._next = max((roll.number for roll in rolls), default=-1) + 1
        self.offsets: dict[int, int] = {}
        """The next of each partition, after all that is written."""
        for roll in rolls:
            for partition, offset in roll.offsets.items():
                self.offsets[partition] = max(offset, self.offsets.get(partition, 0))

    def write(self, parts: Sequence[Samples], offsets: dict[int, int]) -> int:
        """Writes a roll and gives its records; without a record, nothing. Raises CollectionError, with nothing left."""
        samples = [part for part in parts if len(part)]
        if not samples:
            return 0
        after = {**self.offsets, **offsets}
        minute = np.concatenate([part.minute for part in samples])
        days = np.unique(minute // DAY).tolist()
        roll = Roll(self._topic, self._catalogue.digest, self._next, [self._name(day) for day in days], after)
        unfinished = [self.folder / _hidden(name) for name in roll.files]
        try:
            cells = np.concatenate([np.array(part.cells, object) for part in samples])
            values = np.concatenate([part.values for part in samples])
            for day, path in zip(days, unfinished, strict=True):
                rows = np.flatnonzero(minute // DAY == day)
                self._write_file(path, roll, cells[rows], minute[rows], values[rows])
            for name, path in zip(roll.files, unfinished, strict=True):
                path.rename(self.folder / name)
            for path in {self.folder, *(path.parent for path in unfinished)}:
                _sync(path)
        except OSError as error:
            raise self._unwritable(error) from None
        finally:
            for path in unfinished:
                path.unlink(missing_ok=True)
        self.offsets, self._next = after, self._next + 1
        return len(minute)

    def close(self) -> None:
        self._lock.close()

    def _write_file(self, path: Path, roll: Roll, cells: Any, minute: Any, values: Any) -> None:
        """One day, cell by cell, each in the order of its offsets. # cells, minute [n], values [n, F]"""
        import pyarrow.parquet

        names, place = np.unique(cells, return_inverse=True)
        order = np.argsort(place, kind="stable")
        features = self._catalogue.names
        table = minutes_table(names.tolist(), place[order], minute[order], values[order], features, {})
        table = table.replace_schema_metadata({MARK: msgspec.json.encode(roll)})
        path.parent.mkdir(parents=True, exist_ok=True)
        pyarrow.parquet.write_table(
            table, path, row_group_size=GROUP_ROWS, use_byte_stream_split=list(features), **ENCODING
        )
        _sync(path)

    def _name(self, day: int) -> str:
        date = datetime.fromtimestamp(day * DAY * 60, UTC).date().isoformat()
        return f"day={date}/minutes-{self._next:08d}.parquet"

    def _claim(self) -> None:
        """Writes the catalogue, or finds it there."""
        path = self.folder / "catalogue.yaml"
        if not path.exists():
            draft = self.folder / ".catalogue.yaml"
            write_catalogue(self._catalogue, draft)
            draft.rename(path)
        elif (there := read_catalogue(path).digest) != self._catalogue.digest:
            raise self._other_features(path, there)

    def _mended(self) -> list[Roll]:
        """The rolls that are whole; what a killed process left of its last is removed."""
        for unfinished in self.folder.glob("day=*/.minutes-*"):
            unfinished.unlink()
        rolls = {roll.number: roll for roll in map(self._roll_of, sorted(self.folder.rglob("*.parquet")))}
        newest = rolls[max(rolls)] if rolls else None
        if newest and not all((self.folder / name).exists() for name in newest.files):
            for name in newest.files:
                (self.folder / name).unlink(missing_ok=True)
            del rolls[newest.number]
        return list(rolls.values())

    def _roll_of(self, path: Path) -> Roll:
        import pyarrow
        import pyarrow.parquet

        try:
            mark = (pyarrow.parquet.read_metadata(path).metadata or {}).get(MARK)
            roll = msgspec.json.decode(mark, type=Roll) if mark else None
        except (pyarrow.ArrowException, msgspec.MsgspecError) as error:
            raise CollectionError(f"{path}: cannot be read ({str(error).splitlines()[0]}); move it away.") from None
        if roll is None:
            raise CollectionError(f"{path}: was not collected and says no offsets; give a folder of its own.")
        if roll.topic != self._topic:
            raise CollectionError(f"{path}: is of topic {roll.topic}, not of {self._topic}; give another folder.")
        if roll.catalogue != self._catalogue.digest:
            raise self._other_features(path, roll.catalogue)
        return roll

    def _other_features(self, path: Path, there: str) -> CollectionError:
        return CollectionError(
            f"{path}: is of another catalogue of features ({there}) than the one to collect by"
            f" ({self._catalogue.digest}); give another folder."
        )

    def _unwritable(self, error: OSError) -> CollectionError:
        return CollectionError(
            f"{self.folder}: cannot be written ({error.strerror or error}); make room or give another folder,"
            " then give the same command again."
        )


def _hidden(name: str) -> str:
    folder, file = name.split("/")
    return f"{folder}/.{file}"


def _sync(path: Path) -> None:
    """Until it is on the disk: a roll must not be there before the one before it."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
