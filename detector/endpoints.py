"""What others may ask of a running daemon: `/metrics`, `/livez` (it makes progress), `/readyz` (it judges)."""

import socket
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from detector.config import Http
from detector.errors import ConfigError

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

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(address, handler)
        self._open: dict[socket.socket, None] = {}
        """Oldest first."""
        self._lock = threading.Lock()

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._open[request] = None
            oldest = next(iter(self._open)) if len(self._open) > CONNECTIONS else None
            if oldest is not None:
                del self._open[oldest]
                with suppress(OSError):  # it has just gone
                    oldest.shutdown(socket.SHUT_RDWR)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._open.pop(request, None)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is not an event."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class Endpoints:
    """An HTTP server on a thread of its own. `port` 0 in the configuration takes a free one."""

    def __init__(self, http: Http, registry: CollectorRegistry, health: Health) -> None:
        class Handler(BaseHTTPRequestHandler):
            timeout = REQUEST_SECONDS

            def do_GET(self) -> None:
                status, kind, body = _answer(self.path, registry, health)
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Scrapes are not events."""

        try:
            self._server = _Server((http.host, http.port), Handler)
        except OSError as error:
            raise ConfigError(
                f"http: {http.host}:{http.port} cannot be listened on ({error.strerror}); set http.port to a free one."
            ) from None
        self.address = f"{http.host}:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, name="endpoints", daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _answer(path: str, registry: CollectorRegistry, health: Health) -> tuple[int, str, bytes]:
    plain = "text/plain; charset=utf-8"
    match path.split("?")[0]:
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
