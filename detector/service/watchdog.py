"""Progress or death: a loop that no longer comes round is ended, and whoever started the process starts it anew.

Nothing is lost by it: the log rebuilds the state. What waits for a broker in order comes round, and is left alone.
"""

import faulthandler
import logging
import os
import threading

from detector.service.http_server import Health

log = logging.getLogger("faultline")

STDERR = 2

LOOKS = 10
"""In the time that a loop may stand still."""

FAREWELL_SECONDS = 5.0
"""For the last words: where standard error is what the loop hangs on, they cannot be said."""


def watch(health: Health) -> None:
    """Ends the process with 1 when the loop has stood still for `stall_seconds`, by what /livez says.

    Every thread's stack goes to standard error. Where not even this thread comes to look, because native code keeps the
    interpreter to itself, the same happens without the interpreter, after twice as long.
    """
    threading.Thread(target=_look, args=(health,), name="watchdog", daemon=True).start()


def _look(health: Health) -> None:
    pause = threading.Event()
    while health.alive:
        faulthandler.dump_traceback_later(2 * health.stall_seconds, exit=True, file=STDERR)
        pause.wait(health.stall_seconds / LOOKS)
    farewell = threading.Thread(target=_say_farewell, args=(health,), daemon=True)
    farewell.start()
    farewell.join(FAREWELL_SECONDS)
    os._exit(1)


def _say_farewell(health: Health) -> None:
    log.critical("the loop has not come round for %g s; ending, with every thread's stack", health.stall_seconds)
    faulthandler.dump_traceback(file=STDERR)
