"""Limits of the host that native libraries do not survive, checked before these are loaded.

OpenBLAS and TensorFlow end the process, or loop for ever, where they get no memory or no thread.
"""

import os
import resource
import threading

from detector.errors import OperatorError

ADDRESS_BYTES = 300_000_000
"""Address space that every command needs. With 205 MB, OpenBLAS ends the process when numpy is imported, with 1 and a
line of its own; with 256 MB it does not."""

MOST_OPENBLAS_THREADS = 64
"""Threads that OpenBLAS starts at most in numpy's wheels; otherwise one for each processor."""

ENCODER_THREADS = 16
"""Threads that TensorFlow starts beside those for each processor."""

PROCESSES = "/proc/self"
"""Folder from which TensorFlow reads what the machine has; without it, it aborts."""

STACK_BYTES = 65_536
"""Stack of a thread that only waits."""


def require_address_space() -> None:
    """Raise OperatorError where the limit of the address space lets no command run."""
    allowed, _ = resource.getrlimit(resource.RLIMIT_AS)
    if allowed != resource.RLIM_INFINITY and allowed < ADDRESS_BYTES:
        raise OperatorError(
            f"the address space is limited to {allowed:,} bytes, and every command needs {ADDRESS_BYTES:,}; raise the"
            " limit (ulimit -v, LimitAS)."
        )


def require_array_threads() -> None:
    """Raise OperatorError where the array library gets no threads."""
    _require_threads(min(os.cpu_count() or 1, MOST_OPENBLAS_THREADS))


def require_encoder_host() -> None:
    """Raise OperatorError where TensorFlow would end the process: without /proc, or without threads."""
    if not os.path.exists(PROCESSES):
        raise OperatorError(f"{PROCESSES} does not exist, and TensorFlow needs it; mount /proc.")
    _require_threads(ENCODER_THREADS + 4 * (os.cpu_count() or 1))


def _require_threads(count: int) -> None:
    """Start so many threads at once, and end them: no other question takes every limit of a host into account."""
    release = threading.Event()
    threads: list[threading.Thread] = []
    previous = threading.stack_size(STACK_BYTES)
    try:
        for _ in range(count):
            thread = threading.Thread(target=release.wait, daemon=True)
            thread.start()
            threads.append(thread)
    except RuntimeError:
        raise OperatorError(
            f"the host gives this user {len(threads)} more threads, and {count} are needed; raise the limit of"
            " processes and threads (ulimit -u, TasksMax, the container's pids limit)."
        ) from None
    finally:
        threading.stack_size(previous)
        release.set()
        for thread in threads:
            thread.join()
