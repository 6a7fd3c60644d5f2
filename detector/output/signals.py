"""Signals while an output is written: SIGTERM ends it like an interrupt, and a few steps are not interrupted at all."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

TERMINATED = 128 + signal.SIGTERM
"""Exit code of a run that SIGTERM ended, as a shell reports it."""


@contextmanager
def sigterm_as_exit() -> Iterator[None]:
    """Turn SIGTERM into SystemExit, so that drafts are removed; a program's own handler is left in place."""
    if not _may_handle() or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


@contextmanager
def deferred_signals() -> Iterator[None]:
    """Hold SIGINT and SIGTERM back during steps that belong together: two renames, the removal of a draft."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    if not _may_handle() or None in handlers.values():  # None: a handler that Python cannot put back
        yield
        return
    received: list[int] = []
    for number in handlers:
        signal.signal(number, lambda arrived, _: received.append(arrived))
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for received_number in received:
            signal.raise_signal(received_number)


def _may_handle() -> bool:
    """Return whether this is the main thread, the only one that may set a handler."""
    return threading.current_thread() is threading.main_thread()
