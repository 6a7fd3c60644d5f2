"""Signed packs: one file, which versions without signatures read, and which a trusted key must have signed."""

import io
import json
import zipfile
from pathlib import Path

import pytest
import yaml

from detector.__main__ import main
from detector.labels.packs import LABELS, MANIFEST, PackError, read_pack, write_pack
from tests.keys import trusted

LINES = [b'{"id":"a"}', b'{"id":"b"}']

PACK_BEFORE = Path(__file__).parents[1] / "fixtures" / "v0_1" / "labels.pack"


def refusal(path, *pairs):
    with pytest.raises(PackError) as raised:
        read_pack(path, trusted(*pairs))
    assert str(raised.value).startswith(f"{path}: ")
    assert str(raised.value).endswith(".")
    return str(raised.value)


def test_a_signed_pack_is_read_with_keys_and_without(tmp_path, ours, theirs):
    written = write_pack(tmp_path / "pack", LINES, "digest", ours.signer)
    assert read_pack(tmp_path / "pack") == written
    assert read_pack(tmp_path / "pack", trusted(theirs, ours)) == written


def test_a_signature_adds_no_member_and_changes_no_digest(tmp_path, ours):
    """Version 0.1 refuses a third member, and another number of the format."""
    signed, plain = (write_pack(tmp_path / name, LINES, "d", key) for name, key in (("s", ours.signer), ("p", None)))
    assert signed == plain
    with zipfile.ZipFile(tmp_path / "s") as one, zipfile.ZipFile(tmp_path / "p") as other:
        assert one.namelist() == other.namelist() == [MANIFEST, LABELS]
        assert [one.read(name) for name in one.namelist()] == [other.read(name) for name in other.namelist()]
        assert json.loads(one.read(MANIFEST))["format"] == 1


def test_the_same_labels_and_key_make_the_same_file(tmp_path, ours):
    for name in ("a", "b"):
        write_pack(tmp_path / name, LINES, "d", ours.signer)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def rebuilt(path, **members):
    """The archive with other members and the comment that it had."""
    with zipfile.ZipFile(path) as archive:
        content, comment = {name: archive.read(name) for name in archive.namelist()}, archive.comment
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.comment = members.pop("comment", comment)
        for name, body in {**content, **members}.items():
            archive.writestr(name, body)
    path.write_bytes(out.getvalue())


def test_a_pack_that_nobody_trusted_has_signed_is_refused_by_name(tmp_path, ours, theirs):
    path = tmp_path / "pack"
    write_pack(path, LINES, "d")
    assert f"is not signed, and the configuration trusts only what is signed by {ours.signer.id}; " in refusal(
        path, ours
    )
    assert "is not signed" in refusal(PACK_BEFORE, ours)
    write_pack(path, LINES, "d", theirs.signer)
    assert f"is signed by key {theirs.signer.id}, which is not trusted ({ours.signer.id} are)" in refusal(path, ours)


def test_a_pack_that_was_altered_is_refused(tmp_path, ours):
    path = tmp_path / "pack"
    write_pack(path, LINES, "d", ours.signer)
    original = path.read_bytes()
    rebuilt(path, **{LABELS: b'{"id":"c"}\n'})
    assert "do not have the checksum of its manifest" in refusal(path, ours)
    other = write_pack(tmp_path / "other", [b'{"id":"c"}'], "d")
    with zipfile.ZipFile(tmp_path / "other") as archive:
        swapped = {name: archive.read(name) for name in archive.namelist()}
    rebuilt(path, **swapped)
    assert read_pack(path) == other
    assert f"was altered after key {ours.signer.id} signed it" in refusal(path, ours)
    for comment in (b"", b"x", b"\xff" * 60_000):
        path.write_bytes(original)
        rebuilt(path, comment=comment)
        assert "sign" in refusal(path, ours)


def test_an_import_refuses_before_it_asks_the_cluster(tmp_path, ours, refusal_of):
    write_pack(tmp_path / "pack", LINES, "d")
    config = tmp_path / "config.yaml"
    kafka = {"common": {"bootstrap.servers": "127.0.0.1:9"}, "reach_seconds": 1}
    config.write_text(yaml.safe_dump({"bundle": "nowhere", "kafka": kafka, "trust": [ours.public.name]}))
    assert "is not signed" in refusal_of("pack", "import", tmp_path / "pack", "--config", config)


@pytest.mark.parametrize(
    "words",
    [
        ("pack", "export", "x"),
        ("train", "--out", "x", "--history", "x"),
        ("adapt", "--bundle", "x", "--history", "x", "--out", "x"),
    ],
)
def test_a_key_that_cannot_sign_is_refused_before_any_work(tmp_path, ours, refusal_of, words):
    config = tmp_path / "config.yaml"
    config.write_text("bundle: nowhere\nkafka: {common: {bootstrap.servers: '127.0.0.1:9'}, reach_seconds: 1}\n")
    options = ("--config", config) if words[0] == "pack" else ()
    said = refusal_of(*words, *options, "--sign", ours.public)
    assert "is a public key, and only a private one signs" in said
    ours.private.chmod(0o644)
    assert f"warning: {ours.private}: others may use this private key" in refusal_of(
        *words, *options, "--sign", ours.private
    )


@pytest.fixture
def refusal_of(capfd, monkeypatch, tmp_path):
    from trainer.__main__ import main as trainer

    monkeypatch.chdir(tmp_path)

    def run(*words):
        assert (main if words[0] == "pack" else trainer)([str(word) for word in words]) == 2
        return capfd.readouterr().err

    return run
