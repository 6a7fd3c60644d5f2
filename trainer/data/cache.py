"""Cache of an unfinished training, in a folder beside its bundle: its arguments and its simulated examples.

Simulation costs as much as training. Each network's examples are stored as soon as they exist, and read again when the
same command is given again. The caller removes the folder once the bundle is written.
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
"""Arguments that determine the examples."""


def acquire(folder: Path, origin: Origin) -> bool:
    """Mark the folder as the cache of this training; return True if it already holds examples.

    Raises TrainingError if it holds the examples of a training with other arguments.
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
        is_intact = (path / "sha256").read_text() == digest_examples(examples)
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
        (draft / "sha256").write_text(digest_examples(examples))
        os.replace(draft, path)
    except OSError as error:
        raise TrainingError(
            f"{path}: cannot be written ({error.strerror}). Free space, then give the same command again."
        ) from None
