"""Parent of a process: a child ends with it, also where it was killed."""

import ctypes
import os
import signal

PR_SET_PDEATHSIG = 1
"""Option of prctl(2): the signal that the kernel sends to a child when the thread that made it ends."""


def end_with_parent(parent: int) -> None:
    """Let SIGTERM end this process when its parent ends. `parent` is the parent's process id.

    Does nothing on a kernel without that option.
    """
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it ended before the kernel was asked
        os.kill(os.getpid(), signal.SIGTERM)
