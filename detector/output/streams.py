"""Streams as outputs: `/dev/stdout`, `/dev/null`, a pipe or a terminal is written directly, for it holds nothing."""

import errno
import os
import re
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from detector.errors import OutputError

STANDARD = {"/dev/stdin": 0, "/dev/stdout": 1, "/dev/stderr": 2}

DESCRIPTOR = re.compile(r"(?:/dev|/proc/(?:self|thread-self))/fd/(\d+)")


def is_stream(path: Path, status: os.stat_result | None) -> bool:
    """Return whether the path is a device, a pipe, a socket, or a file that this process has open already."""
    if status is None:
        return False
    return _descriptor(path) is not None or not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode))


def refuse_stream(path: Path, status: os.stat_result | None) -> None:
    """Refuse a disk, a socket, and a stream that this user may not write. Raises OutputError, OSError."""
    mode = status.st_mode if status else 0
    if _descriptor(path) is None and (stat.S_ISBLK(mode) or stat.S_ISSOCK(mode)):
        noun = "a disk" if stat.S_ISBLK(mode) else "a socket"
        raise OutputError(f"{path}: is {noun}, and a file is wanted; give another path.")
    if not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))


@contextmanager
def open_stream(path: Path) -> Iterator[IO[bytes]]:
    """Yield the stream, open for writing; one that this process has open goes on where it is. Raises OSError."""
    number = _descriptor(path)
    if number is not None:
        sys.stdout.flush()
        sys.stderr.flush()
    with open(path if number is None else os.dup(number), "wb") as file:
        yield file


def _descriptor(path: Path) -> int | None:
    """Return the number of the open file that a path such as `/dev/stdout` names."""
    name = os.path.normpath(path)
    if name in STANDARD:
        return STANDARD[name]
    matched = DESCRIPTOR.fullmatch(name)
    return int(matched[1]) if matched else None
