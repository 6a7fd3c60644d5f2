"""Inputs of a run beside its output: an output is never an input, nor in one; a folder that is replaced holds none."""

import os
from collections.abc import Sequence
from pathlib import Path

from detector.errors import OutputError
from detector.output.kinds import OutputKind

Lineage = list[tuple[object, ...]]
"""Identities of a path and of every folder above it, nearest first."""


def refuse_inputs(path: Path, kind: OutputKind, inputs: Sequence[Path]) -> None:
    """Refuse an output that is an input, lies in one, or would replace a folder around one. Raises OutputError."""
    lineage = _lineage(path)
    for item in inputs:
        other = _lineage(item)
        if lineage[0] == other[0]:
            relation = f"is {item}, which this command reads or writes"
        elif other[0] in lineage:
            relation = f"lies in {item}, which this command reads or writes"
        elif kind.form == "replaced folder" and lineage[0] in other:
            relation = f"holds {item}, which this command reads or writes"
        else:
            continue
        raise OutputError(f"{path}: {relation}; give another path.")


def _lineage(path: Path) -> Lineage:
    real = Path(os.path.realpath(path))
    return [_identity(folder) for folder in (real, *real.parents)]


def _identity(path: Path) -> tuple[object, ...]:
    """Return what two names of one file have in common; the name itself where nothing is."""
    try:
        status = path.stat()
    except OSError:
        return (str(path),)
    return (status.st_dev, status.st_ino)
