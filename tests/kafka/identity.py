"""An identity provider for a test: it gives tokens for a client's secret (OAuth 2, client credentials), and tells the
key they are signed with, as OpenID Connect has it."""

import base64
import json
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.kafka.certificates import openssl

AUDIENCE = "kafka"


class IdentityProvider:
    """Who shows `secret` is `client`, for `seconds`."""

    def __init__(self, folder: Path, client: str, secret: str, seconds: int = 3600) -> None:
        self._key = folder / "identity.key"
        self._client, self._secret, self.seconds = client, secret, seconds
        openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", self._key)
        self.given = 0
        """Tokens so far."""
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._tell(200, provider.keys())

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                told = base64.b64decode(self.headers["Authorization"].removeprefix("Basic ")).decode()
                if told == f"{provider._client}:{provider._secret}":
                    self._tell(200, provider.token())
                else:
                    self._tell(401, {"error": "invalid_client", "error_description": "wrong secret"})

            def _tell(self, status: int, body: dict[str, Any]) -> None:
                content = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: object) -> None:
                """Tokens are no news."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, name="identity provider", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def token(self) -> dict[str, Any]:
        now = int(time.time())
        claims = {"sub": self._client, "aud": AUDIENCE, "iat": now, "exp": now + self.seconds, "scope": "kafka"}
        head = encoded(json.dumps({"alg": "RS256", "typ": "JWT", "kid": "1"}).encode())
        body = f"{head}.{encoded(json.dumps(claims).encode())}"
        signature = encoded(openssl("dgst", "-sha256", "-sign", self._key, said=body.encode()))
        self.given += 1
        return {"access_token": f"{body}.{signature}", "token_type": "Bearer", "expires_in": self.seconds}

    def keys(self) -> dict[str, Any]:
        told = openssl("rsa", "-in", self._key, "-noout", "-modulus").decode()
        modulus = bytes.fromhex(re.sub(r"Modulus=|\s", "", told))
        return {
            "keys": [
                {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "1", "n": encoded(modulus), "e": "AQAB"},
            ]
        }


def encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
