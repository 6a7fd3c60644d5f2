"""Checkpoints of a training: a killed training resumes from them and ends with the same weights as without the kill.

One `.npz` holds the arrays and, as text, everything else. A new checkpoint is written to a draft
file, which then replaces the old one by a rename, so a kill at any moment leaves a complete file. The checkpoint names
its training. A damaged checkpoint, or one of another training, is refused.
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
    """Progress of a training, beside its arrays."""

    step: int = 0
    """Steps done."""
    loss: float = 0.0
    """Loss, smoothed over some fifty steps."""
    narrow: int = 0
    """Consecutive steps with too small a spread of the directions."""
    best: float = -1.0
    """Highest one-shot accuracy of a validation run so far."""
    best_step: int = 0
    since_best: int = 0
    """Validation runs since the best one."""


class Checkpoints:
    """Checkpoint file of one training, in one folder."""

    def __init__(self, folder: Path, identity: Mapping[str, Any], minutes: float) -> None:
        """`identity` names everything that determines the weights; `minutes` is the time between two writes."""
        self._path = folder / CHECKPOINT
        self._identity = {part: _digest_text(value) for part, value in identity.items()}
        self._seconds, self._last = 60 * minutes, monotonic()

    def is_due(self) -> bool:
        """Return whether `minutes` have passed since the last write or the start."""
        return monotonic() - self._last >= self._seconds

    def write(self, state: TrainingState, arrays: Arrays) -> None:
        """Replace the checkpoint. Raises TrainingError if it cannot be written."""
        text = np.array(json.dumps({"of": self._identity, "course": asdict(state)}))
        columns: dict[str, Any] = {**arrays, "text": text}
        draft = self._path.with_name(f".{CHECKPOINT}.{os.getpid()}")
        self._path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with draft.open("wb") as file:
                np.savez(file, **columns, sha256=np.array(digest_arrays(columns)))
                file.flush()
                os.fsync(file.fileno())
            os.replace(draft, self._path)
        except OSError as error:
            raise TrainingError(
                f"{self._path}: cannot be written ({error.strerror}). Free space, then give the same command again."
            ) from None
        finally:
            draft.unlink(missing_ok=True)
        self._last = monotonic()

    def read(self) -> tuple[TrainingState, Arrays] | None:
        """Return the last checkpoint, or None. Raises TrainingError if it is damaged or of another training."""
        if not self._path.exists():
            return None
        try:
            with np.load(self._path, allow_pickle=False) as archive:
                arrays = {name: archive[name] for name in archive.files}
            is_intact = str(arrays.pop("sha256")) == digest_arrays(arrays)
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            is_intact = False
        if not is_intact:
            raise TrainingError(f"{self._path}: is damaged (checksum). Remove it, and the training begins again.")
        text = json.loads(str(arrays.pop("text")))
        differing = [part for part, digest in self._identity.items() if text["of"].get(part) != digest]
        if differing:
            raise TrainingError(
                f"{self._path}: is of a training with another {' and '.join(differing)}. Give that training's arguments"
                " to continue it, or remove the file to begin again."
            )
        return TrainingState(**text["course"]), arrays


def _digest_text(value: Any) -> str:
    return hashlib.sha256(repr(value).encode()).hexdigest()[:16]
