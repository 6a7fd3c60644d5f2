"""Watchdog: ends the process when its loop makes no progress, so that its supervisor restarts it.

No data is lost, because the state is rebuilt from the log. A loop that waits for an unavailable broker makes progress.
"""

import faulthandler
import logging
import os
import threading

from detector.service.http_server import Health

log = logging.getLogger("faultline")

STDERR = 2

CHECKS = 10
"""Checks within `stall_seconds`."""

LAST_LOG_SECONDS = 5.0
"""Timeout of the last log lines. They cannot be written where the loop hangs on standard error."""


def watch(health: Health) -> None:
    """End the process with 1 when the loop has made no progress for `stall_seconds`, as /livez reports it.

    Every thread's stack goes to standard error. Where native code keeps the interpreter's lock, so that not even this
    thread runs, the same happens without the interpreter, after twice as long.
    """
    threading.Thread(target=_check, args=(health,), name="watchdog", daemon=True).start()


def _check(health: Health) -> None:
    pause = threading.Event()
    while health.is_alive:
        faulthandler.dump_traceback_later(2 * health.stall_seconds, exit=True, file=STDERR)
        pause.wait(health.stall_seconds / CHECKS)
    last_log = threading.Thread(target=_log_stacks, args=(health,), daemon=True)
    last_log.start()
    last_log.join(LAST_LOG_SECONDS)
    os._exit(1)


def _log_stacks(health: Health) -> None:
    log.critical(
        "the loop has made no progress for %g s; the process ends, with every thread's stack", health.stall_seconds
    )
    faulthandler.dump_traceback(file=STDERR)
