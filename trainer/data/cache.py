"""Cache of an unfinished training, in a folder beside its bundle: its arguments and its simulated examples.

Simulation costs as much as training. Each network's examples are stored as soon as they exist, and read again when the
same command is given again. The caller releases the folder once the bundle is written.
"""

import json
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path

import numpy as np

from detector.output.drafts import is_draft
from detector.output.files import whole_file
from detector.output.judgement import judge, unwritable
from detector.output.kinds import OutputKind
from trainer.data.examples import Examples, digest_examples
from trainer.errors import TrainingError

COLUMNS = tuple(column.name for column in fields(Examples))

Origin = Mapping[str, str | int | float]
"""Arguments that determine the examples."""

MARKER, DIGEST = "origin.json", "sha256"

OWN_FILE = re.compile(r"origin\.json|\.?checkpoint\.npz(\.\d+)?|\.origin\.\d+")
"""Files of a cache beside its examples: the marker, a checkpoint, and the drafts of both."""


def foreign_content(folder: Path) -> str:
    """Return what in a folder is no part of an unfinished training; empty for nothing."""
    entries = list(folder.iterdir())
    foreign = sorted(entry.name for entry in entries if not _is_own(entry))
    if foreign:
        return f"holds {foreign[0]}, which no unfinished training has"
    is_marked = any(entry.name == MARKER or is_draft(entry.name) for entry in entries)
    return "" if is_marked else f"is not empty and has no {MARKER}, so it is no unfinished training"


def _is_own(entry: Path) -> bool:
    if entry.is_symlink() or not entry.is_dir():
        return OWN_FILE.fullmatch(entry.name) is not None or is_draft(entry.name)
    names = {f"{column}.npy" for column in COLUMNS} | {DIGEST}
    return all(part.name in names and part.is_file() for part in entry.iterdir())


UNFINISHED_TRAINING = OutputKind(
    noun="an unfinished training", form="filled folder", foreign_content=foreign_content, least_bytes=1 << 20
)


def acquire(folder: Path, origin: Origin, bytes_needed: int = 0) -> bool:
    """Mark the folder as the cache of this training; return True if it already holds examples.

    `bytes_needed` is the room that the examples of a new training take.

    Raises OutputError for a folder of anything else, TrainingError if it holds a training with other arguments.
    """
    is_begun, marker = _is_begun(folder), folder / MARKER
    judge(folder, UNFINISHED_TRAINING, bytes_needed=0 if is_begun else bytes_needed)
    if not is_begun:
        try:
            with whole_file(marker) as file:
                file.write((json.dumps(dict(origin), indent=1) + "\n").encode())
        except OSError as error:
            raise unwritable(folder, UNFINISHED_TRAINING, error) from None
        return False
    try:
        stored = json.loads(marker.read_text())
    except (OSError, ValueError):
        raise TrainingError(f"{marker}: cannot be read. Remove {folder} to begin again.") from None
    differing = [name for name in origin if stored.get(name) != origin[name]]
    if differing:
        differences = ", ".join(f"{name} {stored.get(name)} (here {origin[name]})" for name in differing)
        raise TrainingError(
            f"{folder}: holds an unfinished training with {differences}. Give its arguments to continue it, or remove"
            " the folder to begin again."
        )
    return True


def release(folder: Path, *, is_finished: bool) -> None:
    """Remove the cache of a finished training; of a failed one, only if there is nothing to continue from.

    A folder into which somebody has put something else in the meantime is left alone.
    """
    if folder.is_dir() and (is_finished or not _is_begun(folder)) and not foreign_content(folder):
        shutil.rmtree(folder, ignore_errors=True)


def _is_begun(folder: Path) -> bool:
    """Return whether the folder holds examples or a checkpoint."""
    return any(not path.name.startswith(".") and path.name != MARKER for path in folder.glob("*"))


def load_or_simulate(folder: Path, name: str, simulate: Callable[[], Examples]) -> Examples:
    """Return the examples stored under this name; simulate and store them if there are none.

    Raises TrainingError if stored examples are damaged or new examples cannot be written.
    """
    path = folder / name
    if not path.exists():
        examples = simulate()
        _store(folder, path, examples)
        return examples
    try:
        columns = {column: np.load(path / f"{column}.npy", mmap_mode="r", allow_pickle=False) for column in COLUMNS}
        examples = Examples(**{column: np.asarray(array) for column, array in columns.items()})
        is_intact = (path / DIGEST).read_text() == digest_examples(examples)
    except (OSError, ValueError, EOFError):
        is_intact = False
    if not is_intact:
        raise TrainingError(f"{path}: is damaged (checksum). Remove it, and its examples are simulated again.")
    return examples


def _store(folder: Path, path: Path, examples: Examples) -> None:
    """Write the examples to a draft folder, then rename it, so that a kill leaves all of them or none."""
    draft = folder / f".{path.name}"
    shutil.rmtree(draft, ignore_errors=True)  # left by a killed training
    try:
        draft.mkdir(parents=True)
        for column in COLUMNS:
            np.save(draft / f"{column}.npy", getattr(examples, column))
        (draft / DIGEST).write_text(digest_examples(examples))
        draft.rename(path)
    except OSError as error:
        shutil.rmtree(draft, ignore_errors=True)
        raise TrainingError(
            f"{path}: cannot be written ({error.strerror}). Free space, then give the same command again."
        ) from None
