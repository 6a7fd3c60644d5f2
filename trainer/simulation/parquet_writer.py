"""Parquet writer of a simulated history: files by day and block of cells, each written whole or not at all.

    simulation.yaml  catalogue.yaml  episodes.csv
    day=2026-01-05/minutes-00000.parquet ...        cell, minute, one float32 column per feature, null = not reported
    _labels/day=2026-01-05/labels-00000.parquet ... fault of each minute that has one

A file is a block of cells in row groups of a few cells. A process needs the memory of one row group, however long the
run is. The same run, started again, continues after the last whole file.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow
import pyarrow.parquet
from numpy.typing import NDArray

from detector.errors import OperatorError
from detector.output.files import whole_file
from detector.output.kinds import OutputKind
from trainer.data.parquet_schema import ENCODING, minutes_table
from trainer.simulator import NetworkTimeline, PreparedScenario, delivered_columns, partial_records
from trainer.simulator.delivery import PERFECT
from trainer.simulator.faults.schedule import DAY
from trainer.simulator.timeline import NORMAL, PHASES

MARKER = "simulation.yaml"

UNFINISHED = ("**/day=*/.*", ".episodes.csv.*", ".catalogue.yaml.*")
"""Temporary files that a killed run may leave behind, where the file system has no files without a name."""

RECORD_BYTES = 185
"""Bytes of a record in such a file; see ENCODING."""

CELLS_PER_FILE = 240
CELLS_PER_GROUP = 48
"""A day of a row group takes 36 MB while it is written."""


class ArchiveError(OperatorError):
    """Folder that cannot take this run."""


@dataclass(frozen=True)
class Piece:
    """One file of a run: a day of a block of cells."""

    day: int
    """Days since 1970-01-01."""
    first_cell: int
    last_cell: int
    """Exclusive."""

    @property
    def name(self) -> str:
        date = datetime.fromtimestamp(self.day * DAY * 60, UTC).date().isoformat()
        return f"day={date}/minutes-{self.first_cell:06d}.parquet"

    @property
    def labels_name(self) -> str:
        return "_labels/" + self.name.replace("minutes-", "labels-")

    def minutes(self, span: tuple[int, int], period_minutes: int = 1) -> range:
        """Return the first minutes of the records of the day that lie in the span."""
        return range(max(self.day * DAY, span[0]), min((self.day + 1) * DAY, span[1]), period_minutes)


def foreign_content(folder: Path) -> str:
    """Return why a folder holds no run of the simulator; empty if it does."""
    return "" if (folder / MARKER).exists() else "is not empty and holds no run to continue"


SIMULATED_HISTORY = OutputKind(noun="a simulated history", form="filled folder", foreign_content=foreign_content)


def claim(folder: Path, identity: str) -> None:
    """Mark the folder with this run, or find its mark. Raises ArchiveError if the folder holds another run."""
    marker = folder / MARKER
    with _readable_errors(folder):
        if marker.exists():
            if marker.read_text() != identity:
                raise ArchiveError(
                    f"{folder}: holds another run (see {marker}); give another folder, or remove this one."
                )
            for pattern in UNFINISHED:
                for unfinished in folder.glob(pattern):
                    unfinished.unlink()
            return
        if folder.exists() and any(folder.iterdir()):
            raise ArchiveError(f"{folder}: {foreign_content(folder)}; give an empty or new folder.")
    with whole(marker) as file:
        file.write(identity.encode())


@contextmanager
def whole(target: Path) -> Iterator[IO[bytes]]:
    """Yield a file that takes its name when it is whole, and is gone if an error occurs. Raises ArchiveError."""
    with _readable_errors(target), whole_file(target) as file:
        yield file


@contextmanager
def _readable_errors(path: Path) -> Iterator[None]:
    """Turn OSError into ArchiveError."""
    try:
        yield
    except OSError as error:
        raise ArchiveError(
            f"{path}: cannot be written ({error.strerror or error}); free disk space or take another folder, then"
            " give the same command again."
        ) from None


def pieces(play: PreparedScenario) -> list[Piece]:
    """Return all files of a run in the order of writing."""
    days = range(play.span[0] // DAY, -(-play.span[1] // DAY))
    cells = play.network.cells
    blocks = [(first, min(first + CELLS_PER_FILE, cells)) for first in range(0, cells, CELLS_PER_FILE)]
    return [Piece(day, *block) for day in days for block in blocks]


def is_begun(folder: Path) -> bool:
    """Return whether the folder holds the mark of a run."""
    return (folder / MARKER).is_file()


def is_written(folder: Path, piece: Piece) -> bool:
    return (folder / piece.name).exists()


def write_piece(folder: Path, play: PreparedScenario, piece: Piece, with_labels: bool) -> Iterator[int]:
    """Write one file, and yield the number of records of each row group. A failed file is removed."""
    with whole(folder / piece.name) as file:
        yield from _write_groups(file, play, piece)
        if with_labels:
            with whole(folder / piece.labels_name) as labels:
                _write_labels(labels, play, piece)


def _write_groups(file: IO[bytes], play: PreparedScenario, piece: Piece) -> Iterator[int]:
    network = play.network
    columns = delivered_columns(network.operator.measurement)
    names = play.catalogue.names
    writer = None
    try:
        for first in range(piece.first_cell, piece.last_cell, CELLS_PER_GROUP):
            cell, minute = _minutes(play, piece, first, min(first + CELLS_PER_GROUP, piece.last_cell))
            table = _table(play, _life(play, piece), cell, minute, columns=columns, names=names)
            writer = writer or pyarrow.parquet.ParquetWriter(
                file, table.schema, use_byte_stream_split=list(names), **ENCODING
            )
            writer.write_table(table)
            yield len(cell)
    finally:
        if writer is not None:
            writer.close()


def _life(play: PreparedScenario, piece: Piece) -> NetworkTimeline:
    return play.timeline_around(piece.day * DAY, (piece.day + 1) * DAY)


def _minutes(
    play: PreparedScenario, piece: Piece, first: int, last: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return a day of some cells, cell by cell. # -> cell [n], minute [n]"""
    minute = np.array(piece.minutes(play.span, play.period_minutes), np.int64)
    return np.repeat(np.arange(first, last), len(minute)), np.tile(minute, last - first)


def _table(
    play: PreparedScenario,
    life: NetworkTimeline,
    cell: NDArray[np.int64],
    minute: NDArray[np.int64],
    *,
    columns: NDArray[np.int64],
    names: Sequence[str],
) -> Any:
    """Return the minutes as they arrive, or as they were measured if delivery is perfect."""
    extra: dict[str, Any] = {}
    if play.delivery == PERFECT:
        values = play.reported_values(life, cell, minute)
    else:
        arrivals = play.deliver(cell, minute)
        values = partial_records(play.reported_values(life, cell[arrivals.row], arrivals.source), arrivals.share)
        cell, minute = cell[arrivals.row], arrivals.stamp // 60
        extra = {"received": arrivals.received, "sequence": arrivals.sequence, "suspect": arrivals.suspect}
    used, row_cell = np.unique(cell, return_inverse=True)
    cells = [play.network.names[number] for number in used.tolist()]
    return minutes_table(cells, row_cell, minute, values[:, columns], names=names, extra=extra)


def _write_labels(file: IO[bytes], play: PreparedScenario, piece: Piece) -> None:
    tables = []
    for first in range(piece.first_cell, piece.last_cell, CELLS_PER_GROUP):
        cell, minute = _minutes(play, piece, first, min(first + CELLS_PER_GROUP, piece.last_cell))
        tables.append(_label_table(_life(play, piece), cell, minute))
    pyarrow.parquet.write_table(pyarrow.concat_tables(tables), file, compression="zstd")


def _label_table(life: NetworkTimeline, cell: NDArray[np.int64], minute: NDArray[np.int64]) -> Any:
    labels = life.labels(cell, minute)
    at = np.flatnonzero(labels.name != NORMAL)
    return pyarrow.table(
        {
            "cell": pyarrow.array([life.network.names[number] for number in cell[at].tolist()], "string"),
            "minute": pyarrow.array(minute[at]),
            "class": pyarrow.array(labels.name[at].tolist(), "string"),
            "episode": pyarrow.array([_episode_name(life, number) for number in labels.episode[at].tolist()], "string"),
            "role": pyarrow.array(np.where(labels.primary[at], "primary", "secondary").tolist(), "string"),
            "severity": pyarrow.array(labels.severity[at]),
            "intensity": pyarrow.array(labels.intensity[at]),
            "phase": pyarrow.array([PHASES[number] for number in labels.phase[at].tolist()], "string"),
            "others": pyarrow.array(labels.others[at]),
        }
    )


def _episode_name(life: NetworkTimeline, number: int) -> str:
    """Return the episode's name, which is the same in all its minutes and in every file."""
    episode = life.episodes[number]
    return f"{life.network.names[episode.cell]}/{episode.fault.name}/{episode.begin}"
