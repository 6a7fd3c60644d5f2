"""Drafts: hidden names beside an output for what is not whole yet, and what a killed run left under them.

A path has one draft name, and in a file system without an exchange of names one more for the former output. The draft
is locked while it is written, so a draft without a lock was left by a killed run.
"""

import errno
import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from detector.errors import OutputError

DRAFT, FORMER = ".faultline-draft", ".faultline-former"

MAX_NAME_BYTES = 255
"""Longest file name of Linux."""


def draft_path(path: Path) -> Path:
    """Return the name under which the output is written until it is whole."""
    return _hidden(path, DRAFT)


def former_path(path: Path) -> Path:
    """Return the name of the former output between two renames, where names cannot be exchanged."""
    return _hidden(path, FORMER)


def is_draft(name: str) -> bool:
    """Return whether a file name is that of a draft."""
    return name.startswith(".") and name.endswith((DRAFT, FORMER))


def recover(path: Path) -> None:
    """Clean up after a killed run: put its former output back if nothing is at `path`, and remove its drafts.

    Raises OutputError for a draft that another process is writing, or that this user does not own; OSError.
    """
    draft, former = draft_path(path), former_path(path)
    for leftover in (draft, former):
        if os.path.lexists(leftover):
            with locked_draft(leftover):
                if leftover == former and not os.path.lexists(path):
                    os.rename(former, path)
                else:
                    remove(leftover)


def remove(path: Path) -> None:
    """Remove a draft, whatever it is; nothing if it is gone. Raises OSError."""
    if path.is_symlink() or not path.is_dir():
        path.unlink(missing_ok=True)
    else:
        shutil.rmtree(path)


@contextmanager
def locked_draft(draft: Path) -> Iterator[None]:
    """Hold the lock of a file or folder with a draft's name. Raises OutputError, as `recover` does."""
    if os.lstat(draft).st_uid != os.geteuid():
        raise OutputError(f"{draft}: is a draft of another user; ask that user to remove it, or give another path.")
    if draft.is_symlink():
        yield
        return
    handle = os.open(draft, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        lock(handle, draft)
        yield
    finally:
        os.close(handle)


def lock(handle: int, draft: Path) -> None:
    """Lock an open draft until its handle is closed. Raises OutputError if another process holds the lock."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
            raise OutputError(
                f"{draft}: is being written by another process; wait for its end, or give another path."
            ) from None
        # Some network file systems have no locks; the renames are safe without.


def _hidden(path: Path, suffix: str) -> Path:
    name = f".{path.name}{suffix}"
    if len(os.fsencode(name)) > MAX_NAME_BYTES:
        name = f".{hashlib.sha256(os.fsencode(path.name)).hexdigest()[:32]}{suffix}"
    return path.with_name(name)
