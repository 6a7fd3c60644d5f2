"""What a training that was stopped leaves beside its bundle: what it was asked for, and the examples it simulated.

Simulating costs as much as learning, so every network's examples are kept as soon as they are made, and read again by
whoever gives the same command. Nothing is left of it once the bundle is written.
"""

import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path

import numpy as np

from trainer.data.examples import Examples, digest_examples
from trainer.errors import TrainingError

COLUMNS = tuple(column.name for column in fields(Examples))

Origin = Mapping[str, str | int | float]


def acquire(folder: Path, origin: Origin) -> bool:
    """Makes the folder this training's; True where it found something to go on with.

    Raises TrainingError where another training's examples lie in it.
    """
    marker = folder / "origin.json"
    begun = any(path.is_dir() and not path.name.startswith(".") for path in folder.glob("*"))
    if not begun:
        folder.mkdir(parents=True, exist_ok=True)
        draft = folder / f".origin.{os.getpid()}"
        draft.write_text(json.dumps(dict(origin), indent=1) + "\n")
        os.replace(draft, marker)
        return False
    try:
        other = json.loads(marker.read_text())
    except (OSError, ValueError):
        raise TrainingError(f"{marker}: cannot be read; remove {folder} to begin anew.") from None
    differing = [name for name in origin if other.get(name) != origin[name]]
    if differing:
        told = ", ".join(f"{name} {other.get(name)} (here {origin[name]})" for name in differing)
        raise TrainingError(
            f"{folder}: holds an unfinished training with {told}; give its arguments to go on with it, or remove it to"
            " begin anew."
        )
    return True


def load_or_simulate(folder: Path, name: str, make: Callable[[], Examples]) -> Examples:
    """The examples that lie there under this name, or else new ones, which then do. Raises TrainingError."""
    place = folder / name
    if not place.exists():
        examples = make()
        _keep(folder, place, examples)
        return examples
    try:
        columns = {column: np.load(place / f"{column}.npy", mmap_mode="r", allow_pickle=False) for column in COLUMNS}
        examples = Examples(**{column: np.asarray(array) for column, array in columns.items()})
        whole = (place / "sha256").read_text() == digest_examples(examples)
    except (OSError, ValueError, EOFError):
        whole = False
    if not whole:
        raise TrainingError(f"{place}: is damaged (checksum); remove it, and its examples are simulated again.")
    return examples


def _keep(folder: Path, place: Path, examples: Examples) -> None:
    """Beside its place first, so that a kill leaves all of it or nothing."""
    draft = folder / f".{place.name}"
    shutil.rmtree(draft, ignore_errors=True)  # of a training that was killed
    try:
        draft.mkdir(parents=True)
        for column in COLUMNS:
            np.save(draft / f"{column}.npy", getattr(examples, column))
        (draft / "sha256").write_text(digest_examples(examples))
        os.replace(draft, place)
    except OSError as error:
        raise TrainingError(
            f"{place}: cannot be written ({error.strerror}); make room, then give the same command again."
        ) from None
