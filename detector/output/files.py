"""Files as outputs: each appears whole and at once, or not at all.

A file is written without a name (`O_TMPFILE`), so a killed run leaves nothing. It gets its name, or replaces the former
file by a rename, when it is whole and on the disk. Where the file system has no such files, a draft beside it is used.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from detector.output.drafts import draft_path, lock, recover
from detector.output.rename import sync
from detector.output.signals import deferred_signals, sigterm_as_exit
from detector.output.streams import is_stream, open_stream

OWN_FILES = "/proc/self/fd"
"""Folder in which Linux names the open files of a process; a file without a name gets one by a link from there."""

MODE = 0o666
"""Mode of a new file before the umask, as `open` has it."""


@contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """Yield a binary file that takes its place at `path` at the end; after an error nothing is changed.

    A link is followed, a stream is written directly. Missing folders are made at the end. Raises OSError, and
    OutputError if another process is writing the same file.
    """
    status = path.stat() if path.exists() else None
    if is_stream(path, status):
        with open_stream(path) as stream:
            yield stream
        return
    target = Path(os.path.realpath(path))
    with _nameless(target) as file:
        yield file
        file.flush()
        if status is not None:
            os.fchmod(file.fileno(), status.st_mode & 0o777)
        os.fsync(file.fileno())
        with deferred_signals():
            target.parent.mkdir(parents=True, exist_ok=True)
            _name(file.fileno(), target)
            sync(target.parent)


@contextmanager
def _nameless(target: Path) -> Iterator[IO[bytes]]:
    """Yield a file on the target's disk that has no name yet, or that of a draft; without one it is gone at the end."""
    folder = target.parent
    while not os.path.lexists(folder):
        folder = folder.parent
    try:
        handle = os.open(folder, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, MODE)
    except OSError:  # this file system has none, or the folder cannot be written, as the draft will tell
        with draft_file(target) as file:
            yield file
        return
    with open(handle, "w+b") as file:
        yield file


@contextmanager
def draft_file(target: Path) -> Iterator[IO[bytes]]:
    """Yield the file under a draft's name, locked. Raises OSError, OutputError."""
    recover(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = draft_path(target)
    with sigterm_as_exit():
        handle = -1
        try:
            with deferred_signals():
                handle = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, MODE)
            with open(handle, "w+b") as file:
                lock(file.fileno(), draft)
                yield file
        finally:
            if handle >= 0:  # else the draft is another process's
                draft.unlink(missing_ok=True)


def _name(handle: int, target: Path) -> None:
    """Give an open file the target's name; a former file is replaced in one step. Raises OSError."""
    draft = draft_path(target)
    if not draft.exists() or not os.path.samestat(draft.stat(), os.fstat(handle)):
        with suppress(FileExistsError):
            _link(handle, target)
            return
        recover(target)
        lock(handle, draft)
        _link(handle, draft)
    try:
        os.replace(draft, target)
    finally:
        draft.unlink(missing_ok=True)


def _link(handle: int, path: Path) -> None:
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        # With a folder given, CPython calls linkat, which alone can follow the name of an open file (bpo-37612).
        os.link(f"{OWN_FILES}/{handle}", path.name, dst_dir_fd=folder, follow_symlinks=True)
    finally:
        os.close(folder)
