"""Console of the trainer: steps for the person who waits for a command."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from time import monotonic

from detector.terminal import print_line, status


@contextmanager
def timed_step(text: str) -> Iterator[None]:
    """Show the step while it runs, then print it with the seconds it took."""
    begin = monotonic()
    with status(text):
        yield
    print_duration(text, begin)


def print_duration(text: str, begin: float) -> None:
    """Print a step and the seconds since `begin`, a reading of the monotonic clock."""
    print_line(f"{text:<60} {monotonic() - begin:6.1f} s")


@contextmanager
def progress_on_stderr(active: bool) -> Iterator[None]:
    """Print steps beside the result if `active`: a program that reads JSON from standard output wants nothing else."""
    with redirect_stdout(sys.stderr if active else sys.stdout):
        yield
