"""Keys and signatures: what a trusted key has signed is taken, and everything else is refused by name."""

import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa, x25519

from detector.signatures import (
    KeyFileError,
    PublicKey,
    exposure,
    read_public_key,
    read_signing_key,
    signature_problem,
)
from tests.keys import private_pem, public_pem, write_pair

MESSAGE = b"f00d  weights.npz\n"


@pytest.fixture
def pair(tmp_path):
    return write_pair(tmp_path, "ours")


@pytest.fixture
def stranger(tmp_path):
    return write_pair(tmp_path, "theirs")


def problem(signatures, *publics: Path, message=MESSAGE):
    return signature_problem(message, signatures, [read_public_key(str(path), Path("/")) for path in publics])


def test_a_signature_of_a_trusted_key_is_taken(pair, stranger):
    signed = read_signing_key(pair.private).sign(MESSAGE)
    assert problem(signed, pair.public) == ""
    assert problem(signed, stranger.public, pair.public) == ""  # while keys are replaced, two are trusted


def test_a_message_with_two_signatures_needs_one_trusted_key(pair, stranger):
    both = b"".join(read_signing_key(keys.private).sign(MESSAGE) for keys in (stranger, pair))
    assert problem(both, pair.public) == problem(both, stranger.public) == ""
    assert problem(both.replace(b"\n", b"\r\n"), pair.public) == ""


def test_what_is_refused_is_named(pair, stranger):
    ours, theirs = read_signing_key(pair.private), read_signing_key(stranger.private)
    assert problem(b"", pair.public) == f"is not signed, and the configuration trusts only what is signed by {ours.id}"
    assert (
        problem(theirs.sign(MESSAGE), pair.public)
        == f"is signed by key {theirs.id}, which is not trusted ({ours.id} are)"
    )
    assert problem(ours.sign(MESSAGE), pair.public, message=b"other") == f"was altered after key {ours.id} signed it"
    forged = theirs.sign(MESSAGE).replace(theirs.id.encode(), ours.id.encode())
    assert problem(forged, pair.public) == f"was altered after key {ours.id} signed it"


@pytest.mark.parametrize(
    "signatures",
    [
        b"\n",
        b"x",
        b"ed25519",
        b"\xff\xfe",
        b"ed25519 0 0\n",
        b"ed25519 " + b"0" * 16 + b" " + b"A" * 86 + b"=",
        b"A" * 9000,
    ],
)
def test_a_signature_that_is_none_is_refused(pair, signatures):
    assert problem(signatures, pair.public) == "has a signature that cannot be read"
    signed = read_signing_key(pair.private).sign(MESSAGE)
    assert problem(signed + signatures, pair.public) == "has a signature that cannot be read"


def test_one_flipped_bit_is_found_wherever_it_is(pair):
    signed = read_signing_key(pair.private).sign(MESSAGE)
    for bit in range(0, 8 * len(MESSAGE), 5):
        changed = bytearray(MESSAGE)
        changed[bit // 8] ^= 1 << bit % 8
        assert "was altered" in problem(signed, pair.public, message=bytes(changed))


def test_openssl_makes_the_keys_and_reads_and_writes_the_signatures(tmp_path, pair):
    """The commands of the documentation, with the real program."""

    def openssl(*words: object) -> bytes:
        return subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, cwd=tmp_path).stdout

    openssl("genpkey", "-algorithm", "ed25519", "-out", "key.pem")
    openssl("pkey", "-in", "key.pem", "-pubout", "-out", "key.pub")
    (tmp_path / "SHA256SUMS").write_bytes(MESSAGE)
    openssl("pkeyutl", "-sign", "-rawin", "-in", "SHA256SUMS", "-inkey", "key.pem", "-out", "SHA256SUMS.sig")
    bare = (tmp_path / "SHA256SUMS.sig").read_bytes()
    assert problem(bare, tmp_path / "key.pub") == ""
    assert "altered after it was signed, or signed by a key that is not trusted" in problem(bare, pair.public)

    key = read_signing_key(tmp_path / "key.pem")
    der = openssl("pkey", "-pubin", "-in", "key.pub", "-outform", "DER")
    (tmp_path / "der").write_bytes(der)
    assert openssl("dgst", "-sha256", "-r", "der").decode().startswith(key.id)
    line = key.sign(MESSAGE).split()[2]
    (tmp_path / "line").write_bytes(line)
    (tmp_path / "bare").write_bytes(openssl("base64", "-d", "-A", "-in", "line"))
    openssl("pkeyutl", "-verify", "-rawin", "-in", "SHA256SUMS", "-pubin", "-inkey", "key.pub", "-sigfile", "bare")


def test_a_public_key_is_a_file_or_its_text(tmp_path, pair):
    key = read_public_key("ours.pub", tmp_path)
    assert key == read_public_key(str(pair.public), Path("/"))
    assert key == read_public_key(key.text, Path("/"))
    assert key == read_public_key(key.text[-44:], Path("/"))
    assert key == read_public_key(pair.public.read_text(), Path("/"))
    assert isinstance(key, PublicKey)


OTHER_KEYS = {
    "an RSA": lambda: rsa.generate_private_key(65537, 2048),
    "an ECP": lambda: ec.generate_private_key(ec.SECP256R1()),
    "an Ed448": ed448.Ed448PrivateKey.generate,
    "an X25519": x25519.X25519PrivateKey.generate,
}


@pytest.mark.parametrize("kind", OTHER_KEYS)
def test_a_key_of_another_kind_is_named(tmp_path, kind):
    private = OTHER_KEYS[kind]()
    name = kind.replace("ECP", "EC")
    (tmp_path / "key.pem").write_bytes(private_pem(private))
    (tmp_path / "key.pub").write_bytes(public_pem(private))
    for read in (lambda: read_signing_key(tmp_path / "key.pem"), lambda: read_public_key("key.pub", tmp_path)):
        with pytest.raises(KeyFileError, match=f"is {name} key, and Ed25519 is needed; make one: openssl genpkey"):
            read()


def test_the_two_keys_of_a_pair_are_not_mistaken_for_each_other(pair):
    with pytest.raises(KeyFileError, match="is a public key, and only a private one signs; give the other file"):
        read_signing_key(pair.public)
    with pytest.raises(KeyFileError, match="is a private key, which must not lie where bundles are only checked;"):
        read_public_key(str(pair.private), Path("/"))


def test_an_encrypted_key_is_refused_in_a_sentence(tmp_path):
    pem = ed25519.Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"x")
    )
    (tmp_path / "key.pem").write_bytes(pem)
    with pytest.raises(KeyFileError, match=r"is encrypted by a passphrase; write a copy without it: openssl pkey -in"):
        read_signing_key(tmp_path / "key.pem")
    with pytest.raises(KeyFileError, match="is a private key"):
        read_public_key("key.pem", tmp_path)


@pytest.mark.parametrize(
    "content",
    [b"", b"\x00\xff" * 50, b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", b"ssh-ed25519 AAAAC3 me"],
)
def test_what_is_no_key_is_refused_in_a_sentence(tmp_path, content):
    (tmp_path / "key").write_bytes(content)
    with pytest.raises(KeyFileError, match=r"is no public key in PEM; write one: openssl pkey .*\.$"):
        read_public_key("key", tmp_path)
    with pytest.raises(KeyFileError, match=r"is no private key in PEM; make one: |is a public key"):
        read_signing_key(tmp_path / "key")


@pytest.mark.parametrize("name", ["absent", ".", "/dev/zero", "a\0b", ""])
def test_a_file_that_cannot_be_read_is_refused_in_a_sentence(tmp_path, name):
    for read in (lambda: read_signing_key(tmp_path / name), lambda: read_public_key(name, tmp_path)):
        with pytest.raises(
            KeyFileError, match=r"cannot be read \(.*\); give a file|is a pipe or a device; give a file"
        ):
            read()


@pytest.mark.parametrize(
    ("mode", "warns"), [(0o600, False), (0o400, False), (0o640, True), (0o644, True), (0o622, True)]
)
def test_a_private_key_that_others_may_use_is_warned_of(pair, mode, warns):
    pair.private.chmod(mode)
    assert ("take the right away: chmod 600" in exposure(pair.private)) == warns


def test_a_private_key_shows_nothing_of_itself(pair):
    body = pair.private.read_text().splitlines()[1]
    assert body not in repr(read_signing_key(pair.private)) + str(vars(read_signing_key(pair.private)))
