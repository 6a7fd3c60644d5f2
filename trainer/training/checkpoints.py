"""What a killed training leaves behind, so that the same command ends with the weights it would have ended with.

One `.npz` holds the arrays and, as text, the rest; it is written beside the last one and moved over it, so that a kill
at any moment leaves a whole one. It says what it is a checkpoint of: others are refused, and so is a damaged one.
"""

import hashlib
import json
import os
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np

from trainer.data.examples import digest_arrays
from trainer.errors import TrainingError
from trainer.training.learner import Arrays

CHECKPOINT = "checkpoint.npz"


@dataclass
class TrainingState:
    """How far a training has come, beside its arrays."""

    step: int = 0
    """Steps done."""
    loss: float = 0.0
    """Smoothed over some fifty steps."""
    narrow: int = 0
    """How many steps running the directions have lain too close together."""
    best: float = -1.0
    """Highest one-shot figure of an examination so far."""
    best_step: int = 0
    since_best: int = 0
    """Examinations since."""


class Checkpoints:
    """Of one training, in one folder."""

    def __init__(self, folder: Path, identity: Mapping[str, Any], minutes: float) -> None:
        self._path = folder / CHECKPOINT
        self._identity = {part: _digest_text(told) for part, told in identity.items()}
        self._seconds, self._last = 60 * minutes, monotonic()

    def is_due(self) -> bool:
        return monotonic() - self._last >= self._seconds

    def write(self, course: TrainingState, arrays: Arrays) -> None:
        text = np.array(json.dumps({"of": self._identity, "course": asdict(course)}))
        named: dict[str, Any] = {**arrays, "text": text}
        draft = self._path.with_name(f".{CHECKPOINT}.{os.getpid()}")
        self._path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with draft.open("wb") as file:
                np.savez(file, **named, sha256=np.array(digest_arrays(named)))
                file.flush()
                os.fsync(file.fileno())
            os.replace(draft, self._path)
        except OSError as error:
            raise TrainingError(
                f"{self._path}: cannot be written ({error.strerror}); make room, then give the same command again."
            ) from None
        finally:
            draft.unlink(missing_ok=True)
        self._last = monotonic()

    def read(self) -> tuple[TrainingState, Arrays] | None:
        """The last one written; None where none was. Raises TrainingError for a damaged one, or another training's."""
        if not self._path.exists():
            return None
        try:
            with np.load(self._path, allow_pickle=False) as archive:
                arrays = {name: archive[name] for name in archive.files}
            whole = str(arrays.pop("sha256")) == digest_arrays(arrays)
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            whole = False
        if not whole:
            raise TrainingError(f"{self._path}: is damaged (checksum); remove it, and the training begins anew.")
        told = json.loads(str(arrays.pop("text")))
        other = [part for part, digest in self._identity.items() if told["of"].get(part) != digest]
        if other:
            raise TrainingError(
                f"{self._path}: is of a training with another {' and '.join(other)}; give that one's arguments to go on"
                " with it, or remove it to begin anew."
            )
        return TrainingState(**told["course"]), arrays


def _digest_text(told: Any) -> str:
    return hashlib.sha256(repr(told).encode()).hexdigest()[:16]
