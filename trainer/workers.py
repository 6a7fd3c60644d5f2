"""Processes that share the work of one command, and the progress bar of that command.

`joblib` (1.6, its loky processes) was measured in place of this module, and left out for three reasons. Two empty tasks
that import the simulator take 3 to 6 s here and 8 to 15 s there, its shutdown included (two loaded cores, three runs).
An interrupt kills its processes: both of two half-written files stayed, where here a process leaves by exception and
removes its own. A shared counter cannot be pickled for them, so the bar would move only when a task ends, and to feed
Kafka is one task per process for hours.
"""

import multiprocessing
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import wait
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from detector.errors import OperatorError
from trainer.console import console

PROCESSES = multiprocessing.get_context("forkserver")
"""Each is forked from a server without threads: beside librdkafka's or an array library's own, what was held in the
moment of the fork is held for good in the child. A network of 10,000 cells goes through the pipe in 3 MB.
"""
PROCESSES.set_forkserver_preload(["trainer.simulation.run", "trainer.data.examples"])

LOOK_SECONDS = 0.2
"""How often the bar is brought up to date."""


class WorkerError(OperatorError):
    """What stopped a run half-way."""


class SharedCounter:
    """A number that processes share."""

    def __init__(self) -> None:
        self._shared = PROCESSES.Value("q", 0)
        self.look: Callable[[], None] = _unseen
        """Brings the bar up to date; for the process that shows it."""

    def __getstate__(self) -> dict[str, Any]:
        return {"_shared": self._shared, "look": _unseen}

    @property
    def value(self) -> int:
        return int(self._shared.value)

    def add(self, more: int) -> None:
        with self._shared.get_lock():
            self._shared.value += more


def _unseen() -> None:
    """Of a process that shows no bar."""


@contextmanager
def bar(unit: str, total: int) -> Iterator[SharedCounter]:
    """A bar with rate and time left."""
    count = SharedCounter()
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"), TimeRemainingColumn())
    begin = time.monotonic()
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(unit, total=total, rate="")

        def look() -> None:
            rate = count.value / max(time.monotonic() - begin, 1e-3)
            progress.update(task, completed=count.value, rate=f"{rate:,.0f} {unit}/s")

        count.look = look
        yield count
    seconds = time.monotonic() - begin
    console.print(f"{count.value:,} {unit} in {seconds:.1f} s, {count.value / max(seconds, 1e-3):,.0f} a second")


def run_workers(tasks: Sequence[Callable[[], None]], workers: int, count: SharedCounter) -> None:
    """The tasks, shared out over processes; the first failure, or the user's ^C, ends them all."""
    failures = PROCESSES.SimpleQueue()
    crew = [PROCESSES.Process(target=_worker_main, args=(tasks[first::workers], failures)) for first in range(workers)]
    for process in crew:
        process.start()
    try:
        while any(process.is_alive() for process in crew):
            wait([process.sentinel for process in crew if process.is_alive()], LOOK_SECONDS)
            count.look()
            if not failures.empty():
                raise failures.get()
    finally:
        for process in crew:
            process.terminate()
            process.join()
    if any(process.exitcode for process in crew):
        raise WorkerError(
            "a simulating process was killed; give the same command again, with fewer --workers if memory ran out."
        )


def _worker_main(tasks: Sequence[Callable[[], None]], failures: Any) -> None:
    """One process. Asked to end, it leaves by exception, so that what it has half done is cleared away."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent has it too, and asks
    try:
        for task in tasks:
            task()
    except OperatorError as error:
        failures.put(error)
