"""Signals that ask the process to end: SIGINT, SIGTERM, SIGHUP and SIGQUIT.

The first one ends a command by an exception, so that it removes what it has half written, and the daemon after the
micro-batch in progress. A second one ends the process at once. So does the first one after GRACE_SECONDS: the main
thread may be in native code, which hears of no signal before it returns. TensorFlow compiles for seconds there, and
librdkafka waits half a minute for a broker.
"""

import os
import select
import signal
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from time import monotonic
from types import FrameType
from typing import Any, NoReturn

from detector.process import streams
from detector.process.streams import show_cursor

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)

GRACE_SECONDS = 4.0
"""Time between a signal and the end. `docker stop` kills after 10 s. An orderly end of the daemon takes 1 s on two idle
cores, and 4 s more where a transaction waits for a broker that is away."""

DEFERRED_SECONDS = 0.02
"""Pause until a command is interrupted that was writing; a guess, far below what a person notices."""

WRITER = streams.__file__

IMPORT_SYSTEM = "<frozen importlib"
"""How the file names of Python's import system begin."""


class SignalInterrupt(KeyboardInterrupt):
    """Request of a signal to end the command. A KeyboardInterrupt, because libraries know that one."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


@dataclass
class _SignalPolicy:
    """Answer of this process to an ending signal."""

    is_ours: bool = False
    """Whether the process may be ended from here: it is a program of ours, and not one that called `main`."""
    at_once: bool = False
    """Whether the first signal ends the process like a second one."""
    exit_code: int | None = None
    """Exit code after the first signal; None for 128 and the signal's number."""
    is_interrupted: bool = False
    """Whether the command was interrupted already."""
    deferred: int = signal.SIGTERM
    """Signal that came while standard output was written."""


_policy = _SignalPolicy()


def watch_signals() -> None:
    """Let signals end this process, from now on to its end. Call it once, in the main thread of a program."""
    _policy.is_ours = True
    _handle_by(_interrupt, [number for number in ENDING if signal.getsignal(number) != signal.SIG_IGN])  # as of nohup
    signal.signal(signal.SIGALRM, lambda _, frame: _interrupt(_policy.deferred, frame))
    sys.unraisablehook = _end_after_lost_interrupt
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    threading.Thread(target=_watch, args=(reader,), name="signals", daemon=True).start()


def stop_at_once() -> None:
    """End the process at once, with 0, at a signal: the start of the daemon has begun nothing that must be finished."""
    if _policy.is_ours:
        _policy.at_once, _policy.exit_code = True, 0
        _handle_by(lambda number, _: end_now(exit_code(number)), _handled())


def stop_in_order(stop: threading.Event) -> None:
    """Set `stop` at a signal. The process then ends with 0, after GRACE_SECONDS in any case."""
    _policy.at_once, _policy.exit_code = False, 0
    _handle_by(lambda *_: stop.set(), {signal.SIGINT, signal.SIGTERM, *(_handled() - {signal.SIGQUIT})})


def stop_nowhere() -> None:
    """Let no signal interrupt the last steps of the process. A signal ends it at once."""
    _policy.at_once = True
    signal.setitimer(signal.ITIMER_REAL, 0)
    _handle_by(lambda number, _: end_now(exit_code(number)), _handled())


def exit_code(number: int) -> int:
    """Return the exit code of the process after its first signal."""
    return 128 + number if _policy.exit_code is None else _policy.exit_code


def end_now(code: int) -> NoReturn:
    """End the process without another step."""
    show_cursor()
    os._exit(code)


def _handled() -> set[int]:
    return {number for number in ENDING if callable(signal.getsignal(number))}


def _handle_by(handler: Any, numbers: Any) -> None:
    for number in numbers:
        signal.signal(number, handler)


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Interrupt the command by an exception.

    It ends at once during an import: nothing is half written then, and an exception there may be swallowed, or end
    native code by an abort. It is interrupted later where it writes to standard output: what has just been written
    would be written again.
    """
    files = list(_files(frame))
    if files[:1] == [WRITER]:
        _policy.deferred = number
        signal.setitimer(signal.ITIMER_REAL, DEFERRED_SECONDS)
        return
    if number == signal.SIGQUIT or _policy.is_interrupted or any(file.startswith(IMPORT_SYSTEM) for file in files):
        end_now(exit_code(number))
    _policy.is_interrupted = True
    raise SignalInterrupt(number)


def _files(frame: FrameType | None) -> Iterator[str]:
    """Yield the file of every frame of the main thread, the innermost first."""
    while frame is not None:
        yield frame.f_code.co_filename
        frame = frame.f_back


def _end_after_lost_interrupt(unraisable: "sys.UnraisableHookArgs") -> None:
    """End the process where an interrupt was raised in a destructor or callback, which swallows it."""
    if isinstance(unraisable.exc_value, SignalInterrupt):
        end_now(exit_code(unraisable.exc_value.number))
    sys.__unraisablehook__(unraisable)


def _watch(reader: int) -> None:
    """End the process at the second signal, or when the time of the first one is over."""
    first = _next_signal(reader, None)
    if first is not None and first != signal.SIGQUIT and not _policy.at_once:
        second = _next_signal(reader, monotonic() + GRACE_SECONDS)
        if second is not None:
            end_now(128 + second)
    end_now(exit_code(first or signal.SIGTERM))


def _next_signal(reader: int, deadline: float | None) -> int | None:
    """Return the next ending signal; None when the deadline is over."""
    while True:
        remaining = None if deadline is None else max(0.0, deadline - monotonic())
        if not select.select([reader], [], [], remaining)[0]:
            return None
        for number in os.read(reader, 1):
            if number in ENDING:
                return number
