"""How the endpoints are entered: by TLS, and with a password, where the operator wants it so."""

import base64
import binascii
import hashlib
import hmac
import logging
import os
import socket
import ssl
from pathlib import Path

from detector.certificates import ends_of_file
from detector.config.schema import Http
from detector.errors import ConfigError

log = logging.getLogger("faultline")


class HttpAuth:
    """What a connection goes through. Raises ConfigError where the certificate cannot be shown."""

    def __init__(self, http: Http) -> None:
        self._certificate, self._key = http.certificate, http.key or http.certificate
        self._known = _digest(f"{http.user}:{http.password}".encode()) if http.user else None
        self._context: ssl.SSLContext | None = None
        self._seen: tuple[object, ...] = ()
        self.end: int | None = None
        """When the certificate that is shown ends, in seconds since 1970."""
        if self._certificate:
            self._seen = self._glance()
            try:
                self._load()
            except (OSError, ValueError) as error:
                raise ConfigError(
                    f"http: {self._certificate} and {self._key} cannot be shown as certificate and key"
                    f" ({_why(error)}); set http.certificate and http.key to PEM files that belong together."
                ) from None

    @property
    def scheme(self) -> str:
        return "https" if self._certificate else "http"

    def wrapped(self, connection: socket.socket) -> socket.socket:
        """The connection as it is spoken on. Its handshake is made by whoever reads from it, who may be slow."""
        if self._certificate and self._glance() != self._seen:
            self._renew()
        if self._context is None:
            return connection
        return self._context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)

    def admits(self, authorization: str | None) -> bool:
        """Whether a header opens what is closed. Takes as long for a wrong password as for the right one."""
        if self._known is None:
            return True
        scheme, _, told = (authorization or "").partition(" ")
        try:
            shown = base64.b64decode(told.strip(), validate=True)
        except (binascii.Error, ValueError):
            shown = b""
        return hmac.compare_digest(_digest(shown), self._known) and scheme.lower() == "basic"

    def _renew(self) -> None:
        """Of two files one is copied first: what does not fit together yet is tried again when it changes."""
        self._seen = self._glance()
        try:
            self._load()
        except (OSError, ValueError) as error:
            log.warning(
                "http: the certificate that lies at %s now cannot be shown (%s)", self._certificate, _why(error)
            )
        else:
            log.info("http: what lies at %s now is shown", self._certificate)

    def _load(self) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._certificate, self._key, password=_no_passphrase)
        self._context = context
        self.end = min(ends_of_file(Path(self._certificate)), default=None)

    def _glance(self) -> tuple[object, ...]:
        told: list[object] = []
        for path in (self._certificate, self._key):
            try:
                stat = os.stat(path)
                told.append((stat.st_ino, stat.st_size, stat.st_mtime_ns))
            except OSError as error:
                told.append(error.errno)
        return tuple(told)


def _no_passphrase() -> str:
    """Else OpenSSL asks for it on the terminal, and a daemon waits for ever."""
    raise ValueError("the key has a passphrase")


def _why(error: Exception) -> str:
    return getattr(error, "strerror", None) or " ".join(str(error).split())


def _digest(told: bytes) -> bytes:
    """Of one length, whatever was told."""
    return hashlib.sha256(told).digest()
