"""Renames that replace a folder or a link in one step, and the flushes that make them outlast a power failure."""

import ctypes
import errno
import os
from pathlib import Path

AT_FDCWD, RENAME_EXCHANGE = -100, 2
"""Constants of `renameat2` (Linux 3.15; ext4, XFS, btrfs, tmpfs, F2FS)."""

UNSUPPORTED = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EPERM)
"""Errors of a file system, or of a sandbox, that cannot exchange two names: NFS and SMB answer EINVAL."""


def exchange(first: Path, second: Path) -> bool:
    """Exchange the names of two folders in one step; return False where the file system cannot. Raises OSError."""
    library = ctypes.CDLL(None, use_errno=True)
    if not hasattr(library, "renameat2"):
        return False
    names = os.fsencode(first), os.fsencode(second)
    if library.renameat2(AT_FDCWD, names[0], AT_FDCWD, names[1], RENAME_EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in UNSUPPORTED:
        return False
    raise OSError(number, os.strerror(number), str(second))


def point_link(link: Path, target: Path, draft: Path) -> None:
    """Point a link at a folder in one step: relatively inside its own folder, so that it can be mounted elsewhere.

    `draft` is a free name beside the link. Raises OSError.
    """
    folder = link.parent.resolve()
    address = target.relative_to(folder) if target.is_relative_to(folder) else target
    try:
        draft.symlink_to(address)
        os.replace(draft, link)
    finally:
        draft.unlink(missing_ok=True)
    sync(folder)


def sync(path: Path) -> None:
    """Flush a file, or the names in a folder, to the disk. Raises OSError."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno != errno.EINVAL:  # a file system without a flush for folders
            raise
    finally:
        os.close(handle)


def sync_folder(folder: Path) -> None:
    """Flush a folder with everything in it to the disk. Raises OSError."""
    for path in folder.rglob("*"):
        if not path.is_symlink():
            sync(path)
    sync(folder)
