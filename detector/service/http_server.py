"""HTTP endpoints of a running daemon: `/metrics`, `/livez` (the loop makes progress), `/readyz` (it raises alarms)."""

import socket
import ssl
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from detector.config.schema import Http
from detector.errors import ConfigError
from detector.service.http_auth import HttpAuth
from detector.text import printable

REQUEST_SECONDS = 10
"""Longest silence of a client before its connection is closed."""

CONNECTIONS = 32
"""Most open connections, a thread and a file each.

One more closes the oldest: a scrape takes milliseconds, so the oldest client is one that sends nothing.
"""


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


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64  # five by default: more scrapers than that at once would wait a second for each other

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler], auth: HttpAuth) -> None:
        super().__init__(address, handler)
        self._auth = auth
        self._open: dict[socket.socket, None] = {}
        """Open connections, oldest first."""
        self._lock = threading.Lock()

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        return self._auth.wrap(connection), address

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._open[request] = None
            oldest = next(iter(self._open)) if len(self._open) > CONNECTIONS else None
            if oldest is not None:
                del self._open[oldest]
                with suppress(OSError):  # it has just been closed
                    socket.socket.shutdown(oldest, socket.SHUT_RDWR)  # beneath its TLS, which another thread may be in
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._open.pop(request, None)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore a client that hangs up, sends nothing, or does not speak TLS."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class Endpoints:
    """HTTP server on a thread of its own. `port` 0 in the configuration takes a free port."""

    def __init__(self, http: Http, registry: CollectorRegistry, health: Health) -> None:
        """Raises ConfigError for a certificate or an address that cannot be used."""
        self.auth = auth = HttpAuth(http)

        class Handler(BaseHTTPRequestHandler):
            timeout = REQUEST_SECONDS

            def setup(self) -> None:
                super().setup()
                if isinstance(self.connection, ssl.SSLSocket):
                    self.connection.do_handshake()

            def do_GET(self) -> None:
                is_admitted = auth.admits(self.headers["Authorization"])
                status, kind, body = _answer(self.path, is_admitted, registry, health)
                self.send_response(status)
                if status == 401:
                    self.send_header("WWW-Authenticate", 'Basic realm="faultline", charset="UTF-8"')
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Write no log line for a request."""

        try:
            self._server = _Server((http.host, http.port), Handler, auth)
        except OSError as error:
            raise ConfigError(
                f"http: cannot listen on {http.host}:{http.port} ({error.strerror}); set http.port to a free port."
            ) from None
        self.address = f"{http.host}:{self._server.server_address[1]}"
        self.url = f"{auth.scheme}://{self.address}"
        threading.Thread(target=self._server.serve_forever, name="endpoints", daemon=True).start()

    def close(self) -> None:
        """Stop the server and release its port."""
        self._server.shutdown()
        self._server.server_close()


def _answer(path: str, is_admitted: bool, registry: CollectorRegistry, health: Health) -> tuple[int, str, bytes]:
    """Return status, content type and body. Metrics need the password; liveness and readiness do not."""
    text_type = "text/plain; charset=utf-8"
    match path.split("?")[0]:
        case "/metrics" if not is_admitted:
            return 401, text_type, b"/metrics needs a user and a password\n"
        case "/metrics":
            return 200, CONTENT_TYPE_LATEST, generate_latest(registry)
        case "/livez":
            if health.is_alive:
                return 200, text_type, b"alive\n"
            return 503, text_type, f"no progress for {health.stall_seconds:g} s\n".encode()
        case "/readyz":
            return (
                (200, text_type, b"ready\n")
                if health.is_ready
                else (503, text_type, f"{printable(health.reason)}\n".encode())
            )
        case _:
            return 404, text_type, b"not found; there are /metrics, /livez and /readyz\n"
