"""Blows at random moments: a verb runs as a process, is killed or finds its disk full, and its output is looked at.

Half of the moments are drawn over the whole run, half within a few milliseconds after the first change on the disk,
where most of what can go wrong lies.
"""

import errno
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.eventually import eventually
from tests.process.programs import default_signals

ROOT = Path(__file__).parents[2]

SEED = int(os.environ.get("FAULTLINE_KILLS_SEED") or random.SystemRandom().randrange(2**32))

BLOWS = ("SIGKILL", "SIGTERM", "SIGINT", "full disk")

LONGEST_SECONDS = 900

NEAR_SECONDS = 0.03
"""After the first change on the disk: a bundle is written, flushed and exchanged in about as much."""

REFUSED, KILLED, TERMINATED, INTERRUPTED = 2, -signal.SIGKILL, (-signal.SIGTERM, 128 + signal.SIGTERM), 130


@dataclass(frozen=True)
class Victim:
    """A verb that writes `out`, and what an output of it must be."""

    program: str
    words: Sequence[str]
    """Its arguments; `OUT` stands for the path of the output."""
    is_whole: Callable[[Path], bool]
    """Return whether what is at the path is whole, old or new."""
    allowed: Callable[[Path], set[str]]
    """Return the names that may be beside the output after a blow, so that the next run goes on from them."""

    def command(self, out: Path) -> list[str]:
        return [sys.executable, "-m", self.program, *(word.replace("OUT", str(out)) for word in self.words)]

    def run(self, out: Path) -> float:
        """Run it to its end, and return the seconds."""
        begin = time.monotonic()
        done = subprocess.run(self.command(out), cwd=ROOT, capture_output=True, text=True, timeout=LONGEST_SECONDS)
        assert done.returncode == 0, done.stderr
        return time.monotonic() - begin


@dataclass(frozen=True)
class Blow:
    """What befell one run, when, and what was left."""

    name: str
    seconds: float
    code: int
    errors: str
    left: frozenset[str]
    """Names beside the output that are no part of it."""


def strike(victim: Victim, out: Path, name: str, seconds: float, rng: random.Random) -> Blow:
    """Run a verb, strike it at a moment within its usual seconds, and look at what is left."""
    begin, limit = time.monotonic(), rng.uniform(0, seconds)
    watched = rng.random() < 0.5
    allowed = victim.allowed(out)
    before = _state(out.parent, allowed)
    with subprocess.Popen(
        victim.command(out),
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
        preexec_fn=default_signals,
    ) as process:
        while process.poll() is None and (watched or time.monotonic() - begin < limit):
            if watched and _state(out.parent, allowed) != before:
                time.sleep(rng.uniform(0, NEAR_SECONDS))
                break
            time.sleep(0.0005)
        moment = time.monotonic() - begin
        if name == "full disk":
            _fill(out.parent.parent / "ballast")
        elif process.poll() is None:
            process.send_signal(signal.Signals[name])
        errors = process.communicate(timeout=LONGEST_SECONDS)[1]
    eventually(lambda: not _group_lives(process.pid), "the run's processes have ended", LONGEST_SECONDS)
    left = {path.name for path in out.parent.iterdir()} - {out.name} - allowed
    return Blow(name, moment, process.returncode, errors, frozenset(left))


def _state(folder: Path, allowed: set[str]) -> tuple[tuple[str, int], ...]:
    """Return the other names in a folder with the time of the last change in each: cheap enough to ask all the time."""
    try:
        others = [entry for entry in os.scandir(folder) if entry.name not in allowed]
        return tuple(sorted((entry.name, entry.stat(follow_symlinks=False).st_mtime_ns) for entry in others))
    except FileNotFoundError:
        return ()


def _fill(ballast: Path) -> None:
    """Take all that is left of a disk."""
    with ballast.open("wb", buffering=0) as file:
        size = 1 << 20
        while size:
            try:
                file.write(bytes(size))
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
                size //= 2


def _group_lives(leader: int) -> bool:
    try:
        os.killpg(leader, 0)
    except ProcessLookupError:
        return False
    return True
