"""What a person sees while a command works."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from rich.console import Console

console = Console(highlight=False, soft_wrap=True)


@contextmanager
def timed_step(text: str) -> Iterator[None]:
    """Prints what was done, and how long it took."""
    begin = monotonic()
    with console.status(text):
        yield
    _tell(text, begin)


def _tell(text: str, begin: float) -> None:
    console.print(f"{text:<60} {monotonic() - begin:6.1f} s")
