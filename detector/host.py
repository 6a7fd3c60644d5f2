"""Host of the daemon: limits, temporary folder, clock and names that differ between machines, looked at for a check."""

import getpass
import os
import resource
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import gmtime, strftime, time

from detector.config.schema import Config
from detector.finding import Finding

PROCESS_BYTES = 1_000_000_000
"""Memory of the process and the compiled encoder, without a cell: the runbook's figure."""

CELL_BYTES = 16_000
"""Memory of a cell: `make bench` measured 14 to 20 kB."""

OPEN_FILES = 256
"""Open files that no cluster exceeds: 33 connections of the endpoints, and one of each of some six Kafka clients to
each of some thirty brokers. A single broker was served with 40."""

THREADS = 128
"""Threads of this user that a start needs at most: TensorFlow, OpenBLAS and XLA start one or more for each core, and
each Kafka client one for each broker."""

EARLIEST_CLOCK = 1_735_689_600
"""2025-01-01: no earlier moment can be now, because there was no Faultline. A clock without a battery says 1970."""

COPIED_FILES = ("cells.npy", "baseline.npy")
"""Files of the bundle that are copied to the temporary folder."""

MEMORY_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
"""Memory that a container may take, in versions 2 and 1 of cgroups."""

CPU_QUOTA = "/sys/fs/cgroup/cpu.max"


def host_findings(config: Config) -> list[Finding]:
    """Return what is found of this host: warnings and errors, or one line that all is well."""
    problems = [
        *_limit_findings(),
        *memory_findings(_memory_limit(), config.limits.cells),
        *_temporary_folder_findings(Path(config.bundle)),
        *clock_findings(time()),
        *_name_findings(),
    ]
    return problems or [Finding("host", "ok", _summary())]


def _limit_findings() -> Iterator[Finding]:
    limits = (
        (resource.RLIMIT_NOFILE, OPEN_FILES, "open files", "ulimit -n, LimitNOFILE"),
        (resource.RLIMIT_NPROC, THREADS, "processes and threads of this user", "ulimit -u, LimitNPROC"),
        (resource.RLIMIT_AS, 4 * PROCESS_BYTES, "bytes of address space", "ulimit -v, LimitAS"),
        (resource.RLIMIT_FSIZE, PROCESS_BYTES, "bytes of a file", "ulimit -f, LimitFSIZE"),
    )
    for number, needed, unit, name in limits:
        soft, _ = resource.getrlimit(number)
        if soft != resource.RLIM_INFINITY and soft < needed:
            yield Finding(
                "host", "warning", f"{soft:,} {unit} are allowed, and up to {needed:,} are needed; raise {name}."
            )
    cpus = _cpu_quota()
    if cpus < 1:
        yield Finding(
            "host",
            "warning",
            f"the container may use {cpus:g} CPU, and a start alone takes 10 s of one; allow 1 or more.",
        )


def memory_findings(limit: int, cells: int) -> list[Finding]:
    """Return what a limit of memory, in bytes, means for so many cells."""
    needed = PROCESS_BYTES + CELL_BYTES * cells
    if limit >= needed:
        return []
    if limit < PROCESS_BYTES:
        text = f"{_gigabytes(limit)} of memory are allowed, and the encoder alone needs {_gigabytes(PROCESS_BYTES)}"
        return [Finding("host", "error", f"{text}; raise the limit of the container or unit.")]
    text = f"{_gigabytes(limit)} of memory are allowed, and {cells:,} cells take {_gigabytes(needed)}"
    return [Finding("host", "warning", f"{text}; raise the limit of the container or unit, or lower limits.cells.")]


def _temporary_folder_findings(bundle: Path) -> Iterator[Finding]:
    try:
        folder = tempfile.gettempdir()
    except OSError:
        yield Finding(
            "host", "error", "no temporary folder can be written, and the bundle is copied there; set TMPDIR to one."
        )
        return
    try:
        needed = sum((bundle / name).stat().st_size for name in COPIED_FILES)
    except OSError:
        return  # the check of the bundle says so
    free = shutil.disk_usage(folder).free
    if free < needed:
        yield Finding(
            "host",
            "error",
            f"{folder} has {free:,} bytes free, and the bundle needs {needed:,} there; make room, or set TMPDIR.",
        )


def clock_findings(now: float) -> list[Finding]:
    """Return what is wrong with the clock when it says `now`, in seconds since 1970."""
    if now >= EARLIEST_CLOCK:
        return []
    shown = strftime("%Y-%m-%d %H:%M", gmtime(now))
    text = f"the clock says {shown} UTC, so certificates are not valid and every minute comes from the future"
    return [Finding("host", "error", f"{text}; set it (chrony, ntpd).")]


def _name_findings() -> Iterator[Finding]:
    try:
        getpass.getuser()
    except (KeyError, OSError, ImportError):
        yield Finding(
            "host",
            "warning",
            f"user {os.getuid()} has no name, so labels are signed with the number; give --by, or set LOGNAME.",
        )
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    try:
        "…é".encode(encoding)
    except (UnicodeError, LookupError):
        yield Finding(
            "host", "warning", f"the terminal's encoding is {encoding}, so other letters are escaped; set LANG=C.UTF-8."
        )


def _memory_limit() -> int:
    """Return the memory that this process may take: that of the machine, or less in a container."""
    limits = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    limits += [int(text) for text in map(_read, MEMORY_LIMITS) if text.isdecimal()]
    return min(limits)


def _cpu_quota() -> float:
    """Return the processors that this process may use at a time."""
    cpus = float(len(os.sched_getaffinity(0)))
    quota, _, period = _read(CPU_QUOTA).partition(" ")
    return min(cpus, int(quota) / int(period)) if quota.isdecimal() and period.isdecimal() else cpus


def _read(path: str) -> str:
    try:
        return Path(path).read_text(errors="replace").strip()
    except OSError:
        return ""


def _summary() -> str:
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    memory, folder = _gigabytes(_memory_limit()), tempfile.gettempdir()
    return f"{_cpu_quota():g} CPUs, {memory} of memory, {files:,} open files, temporary folder {folder}"


def _gigabytes(count: int) -> str:
    return f"{count / 1e9:.1f} GB"
