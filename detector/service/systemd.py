"""Notifications to systemd: readiness or the reason against it, progress of the loop, and the end.

The protocol is sd_notify(3): datagrams to the socket that the environment names. Without one, nothing is sent.
"""

import logging
import os
import socket
from collections.abc import Mapping
from time import monotonic

from detector.text import printable

log = logging.getLogger("faultline")

STATUS_SECONDS = 5.0
"""Pause between two lines of `systemctl status`. A change of readiness is sent at once."""


class SystemdNotifier:
    """Sender of notifications to systemd. Only the loop's thread uses it, so that a hanging loop sends nothing."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        address = environment.get("NOTIFY_SOCKET", "")
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) if address else None
        self._ping_seconds = float(environment.get("WATCHDOG_USEC", "inf")) / 1e6 / 3
        self._pinged_at = self._status_at = float("-inf")
        self._is_ready: bool | None = None

    def feed_watchdog(self) -> None:
        """Report the loop's progress, three times in the watchdog's timeout."""
        if self._ping_seconds < float("inf") and monotonic() - self._pinged_at >= self._ping_seconds:
            self._pinged_at = monotonic()
            self._send("WATCHDOG=1")

    def notify_status(self, is_ready: bool, text: str) -> None:
        """Send the status line, and READY=1 when the daemon is ready."""
        if is_ready == self._is_ready and monotonic() - self._status_at < STATUS_SECONDS:
            return
        self._is_ready, self._status_at = is_ready, monotonic()
        line = printable(text)  # each line of a message is a command
        self._send(f"READY=1\nSTATUS={line}" if is_ready else f"STATUS={line}")

    def notify_stopping(self) -> None:
        """Report that the daemon stops."""
        self._send("STOPPING=1")

    def _send(self, message: str) -> None:
        if self._socket is None:
            return
        try:
            self._socket.sendto(message.encode(), self._address)
        except OSError as error:
            log.warning("systemd at %s cannot be notified: %s", self._address, error.strerror)
