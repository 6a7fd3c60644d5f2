"""Certificates for a test: an authority of its own, and what it signs, good, expired or a stranger's. By openssl."""

import shutil
import subprocess
from pathlib import Path

from tests.kafka.broker import BrokerUnavailable

ADDRESS = "subjectAltName=IP:127.0.0.1,DNS:localhost"

DAYS = 30


class Authority:
    """A folder with a key and certificates, all in PEM."""

    def __init__(self, folder: Path, name: str = "authority", days: int = DAYS) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self.certificate, self._key = folder, folder / f"{name}.pem", folder / f"{name}.key"
        subject = ["-subj", f"/CN={name}", "-addext", "basicConstraints=critical,CA:TRUE"]
        openssl("req", "-x509", *_key_at(self._key), "-out", self.certificate, "-days", days, *subject)

    def issue(self, name: str, days: int = DAYS, encrypted_with: str = "") -> tuple[Path, Path]:
        """A certificate for `name` at this machine, and its key; with less than 0 days it is over."""
        certificate, key, asked = (self._folder / f"{name}.{end}" for end in ("pem", "key", "csr"))
        openssl("req", *_key_at(key), "-out", asked, "-subj", f"/CN={name}", "-addext", ADDRESS)
        signed_by = ["-CA", self.certificate, "-CAkey", self._key, "-CAcreateserial"]
        signed = ["-days", days, "-copy_extensions", "copy", "-out", certificate]
        openssl("x509", "-req", "-in", asked, *signed_by, *signed)
        if encrypted_with:
            openssl("pkcs8", "-topk8", "-in", key, "-out", f"{key}.locked", "-passout", f"pass:{encrypted_with}")
            Path(f"{key}.locked").replace(key)
        return certificate, key

    def keystore(self, name: str, days: int = DAYS) -> Path:
        """Key and certificate in one file, as Kafka's broker takes them."""
        certificate, key = self.issue(name, days)
        path = self._folder / f"{name}.both.pem"
        path.write_text(key.read_text() + certificate.read_text())
        return path


def _key_at(path: Path) -> list[object]:
    return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", path]


def openssl(*words: object, said: bytes = b"") -> bytes:
    """What openssl answers. BrokerUnavailable without it."""
    program = shutil.which("openssl")
    if program is None:
        raise BrokerUnavailable("no openssl on the PATH, and so no certificates for a broker")
    done = subprocess.run([program, *map(str, words)], input=said, capture_output=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"openssl {words[0]} failed: {done.stderr.decode()}")
    return done.stdout
