"""Ed25519 key pairs in files, as openssl makes them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from detector.config.schema import Config
from detector.signatures import PublicKey, SigningKey, read_public_key, read_signing_key


@dataclass(frozen=True)
class Pair:
    """Files of a private key and of its public key."""

    private: Path
    public: Path

    @property
    def signer(self) -> SigningKey:
        return read_signing_key(self.private)

    @property
    def text(self) -> str:
        """The public key as base64."""
        return read_public_key(str(self.public), Path("/")).text


@pytest.fixture
def ours(tmp_path: Path) -> Pair:
    """Keys that a test trusts."""
    return write_pair(tmp_path, "ours")


@pytest.fixture
def theirs(tmp_path: Path) -> Pair:
    """Keys of somebody else."""
    return write_pair(tmp_path, "theirs")


def trusted(*pairs: Pair) -> Sequence[PublicKey]:
    """Return the public keys as a configuration that lists them in `trust` has them."""
    return Config(bundle="", trust=[pair.text for pair in pairs]).trusted_keys


def private_pem(key: Any) -> bytes:
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return bytes(key.private_bytes(pem, pkcs8, serialization.NoEncryption()))


def public_pem(key: Any) -> bytes:
    pem, info = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    return bytes(key.public_key().public_bytes(pem, info))


def write_pair(folder: Path, name: str) -> Pair:
    """Write a new pair of keys; only its owner may read the private one."""
    key = Ed25519PrivateKey.generate()
    pair = Pair(folder / f"{name}.pem", folder / f"{name}.pub")
    pair.private.write_bytes(private_pem(key))
    pair.private.chmod(0o600)
    pair.public.write_bytes(public_pem(key))
    return pair
