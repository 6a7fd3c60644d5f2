"""A limit on memory that the kernel keeps, as a container's or a unit's: whoever goes beyond it is killed."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

GROUPS = Path("/sys/fs/cgroup")

MEMBERS = "cgroup.procs"

LEFT_BYTES = 20_000_000

TAKER = "import os, sys; open(sys.argv[1], 'w').write(str(os.getpid())); b'x' * 60_000_000"

TAKER_SECONDS = 60


class Untried(Exception):
    """This machine lacks what a scenario needs; the sentence says what."""


class MemoryGroup:
    """Processes with one limit on their memory. It is of the first or the second version of control groups."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        first = (folder / "memory.limit_in_bytes").exists()
        names = ("memory.usage_in_bytes", "memory.limit_in_bytes") if first else ("memory.current", "memory.max")
        self._used, self._limit = (folder / name for name in names)
        self._none = self._limit.read_text()

    def take(self, pid: int) -> None:
        """What it allocates from now on counts."""
        (self._folder / MEMBERS).write_text(str(pid))

    def run_out(self, first: int) -> None:
        """Another of the group takes more than is left, and the kernel ends the `first` for it."""
        Path(f"/proc/{first}/oom_score_adj").write_text("1000")
        self._limit.write_text(str(int(self._used.read_text()) + LEFT_BYTES))
        command = [sys.executable, "-c", TAKER, str(self._folder / MEMBERS)]
        subprocess.run(command, check=False, timeout=TAKER_SECONDS)  # it may have to go, too

    def open_up(self) -> None:
        """No limit."""
        self._limit.write_text(self._none)


@contextmanager
def memory_group(name: str) -> Iterator[MemoryGroup]:
    """Gone in the end, when all of its processes are. Raises Untried where none may be made."""
    folder = _own() / name
    try:
        folder.mkdir()
    except OSError as error:
        raise Untried(f"no control group for memory can be made here: {error}") from None
    try:
        if not any((folder / limit).exists() for limit in ("memory.limit_in_bytes", "memory.max")):
            raise Untried(f"{folder} limits no memory")
        yield MemoryGroup(folder)
    finally:
        folder.rmdir()


def _own() -> Path:
    """The group of this process that counts memory."""
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "memory":
            return GROUPS / "memory" / path.lstrip("/")
    return GROUPS / line.split(":", 2)[2].lstrip("/")
