"""What others may ask of a running daemon: `/metrics`, `/livez` (it makes progress), `/readyz` (it judges)."""

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

REQUEST_SECONDS = 10
"""A scraper that says nothing for so long is cut off."""

CONNECTIONS = 32
"""Open at once, a thread and a file each. One more, and the oldest is cut off: a scrape takes milliseconds, so the
oldest is somebody who says nothing."""


@dataclass
class Health:
    """What the loop says of itself. Written by the loop alone."""

    stall_seconds: float
    progressed: float = 0.0
    """When the loop last came round, by the monotonic clock."""
    ready: bool = False
    reason: str = "starting"
    """Why it is not ready."""

    def progress(self) -> None:
        self.progressed = monotonic()

    @property
    def alive(self) -> bool:
        return monotonic() - self.progressed < self.stall_seconds


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64  # five by default: more scrapers than that at once would wait a second for each other

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler], entrance: HttpAuth) -> None:
        super().__init__(address, handler)
        self._entrance = entrance
        self._open: dict[socket.socket, None] = {}
        """Oldest first."""
        self._lock = threading.Lock()

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        return self._entrance.wrapped(connection), address

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._open[request] = None
            oldest = next(iter(self._open)) if len(self._open) > CONNECTIONS else None
            if oldest is not None:
                del self._open[oldest]
                with suppress(OSError):  # it has just gone
                    socket.socket.shutdown(oldest, socket.SHUT_RDWR)  # beneath its TLS, which another thread may be in
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._open.pop(request, None)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up, says nothing, or does not speak TLS is not an event."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class Endpoints:
    """An HTTP server on a thread of its own. `port` 0 in the configuration takes a free one."""

    def __init__(self, http: Http, registry: CollectorRegistry, health: Health) -> None:
        self.entrance = entrance = HttpAuth(http)

        class Handler(BaseHTTPRequestHandler):
            timeout = REQUEST_SECONDS

            def setup(self) -> None:
                super().setup()
                if isinstance(self.connection, ssl.SSLSocket):
                    self.connection.do_handshake()

            def do_GET(self) -> None:
                admitted = entrance.admits(self.headers["Authorization"])
                status, kind, body = _answer(self.path, admitted, registry, health)
                self.send_response(status)
                if status == 401:
                    self.send_header("WWW-Authenticate", 'Basic realm="faultline", charset="UTF-8"')
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Scrapes are not events."""

        try:
            self._server = _Server((http.host, http.port), Handler, entrance)
        except OSError as error:
            raise ConfigError(
                f"http: {http.host}:{http.port} cannot be listened on ({error.strerror}); set http.port to a free one."
            ) from None
        self.address = f"{http.host}:{self._server.server_address[1]}"
        self.url = f"{entrance.scheme}://{self.address}"
        threading.Thread(target=self._server.serve_forever, name="endpoints", daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _answer(path: str, admitted: bool, registry: CollectorRegistry, health: Health) -> tuple[int, str, bytes]:
    """Figures are for those who are admitted; whether it lives and judges, for whoever starts and stops it."""
    plain = "text/plain; charset=utf-8"
    match path.split("?")[0]:
        case "/metrics" if not admitted:
            return 401, plain, b"a user and a password are asked for here\n"
        case "/metrics":
            return 200, CONTENT_TYPE_LATEST, generate_latest(registry)
        case "/livez":
            if health.alive:
                return 200, plain, b"alive\n"
            return 503, plain, f"no progress for {health.stall_seconds:g} s\n".encode()
        case "/readyz":
            return (200, plain, b"ready\n") if health.ready else (503, plain, f"{health.reason}\n".encode())
        case _:
            return 404, plain, b"/metrics, /livez and /readyz are here\n"
