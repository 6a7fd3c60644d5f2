"""Connections of the endpoints: a thread each, bounded in number and in time, whatever their clients do.

One thread accepts. It makes no handshake and reads nothing, so that no client can hold it up. Twice a second it closes
the connections whose time is over. A client that sends a byte a second has as much time as one that sends nothing.
"""

import errno
import selectors
import socket
import ssl
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from time import monotonic

from detector.service.endpoints.exchange import Exchange, Respond

REQUEST_SECONDS = 10.0
"""Longest time of a request with its TLS handshake, and of an answer."""

IDLE_SECONDS = 75.0
"""Longest time between two requests of a connection: longer than a scrape interval of a minute."""

LINGER_SECONDS = 1.0
"""Longest time that a client's remaining bytes are read before the end.

A connection that is closed with unread bytes is reset, and the reset may reach the client before the answer.
"""

CONNECTIONS = 32
"""Most open connections, a thread and a file each.

One more closes the one that has waited longest: a scrape takes milliseconds, so that client is one that sends nothing.
"""

CHECK_SECONDS = 0.5
"""Time between two checks of the deadlines."""

NO_FILE_SECONDS = 0.1
"""Pause where the process may open no more files, until a connection has given its file back."""

JOIN_SECONDS = 0.5
"""Longest wait at the end for the thread that accepts."""


class OpenConnection:
    """One client's connection, and the time at which it is closed."""

    def __init__(self, client: socket.socket) -> None:
        self.client = client
        self.is_answering = False
        self.since = monotonic()
        """Time of its opening, or of its last answer."""
        self.deadline = self.since + REQUEST_SECONDS
        """Time of the end; 0 once it is shut down."""
        self._has_answered = False

    def await_request(self) -> None:
        """Give the client the time between two requests. The first one has no such time before it."""
        self.is_answering = False
        if self._has_answered:
            self.since = monotonic()
            self.deadline = self.since + IDLE_SECONDS

    def read_request(self) -> None:
        """Give the client the time of a request, from its first byte; of the first one, from the connection."""
        if self._has_answered:
            self.deadline = monotonic() + REQUEST_SECONDS

    def write_answer(self) -> None:
        """Give the client the time of an answer."""
        self._has_answered = self.is_answering = True
        self.deadline = monotonic() + REQUEST_SECONDS

    def shut_down(self) -> None:
        """Wake the thread that serves the client: its next read or write fails."""
        self.deadline = 0.0  # the next check repeats it, where the socket is just being wrapped in TLS
        with suppress(OSError):  # it has just been closed
            socket.socket.shutdown(self.client, socket.SHUT_RDWR)  # beneath its TLS, which another thread may be in

    def end(self) -> None:
        """Close the connection so that the client gets all that was sent."""
        self.deadline = min(self.deadline, monotonic() + LINGER_SECONDS)
        with suppress(OSError, ValueError):  # ValueError: the handshake never took place
            if isinstance(self.client, ssl.SSLSocket):
                self.client.settimeout(LINGER_SECONDS)
                self.client.unwrap()
        with suppress(OSError):
            socket.socket.shutdown(self.client, socket.SHUT_WR)
            self.client.settimeout(LINGER_SECONDS)
            while socket.socket.recv(self.client, 65_536):
                pass
        self.client.close()


class Connections:
    """Acceptor of connections, and the threads that serve them."""

    def __init__(
        self,
        listeners: Iterable[socket.socket],
        respond: Respond,
        wrap: Callable[[socket.socket], socket.socket],
    ) -> None:
        """`wrap` returns a client's socket with TLS, where it is used; it is called on the client's thread."""
        self._listeners, self._respond, self._wrap = list(listeners), respond, wrap
        self._open: set[OpenConnection] = set()
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._wake_reader, self._wake_writer = socket.socketpair()
        self._thread = threading.Thread(target=self._accept_all, name="endpoints", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Close the listening sockets and all connections, whatever their clients do."""
        if self._closing.is_set():
            return
        self._closing.set()
        self._wake_writer.send(b"\0")
        self._thread.join(JOIN_SECONDS)
        for local_socket in (*self._listeners, self._wake_reader, self._wake_writer):
            local_socket.close()
        with self._lock:
            for connection in self._open:
                connection.shut_down()

    def _accept_all(self) -> None:
        with selectors.DefaultSelector() as selector:
            for listener in self._listeners:
                selector.register(listener, selectors.EVENT_READ, listener)
            selector.register(self._wake_reader, selectors.EVENT_READ)
            checked_at = monotonic()
            while not self._closing.is_set():
                for key, _ in selector.select(CHECK_SECONDS):
                    if key.data is not None and not self._closing.is_set():
                        self._accept(key.data)
                if monotonic() - checked_at >= CHECK_SECONDS:
                    checked_at = monotonic()
                    self._close_overdue(checked_at)

    def _accept(self, listener: socket.socket) -> None:
        try:
            client, _ = listener.accept()
        except OSError as error:  # the client has gone already, or the process has no file for it
            if error.errno in (errno.EMFILE, errno.ENFILE):
                self._close_longest_waiting()
                self._closing.wait(NO_FILE_SECONDS)
            return
        client.setblocking(True)
        connection = OpenConnection(client)
        with self._lock:
            is_full = sum(connection.deadline > 0 for connection in self._open) >= CONNECTIONS
        if is_full:
            self._close_longest_waiting()
        with self._lock:
            self._open.add(connection)
        try:
            threading.Thread(target=self._serve, args=(connection,), name="http client", daemon=True).start()
        except RuntimeError:  # the system has no thread left
            client.close()
            self._forget(connection)

    def _serve(self, connection: OpenConnection) -> None:
        try:
            connection.client = self._wrap(connection.client)
            if isinstance(connection.client, ssl.SSLSocket):
                connection.client.do_handshake()
            Exchange(connection.client, self._respond, connection)
        except OSError:
            pass  # a client that hangs up, that took too long, or that does not speak TLS
        finally:
            connection.end()
            self._forget(connection)

    def _forget(self, connection: OpenConnection) -> None:
        with self._lock:
            self._open.discard(connection)

    def _close_longest_waiting(self) -> None:
        """Close one connection: the one that has waited longest for its client, before any with an answer under way."""
        with self._lock:
            waiting = min(
                (connection for connection in self._open if connection.deadline > 0),
                key=lambda connection: (connection.is_answering, connection.since),
                default=None,
            )
            if waiting is not None:
                waiting.shut_down()

    def _close_overdue(self, now: float) -> None:
        with self._lock:
            for connection in self._open:
                if connection.deadline < now:
                    connection.shut_down()
