"""Processes that share the work of one command, and the progress bar of that command.

`joblib` (1.6, its loky processes) was measured in place of this module, and left out for three reasons. Two empty tasks
that import the simulator take 3 to 6 s here and 8 to 15 s there, its shutdown included (two loaded cores, three runs).
An interrupt kills its processes: both of two half-written files stayed, where here a process leaves by exception and
removes its own. A shared counter cannot be pickled for them, so the bar would move only when a task ends, and to feed
Kafka is one task per process for hours.
"""

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import wait
from typing import Any

from detector.errors import OperatorError
from detector.output.signals import deferred_signals
from detector.process.signals import GRACE_SECONDS
from detector.terminal import print_line, progress

PROCESSES = multiprocessing.get_context("forkserver")
"""Processes forked from a server without threads.

A child that is forked beside the threads of librdkafka or of an array library keeps for good every lock that they hold
at that moment. A network of 10,000 cells goes through the pipe in 3 MB.
"""
PROCESSES.set_forkserver_preload(["trainer.simulation.run", "trainer.data.examples"])

REFRESH_SECONDS = 0.2
"""Interval between two updates of the progress bar."""


class WorkerError(OperatorError):
    """Failure of a worker process that ends the whole command."""


class SharedCounter:
    """Counter that processes share, with the function that refreshes the bar of the process that shows it."""

    def __init__(self) -> None:
        self._shared = PROCESSES.Value("q", 0)
        self.refresh: Callable[[], None] = _no_bar
        """Update the bar; only the process that shows it has one."""

    def __getstate__(self) -> dict[str, Any]:
        return {"_shared": self._shared, "refresh": _no_bar}

    @property
    def value(self) -> int:
        """Sum of all additions of all processes."""
        return int(self._shared.value)

    def add(self, amount: int) -> None:
        """Add to the sum."""
        with self._shared.get_lock():
            self._shared.value += amount


def _no_bar() -> None:
    """Refresh nothing: this process shows no bar."""


@contextmanager
def bar(unit: str, total: int) -> Iterator[SharedCounter]:
    """Show a bar with rate and time left; at its end print the count, the seconds and the rate."""
    count = SharedCounter()
    with progress(unit, total, unit) as advance:
        count.refresh = lambda: advance(count.value - advance.done)
        yield count
        count.refresh()
    print_line(f"{advance.done:,} {unit} in {advance.seconds:.1f} s, {advance.rate:,.0f} a second")


def run_workers(tasks: Sequence[Callable[[], None]], workers: int, count: SharedCounter) -> None:
    """Run the tasks, distributed over processes. The first failure, or an interrupt, ends all of them.

    Raises the OperatorError of a task, and WorkerError for a process that was killed.
    """
    failures = PROCESSES.SimpleQueue()
    processes = [
        PROCESSES.Process(target=_worker_main, args=(tasks[first::workers], failures)) for first in range(workers)
    ]
    try:
        with deferred_signals():  # a process that is started by halves ends with a traceback of its own
            for process in processes:
                process.start()
        while any(process.is_alive() for process in processes):
            wait([process.sentinel for process in processes if process.is_alive()], REFRESH_SECONDS)
            count.refresh()
            if not failures.empty():
                raise failures.get()
    finally:
        for process in processes:
            process.terminate()
            process.join()
    if any(process.exitcode for process in processes):
        raise WorkerError(
            "a worker process was killed; give the same command again, with fewer --workers if memory ran out."
        )


def _worker_main(tasks: Sequence[Callable[[], None]], failures: Any) -> None:
    """Run the tasks of one process. SIGTERM ends it by an exception, so that a task removes its half-written file.

    The end of the parent does so, too, also where the parent was killed.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent gets it too, and sends SIGTERM
    threading.Thread(target=_end_after_parent, name="parent", daemon=True).start()
    try:
        for task in tasks:
            task()
    except OperatorError as error:
        failures.put(error)


def _end_after_parent() -> None:
    """End this process when its parent has ended: in order, and at once where that takes too long."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(GRACE_SECONDS)  # its main thread may be in native code
        os._exit(1)
