"""HTTP endpoints of a running daemon: `/metrics`, `/livez` (the loop makes progress), `/readyz` (it raises alarms)."""

import threading
from dataclasses import dataclass
from http import HTTPStatus
from time import monotonic

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from detector.config.schema import Http
from detector.service.endpoints.connections import Connections
from detector.service.endpoints.exchange import Answer
from detector.service.endpoints.listener import open_listeners, url_host
from detector.service.http_auth import HttpAuth
from detector.text import printable

LONGEST_REASON = 2000
"""Characters of a reason that is shown whole: three foreign members with their ids have some 600."""


@dataclass
class Health:
    """State of the loop. Only the loop's thread writes it."""

    stall_seconds: float
    last_progress: float = 0.0
    """Begin of the loop's last iteration, by the monotonic clock."""
    is_ready: bool = False
    reason: str = "starting"
    """Reason why the daemon is not ready."""

    def progress(self) -> None:
        """Note that the loop makes progress."""
        self.last_progress = monotonic()

    @property
    def is_alive(self) -> bool:
        """Whether the loop has made progress within `stall_seconds`."""
        return monotonic() - self.last_progress < self.stall_seconds


class Endpoints:
    """HTTP server on threads of its own. `port` 0 in the configuration takes a free port."""

    def __init__(self, http: Http, registry: CollectorRegistry, health: Health) -> None:
        """Raises ConfigError for a certificate or an address that cannot be used."""
        self.auth = HttpAuth(http)
        self._registry, self._health = registry, health
        self._exposition_lock = threading.Lock()
        self._exposed, self._exposed_at = b"", 0.0
        listeners = open_listeners(http)
        self.address = f"{url_host(http.host)}:{listeners[0].getsockname()[1]}"
        self.url = f"{self.auth.scheme}://{self.address}"
        self._connections = Connections(listeners, self._respond, self.auth.wrap)

    def close(self) -> None:
        """Stop the server and release its port."""
        self._connections.close()

    def _respond(self, path: str, authorization: str | None) -> Answer:
        """Return the answer for a path. Metrics need the password; liveness and readiness do not."""
        match path:
            case "/metrics" if not self.auth.admits(authorization):
                return UNAUTHORIZED
            case "/metrics":
                return Answer(HTTPStatus.OK, self._exposition(), CONTENT_TYPE_LATEST)
            case "/livez" if self._health.is_alive:
                return Answer(HTTPStatus.OK, b"alive\n")
            case "/livez":
                return _unavailable(f"no progress for {self._health.stall_seconds:g} s")
            case "/readyz" if self._health.is_ready:
                return Answer(HTTPStatus.OK, b"ready\n")
            case "/readyz":
                return _unavailable(self._health.reason)
            case _:
                return NOT_FOUND

    def _exposition(self) -> bytes:
        """Return the metrics, as of after the call.

        Scrapes at the same time share one exposition: it costs milliseconds of the processor that the loop needs.
        """
        asked_at = monotonic()
        with self._exposition_lock:
            if self._exposed_at < asked_at:
                self._exposed_at = monotonic()
                self._exposed = generate_latest(self._registry)
            return self._exposed


UNAUTHORIZED = Answer(
    HTTPStatus.UNAUTHORIZED,
    b"/metrics needs a user and a password\n",
    fields={"WWW-Authenticate": 'Basic realm="faultline", charset="UTF-8"'},
)

NOT_FOUND = Answer(HTTPStatus.NOT_FOUND, b"not found; there are /metrics, /livez and /readyz\n")


def _unavailable(reason: str) -> Answer:
    return Answer(HTTPStatus.SERVICE_UNAVAILABLE, f"{printable(reason, LONGEST_REASON)}\n".encode())
