"""Signatures: Ed25519 over the checksums of what comes from elsewhere, by keys that the configuration trusts.

A signature is one line of text, `ed25519 KEY-ID BASE64`; several lines are signatures by several keys. A file of
exactly 64 bytes is one bare signature, as `openssl pkeyutl -sign` writes it. The key id is the begin of the SHA-256 of
the public key in DER. This module reads keys and proves bytes; it opens nothing that is signed.
"""

import base64
import hashlib
import os
import re
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from detector.errors import OperatorError
from detector.text import printable

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SIGNATURE_BYTES = 64

MAX_SIGNATURES_BYTES = 4096
"""Most bytes of signatures that are read: 30 lines; a rotation of keys needs two."""

MAX_KEY_BYTES = 20_000
"""Most bytes that are read of a key's file. A key in PEM has 120; one of another kind, which is named, some 13,000."""

DER_PREFIX = bytes.fromhex("302a300506032b6570032100")
"""Begin of every Ed25519 public key in DER (RFC 8410); the 32 bytes of the key follow."""

INLINE = re.compile(r"(?:MCowBQYDK2VwAyEA)?[A-Za-z0-9+/]{43}=")

LINE = re.compile(rb"ed25519 (?P<id>[0-9a-f]{16}) (?P<signature>[A-Za-z0-9+/]{86}==)")

MAKE_KEY = "openssl genpkey -algorithm ed25519 -out key.pem"

WRITE_PUBLIC = "openssl pkey -in key.pem -pubout -out key.pub"


class KeyFileError(OperatorError):
    """Key that cannot be used."""


@dataclass(frozen=True)
class PublicKey:
    """Ed25519 public key, as its 32 bytes."""

    raw: bytes

    @property
    def id(self) -> str:
        return hashlib.sha256(DER_PREFIX + self.raw).hexdigest()[:16]

    @property
    def text(self) -> str:
        """The key in base64 of its DER: the middle line of its PEM file."""
        return base64.b64encode(DER_PREFIX + self.raw).decode()

    def has_signed(self, message: bytes, signature: bytes) -> bool:
        """Return whether the signature of the message is by this key."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, message)
        except InvalidSignature:
            return False
        return True


class SigningKey:
    """Ed25519 private key in memory."""

    def __init__(self, private: "Ed25519PrivateKey") -> None:
        self._private = private
        self.id = PublicKey(private.public_key().public_bytes_raw()).id

    def sign(self, message: bytes) -> bytes:
        """Return the line with the signature of a message."""
        signature = base64.b64encode(self._private.sign(message)).decode()
        return f"ed25519 {self.id} {signature}\n".encode()


def signature_problem(message: bytes, signatures: bytes, trusted: Sequence[PublicKey]) -> str:
    """Return the reason why no trusted key has signed the message, as the end of a sentence; "" where one has."""
    ids = ", ".join(key.id for key in trusted)
    if not signatures:
        return f"is not signed, and the configuration trusts only what is signed by {ids}"
    if len(signatures) == SIGNATURE_BYTES:
        is_proved = any(key.has_signed(message, signatures) for key in trusted)
        return (
            "" if is_proved else f"was altered after it was signed, or signed by a key that is not trusted ({ids} are)"
        )
    lines = [LINE.fullmatch(line) for line in signatures[:MAX_SIGNATURES_BYTES].splitlines()]
    if not lines or not all(lines):
        return "has a signature that cannot be read"
    by_id = {found["id"].decode(): base64.b64decode(found["signature"]) for found in lines if found}
    known = [key for key in trusted if key.id in by_id]
    if any(key.has_signed(message, by_id[key.id]) for key in known):
        return ""
    if known:
        return f"was altered after key {known[0].id} signed it"
    return f"is signed by key {', '.join(by_id)}, which is not trusted ({ids} are)"


def read_public_key(entry: str, folder: Path) -> PublicKey:
    """Return the key of an entry: base64, PEM, or the path of a PEM file from `folder` on. Raises KeyFileError."""
    if INLINE.fullmatch(entry):
        return PublicKey(base64.b64decode(entry)[-32:])
    if entry.lstrip().startswith("-----BEGIN"):
        return _public_key(entry.encode(), "the key")
    path = folder / entry
    return _public_key(_read(path), str(path))


def read_signing_key(path: Path) -> SigningKey:
    """Return the private key of a PEM file. Raises KeyFileError."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    content = _read(path)
    if b"-----BEGIN PUBLIC KEY-----" in content and b"PRIVATE KEY" not in content:
        raise KeyFileError(f"{path}: is a public key, and only a private one signs; give the other file of the pair.")
    try:
        private = load_pem_private_key(content, None)
    except TypeError:
        decrypt = f"write a copy without it: openssl pkey -in {path} -out plain.pem"
        raise KeyFileError(f"{path}: is encrypted by a passphrase; {decrypt}.") from None
    except (ValueError, UnsupportedAlgorithm):
        raise KeyFileError(f"{path}: is no private key in PEM; make one: {MAKE_KEY}.") from None
    if not isinstance(private, Ed25519PrivateKey):
        raise KeyFileError(f"{path}: is {_kind(private)} key, and Ed25519 is needed; make one: {MAKE_KEY}.")
    return SigningKey(private)


def exposure(path: Path) -> str:
    """Return a warning for a private key that others may read or write; "" where only its owner may."""
    mode = stat.S_IMODE(path.stat().st_mode)
    if not mode & 0o077:
        return ""
    return f"{path}: others may use this private key (mode {mode:04o}); take the right away: chmod 600 {path}"


def _public_key(content: bytes, source: str) -> PublicKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    if b"PRIVATE KEY-----" in content:
        reason = "is a private key, which must not lie where bundles are only checked"
        raise KeyFileError(f"{source}: {reason}; give its public key: {WRITE_PUBLIC}.")
    try:
        public = load_pem_public_key(content)
    except (ValueError, UnsupportedAlgorithm):
        raise KeyFileError(f"{source}: is no public key in PEM; write one: {WRITE_PUBLIC}.") from None
    if not isinstance(public, Ed25519PublicKey):
        raise KeyFileError(f"{source}: is {_kind(public)} key, and Ed25519 is needed; make one: {MAKE_KEY}.")
    return PublicKey(public.public_bytes_raw())


def _kind(key: object) -> str:
    name = re.sub(r"(Public|Private)Key$", "", type(key).__name__.lstrip("_"))
    return f"an {name}" if name[:1] in "AEIORX" else f"a {name}"


def _read(path: Path) -> bytes:
    """Return the content of a key's file; a pipe is refused before anything waits for it. Raises KeyFileError."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise KeyFileError(f"{path}: is a pipe or a device; give a file with a key in PEM.")
            return file.read(MAX_KEY_BYTES)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no path"
        raise KeyFileError(f"{printable(path)}: cannot be read ({reason}); give a file with a key in PEM.") from None
