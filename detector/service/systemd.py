"""What systemd is told where it started us: that we judge or why not, that the loop comes round, and that we go.

The protocol of sd_notify(3): datagrams to the socket that the environment names. Without one, nothing is said.
"""

import logging
import os
import socket
from collections.abc import Mapping
from time import monotonic

log = logging.getLogger("faultline")

STATUS_SECONDS = 5.0
"""Between two lines of `systemctl status`; that we are ready, or no longer, is said at once."""


class SystemdNotifier:
    """Who started us, if it wants to be told. Called by the loop alone, so that a hanging loop says nothing."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        address = environment.get("NOTIFY_SOCKET", "")
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) if address else None
        self._pause = float(environment.get("WATCHDOG_USEC", "inf")) / 1e6 / 3
        self._pinged = self._told = float("-inf")
        self._ready: bool | None = None

    def progress(self) -> None:
        """Three times in the watchdog's patience."""
        if self._pause < float("inf") and monotonic() - self._pinged >= self._pause:
            self._pinged = monotonic()
            self._say("WATCHDOG=1")

    def status(self, ready: bool, text: str) -> None:
        if ready == self._ready and monotonic() - self._told < STATUS_SECONDS:
            return
        self._ready, self._told = ready, monotonic()
        self._say(f"READY=1\nSTATUS={text}" if ready else f"STATUS={text}")

    def stopping(self) -> None:
        self._say("STOPPING=1")

    def _say(self, message: str) -> None:
        if self._socket is None:
            return
        try:
            self._socket.sendto(message.encode(), self._address)
        except OSError as error:
            log.warning("systemd at %s does not hear: %s", self._address, error.strerror)
