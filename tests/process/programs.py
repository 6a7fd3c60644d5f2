"""Programs for tests of the process: a verb of ours, or a few lines run as one, each in a process of its own."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.eventually import eventually
from tests.kafka.broker import ROOT, die_with_parent

BEGUN = "begun\n"
"""What a program prints on standard output once its command runs."""


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str


def environment(changes: Mapping[str, str | None]) -> dict[str, str]:
    """Of a process with these variables; None takes one away.

    It has no folder of compiled programs: a program that another worker is just writing there makes TensorFlow print
    "Error parsing text-format", and these tests read every line.
    """
    merged = {**os.environ, "PYTHONPATH": str(ROOT), "TF_XLA_FLAGS": None, **changes}
    return {name: value for name, value in merged.items() if value is not None}


def default_signals() -> None:
    """Gives a child the signals of a command in a terminal: under nohup, and in the background, some are ignored."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)


def shell(script: str, cwd: Path = ROOT, **changes: str | None) -> Ended:
    """Runs a script of bash in which `$FAULTLINE` and `$TRAINER` are our programs."""
    programs = {"FAULTLINE": f"{sys.executable} -m detector", "TRAINER": f"{sys.executable} -m trainer"}
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=cwd,
        env={**environment(changes), **programs},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="backslashreplace",
        timeout=200,
        check=False,
        preexec_fn=default_signals,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def start(body: str, **changes: str | None) -> subprocess.Popen[str]:
    """Starts a program whose command is these lines; it has begun when this returns.

    They may use `say`, which prints a line at once.
    """
    lines = "".join(f"    {line}\n" for line in body.strip().splitlines())
    code = (
        "import ctypes, os, signal, sys, threading, time\n"
        "from detector.__main__ import *\n"
        "from detector.process.entry_point import run_program\n"
        "from detector.process.signals import stop_at_once, stop_in_order\n"
        "def say(text): print(text, flush=True)\n"
        f"def command():\n    say('begun')\n{lines}    return 0\n"
        "run_program('program', command)\n"
    )
    process = subprocess.Popen(
        [*die_with_parent(), sys.executable, "-c", code],
        cwd=ROOT,
        env=environment(changes),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding=changes.get("PYTHONIOENCODING") or "utf-8",
        preexec_fn=default_signals,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == BEGUN
    return process


def ended(process: subprocess.Popen[str], seconds: float = 60.0) -> Ended:
    """The end of a program that says little: what it wrote fits into its pipes."""
    code = process.wait(seconds)
    assert process.stdout is not None
    assert process.stderr is not None
    return Ended(code, process.stdout.read(), process.stderr.read())


def is_running(pid: int) -> bool:
    """Whether a process of this number runs, a zombie apart."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_gone(pid: int, seconds: float = 30.0) -> None:
    eventually(lambda: not is_running(pid), f"process {pid} ends", seconds)


def kill(process: subprocess.Popen[str], number: signal.Signals = signal.SIGKILL) -> None:
    process.send_signal(number)
    process.wait(60)
