"""Waiting for a condition: the one place where tests let time pass."""

import time
from collections.abc import Callable

PAUSE_SECONDS = 0.02


def eventually(condition: Callable[[], bool], what: str, seconds: float = 30.0) -> None:
    """Return as soon as a condition is met; raise TimeoutError, with what was waited for, when it is not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds:g} s: {what}")
        time.sleep(PAUSE_SECONDS)
