"""A simulated past on disk: Parquet by day and block of cells, each file written whole or not at all.

    simulation.yaml  catalogue.yaml  episodes.csv
    day=2026-01-05/minutes-00000.parquet ...        cell, minute, one float32 column per feature, null = not reported
    _labels/day=2026-01-05/labels-00000.parquet ... what was wrong, for the minutes in which something was

A file is a block of cells in row groups of a few: memory needs one row group a process, however long the run. Whoever
starts the same run again goes on after the last whole file.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector.errors import OperatorError
from trainer.data.parquet_schema import ENCODING, minutes_table
from trainer.simulator import Life, Play, deliver, delivered, partial
from trainer.simulator.delivery import PERFECT
from trainer.simulator.faults.schedule import DAY
from trainer.simulator.life import NORMAL, PHASES

UNFINISHED = ("**/day=*/.*", ".episodes.csv.*", ".catalogue.yaml.*")
"""What a run that was killed may leave behind."""

CELLS_PER_FILE = 240
CELLS_PER_GROUP = 48
"""A day of these is 36 MB while it is written."""


class ArchiveError(OperatorError):
    """A folder that cannot take this run."""


@dataclass(frozen=True)
class Piece:
    """One file's share of a run."""

    day: int
    """Since 1970-01-01."""
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

    def minutes(self, span: tuple[int, int]) -> range:
        """Those of its day that lie in the span."""
        return range(max(self.day * DAY, span[0]), min((self.day + 1) * DAY, span[1]))


def claim(folder: Path, identity: str) -> None:
    """Makes the folder this run's, or finds that it is. Raises ArchiveError where another's lies in it."""
    marker = folder / "simulation.yaml"
    with _sentence(folder):
        if marker.exists():
            if marker.read_text() != identity:
                raise ArchiveError(
                    f"{folder}: holds another run (see {marker}); give another folder, or remove it first."
                )
            for pattern in UNFINISHED:
                for unfinished in folder.glob(pattern):
                    unfinished.unlink()
            return
        if folder.exists() and any(folder.iterdir()):
            raise ArchiveError(f"{folder}: is not empty and holds no run to go on with; give another folder.")
    with whole(marker) as unfinished:
        unfinished.write_text(identity)


@contextmanager
def whole(target: Path) -> Iterator[Path]:
    """Where to write a file that takes its name when it is whole; nothing stays where it fails. Raises ArchiveError."""
    unfinished = target.with_name(f".{target.name}.{os.getpid()}")
    with _sentence(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield unfinished
            unfinished.rename(target)
        finally:
            unfinished.unlink(missing_ok=True)


@contextmanager
def _sentence(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ArchiveError(
            f"{path}: cannot be written ({error.strerror or error}); make room or take another folder, then give the"
            " same command again."
        ) from None


def pieces(play: Play) -> list[Piece]:
    """All files of a run, in the order in which they are written."""
    days = range(play.span[0] // DAY, -(-play.span[1] // DAY))
    cells = play.network.cells
    blocks = [(first, min(first + CELLS_PER_FILE, cells)) for first in range(0, cells, CELLS_PER_FILE)]
    return [Piece(day, *block) for day in days for block in blocks]


def is_written(folder: Path, piece: Piece) -> bool:
    return (folder / piece.name).exists()


def write_piece(folder: Path, play: Play, piece: Piece, with_labels: bool) -> Iterator[int]:
    """Writes one file, giving the number of records after each row group. Leaves nothing behind where it fails."""
    with whole(folder / piece.name) as unfinished:
        yield from _write_groups(unfinished, play, piece)
        if with_labels:
            with whole(folder / piece.labels_name) as labels:
                _write_labels(labels, play, piece)


def _write_groups(path: Path, play: Play, piece: Piece) -> Iterator[int]:
    import pyarrow.parquet

    network = play.network
    columns = delivered(network.operator.measurement)
    names = network.operator.measurement.catalogue().names
    writer = None
    try:
        for first in range(piece.first_cell, piece.last_cell, CELLS_PER_GROUP):
            cell, minute = _minutes(play, piece, first, min(first + CELLS_PER_GROUP, piece.last_cell))
            table = _table(play, _life(play, piece), cell, minute, columns, names)
            writer = writer or pyarrow.parquet.ParquetWriter(
                path, table.schema, use_byte_stream_split=list(names), **ENCODING
            )
            writer.write_table(table)
            yield len(cell)
    finally:
        if writer is not None:
            writer.close()


def _life(play: Play, piece: Piece) -> Life:
    return play.around(piece.day * DAY, (piece.day + 1) * DAY)


def _minutes(play: Play, piece: Piece, first: int, last: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """A day of some cells, cell by cell. # -> cell [n], minute [n]"""
    minute = np.array(piece.minutes(play.span), np.int64)
    return np.repeat(np.arange(first, last), len(minute)), np.tile(minute, last - first)


def _table(
    play: Play,
    life: Life,
    cell: NDArray[np.int64],
    minute: NDArray[np.int64],
    columns: NDArray[np.int64],
    names: Sequence[str],
) -> Any:
    """Those minutes as they arrive, or as they were where delivery is perfect."""
    extra: dict[str, Any] = {}
    if play.delivery == PERFECT:
        values = life.reported(cell, minute)
    else:
        arrivals = deliver(play.network, play.delivery, cell, minute)
        values = partial(life.reported(cell[arrivals.row], arrivals.source), arrivals.share)
        cell, minute = cell[arrivals.row], arrivals.stamp // 60
        extra = {"received": arrivals.received, "sequence": arrivals.sequence, "suspect": arrivals.suspect}
    used, place = np.unique(cell, return_inverse=True)
    cells = [play.network.names[number] for number in used.tolist()]
    return minutes_table(cells, place, minute, values[:, columns], names=names, extra=extra)


def _write_labels(path: Path, play: Play, piece: Piece) -> None:
    import pyarrow
    import pyarrow.parquet

    tables = []
    for first in range(piece.first_cell, piece.last_cell, CELLS_PER_GROUP):
        cell, minute = _minutes(play, piece, first, min(first + CELLS_PER_GROUP, piece.last_cell))
        tables.append(_label_table(_life(play, piece), cell, minute))
    pyarrow.parquet.write_table(pyarrow.concat_tables(tables), path, compression="zstd")


def _label_table(life: Life, cell: NDArray[np.int64], minute: NDArray[np.int64]) -> Any:
    import pyarrow

    labels = life.labels(cell, minute)
    at = np.flatnonzero(labels.name != NORMAL)
    return pyarrow.table(
        {
            "cell": pyarrow.array([life.network.names[number] for number in cell[at].tolist()], "string"),
            "minute": pyarrow.array(minute[at]),
            "class": pyarrow.array(labels.name[at].tolist(), "string"),
            "episode": pyarrow.array([_name(life, number) for number in labels.episode[at].tolist()], "string"),
            "role": pyarrow.array(np.where(labels.primary[at], "primary", "secondary").tolist(), "string"),
            "severity": pyarrow.array(labels.severity[at]),
            "intensity": pyarrow.array(labels.intensity[at]),
            "phase": pyarrow.array([PHASES[number] for number in labels.phase[at].tolist()], "string"),
            "others": pyarrow.array(labels.others[at]),
        }
    )


def _name(life: Life, number: int) -> str:
    """The same for an episode's every minute, whatever else is looked at."""
    episode = life.episodes[number]
    return f"{life.network.names[episode.cell]}/{episode.fault.name}/{episode.begin}"
