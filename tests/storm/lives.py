"""The daemon in a process of its own, over and over: what is imported is imported once, and each life forked from it.

A life runs the product's own `main`, with its signals, its exit codes and its log; only TensorFlow's import, ten times
as long as most lives, is not paid a hundred times, nor is the compilation of the same programs: XLA keeps those of the
lives before, on disk, by their content. So a start takes 0.9 s of a core, and not 2.1.
"""

import ctypes
import faulthandler
import os
import signal
import sys
from collections.abc import Sequence
from multiprocessing import get_context
from pathlib import Path
from types import TracebackType
from typing import Self

from detector.__main__ import main
from tests.service.stage import ADDRESS, START_SECONDS, Answer, get, samples, wait_until
from tests.storm.points import Point, arm

FORGE = get_context("forkserver")
FORGE.set_forkserver_preload(["tensorflow", "detector.service.daemon", "detector.commands.run", "tests.storm.lives"])

PR_SET_PDEATHSIG = 1

STACKS_SECONDS = 0.5
"""To write down where its threads are."""


def live(config: Path, log: Path, points: Sequence[Point]) -> None:
    """The whole of a life, from the child's side."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    with log.open("ab") as out:
        os.dup2(out.fileno(), 1)
        os.dup2(out.fileno(), 2)
    kept = config.parents[1] / "programs"
    os.environ["TF_XLA_FLAGS"] = (
        f"--tf_xla_persistent_cache_directory={kept} --tf_xla_persistent_cache_device_types=CPU"
    )
    faulthandler.register(signal.SIGUSR2)  # the other one is the daemon's own
    for point in points:
        arm(point)
    sys.exit(main(["run", "--config", str(config)]))


class Life:
    """One process of the daemon, from its start to its end; it ends with the `with` at the latest."""

    def __init__(self, config: Path, *points: Point) -> None:
        self._log = config.with_suffix(".log")
        self._log.touch()
        self._begin = self._log.stat().st_size
        self._process = FORGE.Process(target=live, args=(config, self._log, points))
        self._process.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            said = self.log[-3000:]
            error.add_note(f"the daemon's exit code was {self.exit_code}; it said:\n{said}")
            self._show_stacks()
            error.add_note(f"and its threads:\n{self.log[-3000:]}")
        self.kill()

    @property
    def log(self) -> str:
        """What this life, and any other of the same configuration since, has said."""
        with self._log.open("rb") as log:
            log.seek(self._begin)
            return log.read().decode()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it lives, negative when a signal ended it."""
        return self._process.exitcode

    def wait(self, seconds: float = START_SECONDS) -> int:
        """Its exit code. TimeoutError when it outlives that time."""
        self._process.join(seconds)
        if self.exit_code is None:
            raise TimeoutError(f"still alive after {seconds:g} s; it says:\n{self.log[-3000:]}")
        return self.exit_code

    def outlives(self, seconds: float) -> bool:
        """Whether it is alive for so long."""
        self._process.join(seconds)
        return self.exit_code is None

    def kill(self) -> None:
        self._process.kill()
        self._process.join()

    def terminate(self, seconds: float = 20.0) -> int:
        """SIGTERM; the exit code."""
        self._process.terminate()
        return self.wait(seconds)

    def pause(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def has_said(self, words: str) -> bool:
        """Whether its log has these words. RuntimeError when it has ended without."""
        if words in self.log:
            return True
        self.check()
        return False

    def check(self) -> None:
        if self.exit_code is not None:
            raise RuntimeError(f"the daemon ended with {self.exit_code}:\n{self.log[-3000:]}")

    def wait_ready(self) -> Self:
        wait_until(self.is_ready, "the daemon is ready", START_SECONDS)
        return self

    def is_ready(self) -> bool:
        self.check()
        answer = self._get("/readyz")
        return answer is not None and answer.status == 200

    def metrics(self) -> dict[str, float]:
        """A scrape; empty before and after its time."""
        answer = self._get("/metrics")
        return samples(answer.body) if answer else {}

    def _show_stacks(self) -> None:
        """Where every thread stands, at the end of the log."""
        if self.exit_code is None:
            os.kill(self.pid, signal.SIGUSR2)
            self._process.join(STACKS_SECONDS)

    def _get(self, path: str) -> Answer | None:
        address = ADDRESS.search(self.log)
        try:
            return get(address[1] + path) if address else None
        except OSError:  # it ends just now
            return None
