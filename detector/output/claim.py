"""Claim of an output path, from before the work until its end: judged, cleaned of a killed run's drafts, and locked."""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from detector.output.drafts import recover
from detector.output.judgement import judge, unwritable
from detector.output.kinds import ANY_FOLDER, OutputKind
from detector.output.process_lock import process_lock
from detector.output.signals import sigterm_as_exit
from detector.output.streams import is_stream
from detector.output.targets import replacement_target


@contextmanager
def claimed(
    path: Path, kind: OutputKind, *, inputs: Iterable[Path | None] = (), bytes_needed: int = 0
) -> Iterator[None]:
    """Hold the output path for this run; see `judge` for what is refused, and when. Raises OutputError.

    A second process that claims the path is refused. SIGTERM ends the run as an interrupt does.
    """
    known_inputs = list(inputs)
    judge(path, kind, known_inputs, bytes_needed)
    if is_stream(path, path.stat() if path.exists() else None):
        yield
        return
    real = Path(os.path.realpath(path))
    with process_lock(real), sigterm_as_exit():
        _recover(path, kind)
        judge(path, kind, known_inputs, bytes_needed)
        yield


@contextmanager
def claimed_files(files: Iterable[tuple[Path, OutputKind]], *, inputs: Iterable[Path | None] = ()) -> Iterator[None]:
    """Hold several output files, of which none is another. Raises OutputError."""
    known_inputs = list(inputs)
    with ExitStack() as stack:
        for path, kind in files:
            stack.enter_context(claimed(path, kind, inputs=known_inputs))
            known_inputs.append(path)
        yield


@contextmanager
def claimed_folder(
    folder: Path, files: Mapping[str, OutputKind], *, inputs: Iterable[Path | None] = ()
) -> Iterator[None]:
    """Hold a folder that may hold anything, and the files that this run writes into it, by name. Raises OutputError."""
    known_inputs = list(inputs)
    with claimed(folder, ANY_FOLDER, inputs=known_inputs):
        listed = [(folder / name, kind) for name, kind in files.items()] if folder.is_dir() else []
        with claimed_files(listed, inputs=known_inputs):
            yield


def _recover(path: Path, kind: OutputKind) -> None:
    if kind.form == "filled folder":
        return
    try:
        for name in {path, Path(os.path.realpath(path)), replacement_target(path)}:
            recover(name)
    except OSError as error:
        raise unwritable(path, kind, error) from None
