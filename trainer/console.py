"""Console of the trainer: lines and progress for the person who waits for a command."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from rich.console import Console

console = Console(highlight=False, soft_wrap=True)


@contextmanager
def timed_step(text: str) -> Iterator[None]:
    """Show the step while it runs, then print it with the seconds it took."""
    begin = monotonic()
    with console.status(text):
        yield
    print_duration(text, begin)


def print_duration(text: str, begin: float) -> None:
    """Print a step and the seconds since `begin`, a reading of the monotonic clock."""
    console.print(f"{text:<60} {monotonic() - begin:6.1f} s")


@contextmanager
def progress_on_stderr(active: bool) -> Iterator[None]:
    """Leave standard output to the JSON document of a command: print all lines on standard error meanwhile."""
    before = console.stderr
    console.stderr = active or before
    try:
        yield
    finally:
        console.stderr = before
