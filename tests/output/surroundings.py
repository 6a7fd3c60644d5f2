"""File systems that a test needs and an ordinary folder is not: small, read-only, of another user."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

NOBODY = 65534


@contextmanager
def mounted(options: str) -> Iterator[Path]:
    """A temporary file system in memory, where this user may mount one."""
    folder = Path(tempfile.mkdtemp(prefix="faultline-mount-"))
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True, check=False)
    if done.returncode:
        folder.rmdir()
        pytest.skip("needs the right to mount a file system")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
        folder.rmdir()


@contextmanager
def as_nobody() -> Iterator[None]:
    """A user without rights; whoever runs the tests without being root is one already."""
    if os.geteuid():
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user can enter, as pytest's own is not."""
    folder = Path(tempfile.mkdtemp(prefix="faultline-open-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)
