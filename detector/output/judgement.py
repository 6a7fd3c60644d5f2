"""Judgement of an output path before any work: may this run write there, and does it lose nothing by it?

It changes nothing on the disk. A right to write is tried with a file without a name, because permission bits tell
neither a read-only file system nor an access list.
"""

import errno
import os
import stat
import tempfile
from collections.abc import Iterable
from pathlib import Path

from detector.errors import OutputError
from detector.output.inputs import refuse_inputs
from detector.output.kinds import OutputKind
from detector.output.streams import is_stream, refuse_stream
from detector.output.targets import refuse_mount_point, refuse_special_folder, replacement_target

REMEDIES = {
    "file": "give a file in a folder with room that this user may write to.",
    "replaced folder": "give another path, with room, that this user may write to.",
    "filled folder": "give another folder, with room, that this user may write to.",
}


def judge(path: Path, kind: OutputKind, inputs: Iterable[Path | None] = (), bytes_needed: int = 0) -> None:
    """Check that the output may be written at `path`: absent, empty, or recognised as of its own kind.

    `inputs` are files and folders that the run reads; the output is none of them, nor in them, nor around them.
    Raises OutputError.
    """
    if "\0" in os.fspath(path):
        raise OutputError(f"{path}: has a NUL character in its name, which no file can have; give another path.")
    try:
        _judge(path, kind, [item for item in inputs if item is not None], max(bytes_needed, kind.least_bytes))
    except OSError as error:
        raise unwritable(path, kind, error) from None


def refuse_foreign(path: Path, kind: OutputKind) -> None:
    """Refuse to replace what is not of the kind. Raises OutputError, OSError."""
    status = _status(path)
    if status is None:
        return
    _refuse_other_form(path, kind, status)
    real = Path(os.path.realpath(path))
    if kind.form != "file" and not any(real.iterdir()):
        return
    if clause := kind.foreign_content(real):
        raise OutputError(f"{path}: {clause}; give another path, or remove what is there.")


def unwritable(path: Path, kind: OutputKind, error: OSError) -> OutputError:
    """Return the sentence about an output that the system does not let this run write."""
    return OutputError(f"{path}: cannot be written ({error.strerror or error}); {REMEDIES[kind.form]}")


def _judge(path: Path, kind: OutputKind, inputs: list[Path], bytes_needed: int) -> None:
    status, real = _status(path), Path(os.path.realpath(path))
    if kind.form == "file" and is_stream(path, status):
        refuse_stream(path, status)
        return
    if kind.form == "replaced folder":
        refuse_special_folder(path, real)
    if kind.form != "filled folder":
        refuse_mount_point(path, real)
    refuse_inputs(path, kind, inputs)
    refuse_foreign(path, kind)
    for folder in _folders_written(path, real, kind, is_there=status is not None):
        tempfile.TemporaryFile(dir=folder).close()
        _refuse_full_disk(path, folder, bytes_needed)


def _status(path: Path) -> os.stat_result | None:
    """Return the status of what is at the path; None for nothing, or a link to nothing. Raises OSError."""
    try:
        return os.stat(path)
    except FileNotFoundError:
        return None


def _refuse_other_form(path: Path, kind: OutputKind, status: os.stat_result) -> None:
    """Refuse a file where a folder is wanted, and the reverse."""
    is_folder = stat.S_ISDIR(status.st_mode)
    if is_folder and kind.form == "file":
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not is_folder and kind.form != "file":
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path))


def _folders_written(path: Path, real: Path, kind: OutputKind, *, is_there: bool) -> list[Path]:
    """Return the existing folders in which this run makes or replaces a name. Raises OSError for a missing right."""
    if kind.form == "filled folder":
        return [_existing(real)]
    if kind.form == "file":
        if is_there:
            os.close(os.open(real, os.O_WRONLY | os.O_CLOEXEC))  # a right that the bits do not tell: chattr +i
            _refuse_sticky(real)
        return [real.parent]
    folders = [_existing(replacement_target(path).parent)]
    if is_there:
        if not os.access(real, os.R_OK | os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(real))
        _refuse_sticky(real)
    return [*folders, path.parent] if path.is_symlink() else folders


def _existing(folder: Path) -> Path:
    """Return the folder itself, or the nearest one above it that exists: the others are made when they are needed."""
    while not os.path.lexists(folder):
        folder = folder.parent
    return folder


def _refuse_sticky(real: Path) -> None:
    """Refuse to replace another user's output in a folder such as /tmp, where the system forbids it."""
    parent, own = real.parent.stat(), os.geteuid()
    if parent.st_mode & stat.S_ISVTX and own not in (0, parent.st_uid, real.stat().st_uid):
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM), str(real))


def _refuse_full_disk(path: Path, folder: Path, bytes_needed: int) -> None:
    """Refuse a disk without the room that is needed; a quota shows only when it is reached."""
    disk = os.statvfs(folder)
    free = disk.f_frsize * (disk.f_bavail if os.geteuid() else disk.f_bfree)
    if disk.f_blocks and free < bytes_needed:
        raise OutputError(
            f"{path}: needs about {bytes_needed / 1e6:,.1f} MB, and its disk has {free / 1e6:,.1f} MB left; make room"
            " there, or give a path on another disk."
        )
    if disk.f_files and disk.f_favail == 0 and disk.f_ffree == 0:
        raise OSError(errno.ENOSPC, "No inode left on device", str(folder))
