"""Waiting for a condition: the one place where tests let time pass."""

import time
from collections.abc import Callable

PAUSE_SECONDS = 0.02

DEADLINE_SECONDS = 60.0
"""Most conditions are met within 5 s on two idle cores; a machine with a load of ten takes eight times as long."""


def eventually(condition: Callable[[], bool], what: str, seconds: float = DEADLINE_SECONDS) -> None:
    """Return as soon as a condition is met; raise TimeoutError, with what was waited for, when it is not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds:g} s: {what}")
        time.sleep(PAUSE_SECONDS)
