"""Requests of one connection and their answers, over the standard library's parser of HTTP/1.

Only GET and HEAD are answered, and no request has a body that anyone reads. The head of a request is read here, because
the parser would take 6 MB of header lines. Every answer of an error is a sentence of our own in plain text: the
parser's repeat the client's bytes, in HTML and in the status line.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from io import BytesIO
from socket import socket
from typing import Protocol
from urllib.parse import unquote

LINE_BYTES = 8192
"""Longest request line, as in nginx and Apache. Ours have 30 bytes."""

FIELDS_BYTES = 65_536
"""Most bytes of all header fields together. A proxy adds tokens of some kB."""

BLANK_LINES = 4
"""Empty lines before a request line that are ignored. Old clients send one after a body (RFC 9112, 2.2)."""

TEXT = "text/plain; charset=utf-8"

TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
"""Characters of a method (RFC 9110, 5.6.2)."""

ABSOLUTE_FORM = re.compile(r"https?://[^/?#]*", re.IGNORECASE)
"""Beginning of a request target as proxies get it (RFC 9112, 3.2.2)."""

REFUSALS = {
    HTTPStatus.BAD_REQUEST: "this is no request of HTTP/1.1",
    HTTPStatus.METHOD_NOT_ALLOWED: "only GET and HEAD are answered",
    HTTPStatus.REQUEST_URI_TOO_LONG: f"a request line may have {LINE_BYTES} bytes",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: f"the header fields may have {FIELDS_BYTES} bytes and 100 lines",
    HTTPStatus.HTTP_VERSION_NOT_SUPPORTED: "only HTTP/1.0 and HTTP/1.1 are spoken",
}


@dataclass(frozen=True)
class Answer:
    """Answer to a request. A HEAD is answered without the body."""

    status: HTTPStatus
    body: bytes
    content_type: str = TEXT
    fields: dict[str, str] = field(default_factory=dict)


Respond = Callable[[str, str | None], Answer]
"""Returns the answer for a path and the Authorization field."""


class Progress(Protocol):
    """Listener to the states of a connection, which decide how long its client may take."""

    def await_request(self) -> None:
        """Note that the next request may begin at any time."""

    def read_request(self) -> None:
        """Note that a request has begun."""

    def write_answer(self) -> None:
        """Note that an answer begins."""


class Exchange(BaseHTTPRequestHandler):
    """Exchange of requests and answers over one connection, until either side ends it."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body are two writes, and the second would wait 40 ms for the client
    timeout = None  # the connection has a deadline, which a client cannot extend byte by byte

    def __init__(self, connection: socket, respond: Respond, progress: Progress) -> None:
        """Serve the connection until its end. Raises OSError."""
        self._respond, self._progress = respond, progress
        super().__init__(connection, None, None)  # type: ignore[arg-type]  # neither address nor server is used

    def handle(self) -> None:
        """Answer requests until the connection is to be closed. Pipelined ones are answered in their order."""
        self.close_connection = False
        while not self.close_connection:
            self.handle_one_request()

    def handle_one_request(self) -> None:
        """Read one request and answer it."""
        self._progress.await_request()
        self.command = ""
        begin = self.rfile.peek(1)[:1]  # type: ignore[attr-defined]  # it is a BufferedReader
        self.close_connection = True
        if not begin:
            return
        self._progress.read_request()
        if not (TOKEN.match(begin) or begin in b"\r\n"):
            self.send_error(HTTPStatus.BAD_REQUEST)  # a TLS client would wait for ever for an answer to its greeting
            return
        head = self._read_head()
        if head is None:
            return
        stream, self.rfile = self.rfile, BytesIO(head)
        try:
            if self.parse_request():
                self._answer_request()
        finally:
            self.rfile = stream

    def _read_head(self) -> bytes | None:
        """Return the header fields, and set the request line; None where it is refused, or the client has gone."""
        for _ in range(1 + BLANK_LINES):
            self.raw_requestline = self.rfile.readline(LINE_BYTES + 1)
            if self.raw_requestline.strip(b"\r\n"):
                break
        if len(self.raw_requestline) > LINE_BYTES:
            self.send_error(HTTPStatus.REQUEST_URI_TOO_LONG)
            return None
        fields = bytearray()
        while line := self.rfile.readline(FIELDS_BYTES + 1 - len(fields)):
            fields += line
            if line in (b"\r\n", b"\n"):
                break
            if len(fields) > FIELDS_BYTES:
                self.send_error(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
                return None
        if not fields.endswith(b"\n"):
            return None  # the client hung up within its request
        if b"\0" in self.raw_requestline + fields or b"\r" in self.raw_requestline.rstrip(b"\r\n"):
            self.send_error(HTTPStatus.BAD_REQUEST)
            return None
        return bytes(fields)

    def _answer_request(self) -> None:
        refusal = self._refusal()
        if refusal is not None:
            self.send_error(refusal)
            return
        if self._has_body():
            self.close_connection = True  # nobody reads it, and it must not be taken for the next request
        self._send(self._respond(path_of(self.path), self.headers["Authorization"]))

    def _refusal(self) -> HTTPStatus | None:
        """Return why a request that the parser took is refused, or None."""
        if not TOKEN.match(self.raw_requestline.split()[0]):
            return HTTPStatus.BAD_REQUEST
        if not re.fullmatch(r"HTTP/1\.\d+", self.request_version):  # HTTP/0.9 has none, and its answers no status
            return HTTPStatus.BAD_REQUEST if len(self.raw_requestline.split()) < 3 else HTTPStatus(505)
        lengths = set(self.headers.get_all("Content-Length", []))
        if len(lengths) > 1 or not all(re.fullmatch(r"[0-9]{1,19}", length.strip()) for length in lengths):
            return HTTPStatus.BAD_REQUEST
        if len(self.headers.get_all("Host", [])) > 1:
            return HTTPStatus.BAD_REQUEST
        return None if self.command in ("GET", "HEAD") else HTTPStatus.METHOD_NOT_ALLOWED

    def _has_body(self) -> bool:
        return "Transfer-Encoding" in self.headers or int(self.headers.get("Content-Length", 0)) > 0

    def _send(self, answer: Answer) -> None:
        self._progress.write_answer()
        self.send_response(answer.status)
        for name, value in answer.fields.items():
            self.send_header(name, value)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        elif self.request_version == "HTTP/1.0":
            self.send_header("Connection", "keep-alive")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuse a request and close the connection. The parser calls it, too; its words are left out."""
        self.close_connection = True
        self.command = self.command or ""  # without a method, an answer has its body
        self.request_version = self.protocol_version  # the status line is sent to a client of any version
        status = HTTPStatus(code)
        fields = {"Allow": "GET, HEAD"} if status == HTTPStatus.METHOD_NOT_ALLOWED else {}
        self._send(Answer(status, f"{REFUSALS.get(status, status.phrase)}\n".encode(), fields=fields))

    def handle_expect_100(self) -> bool:
        """Ask for no body: the final answer follows at once (RFC 9110, 10.1.1)."""
        return True

    def version_string(self) -> str:
        """Return the name of the server, without the versions beneath it."""
        return "faultline"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Write no log line for a request."""


def path_of(target: str) -> str:
    """Return the path of a request target: decoded, without query, and without the server that proxies are given."""
    match = ABSOLUTE_FORM.match(target)
    path = target[match.end() :] if match else target
    path = unquote(re.split(r"[?#]", path, maxsplit=1)[0])
    return f"/{path.lstrip('/')}" if path.startswith("/") else path
