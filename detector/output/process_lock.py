"""Lock of an output path among the processes of one host, held from the claim to the end of a run.

It is the name of a Unix socket in Linux's abstract namespace: the kernel drops it when the process ends, however it
ends, so a killed run leaves nothing on the disk. A lock file would stay there. Processes of other hosts or containers
do not see it; they meet at the lock of the draft, when both write.
"""

import errno
import hashlib
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from detector.errors import OutputError

MOUNTS = "/proc/self/ns/mnt"
"""Identity of the mount namespace: one path names two folders in two containers that share a network."""


@contextmanager
def process_lock(path: Path) -> Iterator[None]:
    """Hold the lock of a resolved path. Raises OutputError if another process of this host holds it."""
    digest = hashlib.sha256(os.fsencode(path) + _mount_namespace()).hexdigest()
    lock = _socket()
    if lock is None:
        yield
        return
    with lock:
        try:
            lock.bind(f"\0faultline-output-{digest}")
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise OutputError(
                    f"{path}: another process is at work on this output; wait for its end, or give another path."
                ) from None
        yield


def _socket() -> socket.socket | None:
    """Return a socket; None in a sandbox that forbids them, where the lock of the draft must do."""
    try:
        return socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    except OSError:
        return None


def _mount_namespace() -> bytes:
    try:
        return os.fsencode(os.readlink(MOUNTS))
    except OSError:
        return b""
