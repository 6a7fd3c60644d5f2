"""Display of what is being done, on standard error, where that is a terminal. Elsewhere nothing is shown.

Only one display is on the screen. One that begins inside another takes its place until it ends.
"""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

from detector.terminal.colours import wants_color
from detector.text import printable

UPDATE_SECONDS = 0.1
"""Shortest time between two updates of a display: an update costs 50 us, and a step may cost less."""

_displays: list[Any] = []
"""Displays of this process that have begun, the innermost last."""


class Meter:
    """Count of a work's steps. A call adds to it."""

    def __init__(self, unit: str, total: int | None = None, display: Any = None) -> None:
        self.done = 0
        self.note = ""
        """Text beside the bar, such as a loss."""
        self._unit, self._total, self._display = unit, total, display
        self._begin = monotonic()
        self._updated = 0.0

    @property
    def seconds(self) -> float:
        """Seconds since the begin."""
        return monotonic() - self._begin

    @property
    def rate(self) -> float:
        """Steps a second, since the begin."""
        return self.done / max(self.seconds, 1e-3)

    def __call__(self, steps: int = 1) -> None:
        self.done += steps
        now = monotonic()
        if self._display is None or (now - self._updated < UPDATE_SECONDS and self.done != self._total):
            return
        self._updated = now
        beside = f"{self.rate:,.0f} {self._unit}/s  {printable(self.note)}".rstrip()
        self._display.update(self._display.task_ids[0], completed=self.done, beside=beside)


@contextmanager
def progress(text: str, total: int | None, unit: str) -> Iterator[Meter]:
    """Show a bar with percentage, rate and time left; call the meter with the number of steps that were done.

    Without a total it shows the count and the rate.
    """
    if not is_interactive():
        yield Meter(unit)
        return
    from rich import progress as bars

    shares = (bars.BarColumn(30), bars.TaskProgressColumn()) if total is not None else (bars.MofNCompleteColumn(),)
    with _shown(
        text, total, *shares, bars.TextColumn("{task.fields[beside]}", markup=False), bars.TimeRemainingColumn()
    ) as display:
        yield Meter(unit, total, display)


@contextmanager
def status(text: str) -> Iterator[None]:
    """Show what is being done while it lasts, with the seconds since its begin."""
    if not is_interactive():
        yield
        return
    from rich.progress import TimeElapsedColumn

    with _shown(text, None, TimeElapsedColumn()):
        yield


def is_interactive() -> bool:
    """Tell whether standard error is a terminal on which the main thread can write a line anew."""
    return _is_main_thread() and sys.stderr.isatty() and os.environ.get("TERM", "") not in ("dumb", "unknown", "")


def _is_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


@contextmanager
def hidden_display() -> Iterator[None]:
    """Take the display off the screen while something else is printed."""
    if not _displays or not _is_main_thread():
        yield
        return
    _displays[-1].stop()
    try:
        yield
    finally:
        _displays[-1].start()


@contextmanager
def _shown(text: str, total: int | None, *columns: Any) -> Iterator[Any]:
    """Show a display of the text and these columns."""
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn

    spinner = "dots" if "utf" in (sys.stderr.encoding or "").lower() else "line"
    # A descriptor of its own: standard error is sent to nowhere while the encoder's library starts.
    with open(os.dup(sys.stderr.fileno()), "w", encoding=sys.stderr.encoding, errors="backslashreplace") as file:
        console = Console(
            file=file,
            force_terminal=True,
            force_interactive=True,
            no_color=not wants_color(sys.stderr),
            highlight=False,
        )
        display = Progress(
            SpinnerColumn(spinner),
            TextColumn("{task.description}", markup=False),
            *columns,
            console=console,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        display.add_task(printable(text), total=total, beside="")
        with hidden_display():
            _displays.append(display)
            try:
                with display:
                    yield display
            finally:
                _displays.pop()
