"""Access to the HTTP endpoints: TLS and a password, where the configuration asks for them."""

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
    """TLS and Basic authentication of the endpoints. Raises ConfigError where the certificate cannot be loaded."""

    def __init__(self, http: Http) -> None:
        self._certificate, self._key = http.certificate, http.key or http.certificate
        self._credentials_digest = _digest(f"{http.user}:{http.password}".encode()) if http.user else None
        self._context: ssl.SSLContext | None = None
        self._loaded_signature: tuple[object, ...] = ()
        self.certificate_end: int | None = None
        """End of the certificate in use, in seconds since 1970."""
        if self._certificate:
            self._loaded_signature = self._file_signature()
            try:
                self._load()
            except (OSError, ValueError) as error:
                raise ConfigError(
                    f"http: {self._certificate} and {self._key} cannot be used as certificate and key"
                    f" ({_reason(error)}); set http.certificate and http.key to PEM files that belong together."
                ) from None

    @property
    def scheme(self) -> str:
        """`https` with a certificate, else `http`."""
        return "https" if self._certificate else "http"

    def wrap(self, connection: socket.socket) -> socket.socket:
        """Return the connection with TLS, where it is used.

        The thread that reads from the connection makes the handshake, because a client may be slow.
        """
        if self._certificate and self._file_signature() != self._loaded_signature:
            self._reload()
        if self._context is None:
            return connection
        return self._context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)

    def admits(self, authorization: str | None) -> bool:
        """Return whether an Authorization header opens what needs a password.

        It takes as long for a wrong password as for the right one.
        """
        if self._credentials_digest is None:
            return True
        scheme, _, encoded_credentials = (authorization or "").partition(" ")
        try:
            credentials = base64.b64decode(encoded_credentials.strip(), validate=True)
        except (binascii.Error, ValueError):
            credentials = b""
        return hmac.compare_digest(_digest(credentials), self._credentials_digest) and scheme.lower() == "basic"

    def _reload(self) -> None:
        """Load changed files.

        Of two files one is copied first. A pair that does not belong together yet is tried again at the next change.
        """
        self._loaded_signature = self._file_signature()
        try:
            self._load()
        except (OSError, ValueError) as error:
            log.warning(
                "http: the new certificate at %s cannot be used; the previous certificate stays in use (%s)",
                self._certificate,
                _reason(error),
            )
        else:
            log.info("http: the new certificate at %s is used", self._certificate)

    def _load(self) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._certificate, self._key, password=_no_passphrase)
        self._context = context
        self.certificate_end = min(ends_of_file(Path(self._certificate)), default=None)

    def _file_signature(self) -> tuple[object, ...]:
        """Return what changes when a file is replaced."""
        signature: list[object] = []
        for path in (self._certificate, self._key):
            try:
                stat = os.stat(path)
                signature.append((stat.st_ino, stat.st_size, stat.st_mtime_ns))
            except OSError as error:
                signature.append(error.errno)
        return tuple(signature)


def _no_passphrase() -> str:
    """Refuse a key with a passphrase. OpenSSL would prompt for it on the terminal, and a daemon would wait for ever."""
    raise ValueError("the key has a passphrase")


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or " ".join(str(error).split())


def _digest(credentials: bytes) -> bytes:
    """Return a digest, whose length does not depend on the credentials'."""
    return hashlib.sha256(credentials).digest()
