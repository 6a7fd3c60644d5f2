"""Trust: with keys in the configuration only a signed bundle is taken, wherever a bundle is opened."""

import ast
import os
import shutil
from pathlib import Path

import pytest
import yaml

from detector.__main__ import main
from detector.bundle.checksums import SIGNATURES, SUMS
from detector.bundle.format import read_bundle, write_bundle
from detector.config.loader import read_config
from detector.config.schema import Config, Runtime
from detector.config.trust import trust_findings
from detector.errors import BundleError
from detector.service.serving import BundleReloader
from tests.eventually import eventually
from tests.keys import trusted
from tests.service.broken import sign as sum_up

ROOT = Path(__file__).parents[2]

BEFORE = ROOT / "tests" / "fixtures" / "v0_1" / "bundle"

RELOAD_SECONDS = 60


def sign(path, *pairs):
    """Sign the checksums that lie there, as they are."""
    lines = b"".join(pair.signer.sign((path / SUMS).read_bytes()) for pair in pairs)
    (path / SIGNATURES).write_bytes(lines)


@pytest.fixture
def signed(tmp_path, ours):
    """Copy of a bundle of version 0.1.0, signed after it was written."""
    path = shutil.copytree(BEFORE, tmp_path / "signed")
    sign(path, ours)
    return path


def refusal(path, *pairs):
    with pytest.raises(BundleError) as raised:
        read_bundle(path, trusted(*pairs))
    assert str(raised.value).startswith(f"{path}: ")
    return raised.value.reason, str(raised.value).removeprefix(f"{path}: ")


def test_a_signed_bundle_is_taken_with_keys_and_without(signed, ours, theirs):
    digest = read_bundle(BEFORE).digest
    assert {read_bundle(signed, trusted(*pairs)).digest for pairs in ((), (ours,), (theirs, ours))} == {digest}


def test_a_bundle_is_signed_as_it_is_written(tmp_path, ours):
    write_bundle(read_bundle(BEFORE), tmp_path / "written", ours.signer)
    assert read_bundle(tmp_path / "written", trusted(ours)).manifest.name == read_bundle(BEFORE).manifest.name
    assert sorted(path.name for path in tmp_path.glob(".*")) == []


def test_what_nobody_trusted_has_signed_is_refused_by_name(signed, ours, theirs):
    assert refusal(BEFORE, ours) == (
        "signature",
        f"is not signed, and the configuration trusts only what is signed by {ours.signer.id}; take a bundle from whom"
        " you trust.",
    )
    reason, sentence = refusal(signed, theirs)
    assert reason == "signature"
    assert f"is signed by key {ours.signer.id}, which is not trusted ({theirs.signer.id} are)" in sentence


def test_what_was_altered_is_refused_by_name(signed, ours):
    (signed / "weights.npz").write_bytes((signed / "weights.npz").read_bytes()[:-1] + b"x")
    assert refusal(signed, ours) == (
        "checksum",
        "weights.npz is not what the trainer wrote (checksum); copy the bundle again.",
    )
    sum_up(signed)  # whoever can write the folder can write its sums
    reason, sentence = refusal(signed, ours)
    assert (reason, sentence.split(";")[0]) == ("signature", f"was altered after key {ours.signer.id} signed it")


@pytest.mark.parametrize("content", [b"", b"\x00" * 64, b"x" * 10_000, b"ed25519 zz zz\n"])
def test_a_signature_that_is_none_is_refused(signed, ours, content):
    (signed / SIGNATURES).write_bytes(content)
    assert refusal(signed, ours)[0] == "signature"


def test_a_signature_elsewhere_is_not_read(signed, ours, tmp_path):
    (signed / SIGNATURES).rename(tmp_path / "elsewhere")
    (signed / SIGNATURES).symlink_to(tmp_path / "elsewhere")
    assert refusal(signed, ours)[0] == "files"
    (signed / SIGNATURES).unlink()
    os.mkfifo(signed / SIGNATURES)
    assert refusal(signed, ours)[0] == "signature"


def test_what_is_proved_is_what_is_read(signed, ours, monkeypatch):
    """The sums are read once: what another process writes a moment later proves nothing and changes nothing."""
    digest, read = read_bundle(signed).digest, Path.open

    def replaced(path, *arguments, **options):
        file = read(path, *arguments, **options)
        if path.name == SUMS:
            os.unlink(path)
            os.symlink("elsewhere", path)
        return file

    monkeypatch.setattr(Path, "open", replaced)
    assert read_bundle(signed, trusted(ours)).digest == digest


# --- wherever a bundle is opened ------------------------------------------------------------------------------------


def configured(tmp_path, bundle, *pairs):
    path = tmp_path / "config.yaml"
    knobs = {"bundle": str(bundle), "kafka": {"common": {"bootstrap.servers": "127.0.0.1:9"}, "reach_seconds": 1}}
    path.write_text(yaml.safe_dump({**knobs, "trust": [pair.public.name for pair in pairs]}))
    return path


def test_every_opening_of_a_bundle_passes_the_trusted_keys():
    """But where a bundle serves already, or where there is no configuration."""
    without = set()
    for path in [*(ROOT / "detector").rglob("*.py"), ROOT / "trainer" / "data" / "topic_archive.py"]:
        for node in ast.walk(ast.parse(path.read_text())):
            call = ast.unparse(node) if isinstance(node, ast.Call) else ""
            if call.startswith(("read_bundle(", "open_bundle(", "VerifiedFiles(")) and "trusted" not in call:
                without.add(f"{path.stem}: {call}")
    assert without == {"promotion: read_bundle(link)"}


@pytest.mark.parametrize("verb", ["check", "shadow", "promote", "unknowns", "rollback", "collect"])
def test_a_verb_refuses_a_bundle_that_is_not_signed(tmp_path, ours, refusal_of, verb):
    bundle, link = shutil.copytree(BEFORE, tmp_path / "plain"), tmp_path / "current"
    link.symlink_to(shutil.copytree(BEFORE, tmp_path / "serving"))
    link.with_name("current.before").symlink_to(bundle)
    words = {
        "check": ["check", "--offline"],
        "shadow": ["shadow", "configure", "--bundle", bundle],
        "promote": ["promote", bundle],
        "unknowns": ["unknowns"],
        "rollback": ["rollback"],
        "collect": ["collect", "--out", tmp_path / "out"],
    }
    said = refusal_of(*words[verb], "--config", configured(tmp_path, link, ours))
    assert "is not signed, and the configuration trusts only what is signed by" in said
    assert str(link.readlink()).endswith("serving")


@pytest.fixture
def refusal_of(capfd):
    from trainer.__main__ import main as trainer

    def run(*words):
        arguments = [str(word) for word in words]
        assert (trainer if words[0] == "collect" else main)(arguments) == 2
        return capfd.readouterr().err

    return run


def test_a_reload_refuses_what_is_not_signed_and_takes_it_once_it_is(tmp_path, ours):
    current = tmp_path / "current"
    monday, tuesday = tmp_path / "monday", tmp_path / "tuesday"
    write_bundle(read_bundle(BEFORE), monday, ours.signer)
    write_bundle(read_bundle(BEFORE), tuesday)
    current.symlink_to(monday)
    serving = read_bundle(current, trusted(ours))
    config = Config(bundle=str(current), trust=[ours.text], runtime=Runtime(reload_seconds=0.1))
    reloader = BundleReloader(config, lambda bundle, encode: pytest.fail("it serves already"))
    current.with_name("fresh").symlink_to(tuesday)
    os.replace(current.with_name("fresh"), current)

    with pytest.raises(BundleError, match="is not signed") as raised:
        eventually(lambda: reloader.next(serving), "the bundle is refused", RELOAD_SECONDS)
    assert raised.value.reason == "signature"
    assert reloader.is_refused
    sign(tuesday, ours)  # no file of the bundle changes, and yet it is looked at again
    eventually(lambda: reloader.next(serving) or not reloader.is_refused, "it is taken", RELOAD_SECONDS)
    reloader.close()


def test_the_shadow_trusts_the_same_keys_wherever_its_configuration_lies(tmp_path, ours, signed, capfd):
    assert (
        main(["shadow", "configure", "--bundle", str(signed), "--config", str(configured(tmp_path, signed, ours))]) == 0
    )
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "shadow.yaml").write_text(capfd.readouterr().out)
    assert read_config(elsewhere / "shadow.yaml").trust == [ours.text]


# --- the configuration ----------------------------------------------------------------------------------------------


def test_check_warns_where_no_key_is_trusted_and_names_those_that_are(tmp_path, ours, theirs, signed):
    (finding,) = trust_findings(read_config(configured(tmp_path, signed)))
    assert (finding.part, finding.level) == ("trust", "warning")
    assert f"whoever can write to {signed}, or send a pack, decides what raises an alarm" in finding.text
    (finding,) = trust_findings(read_config(configured(tmp_path, signed, ours, theirs)))
    assert (finding.part, finding.level) == ("trust", "ok")
    assert f"{ours.signer.id} or {theirs.signer.id}" in finding.text


def test_keys_are_files_beside_the_configuration_or_their_text(tmp_path, ours):
    path = configured(tmp_path, "b", ours, ours)
    assert read_config(path).trust == [ours.text]
    pem = ours.public.read_text()
    for entry in (str(ours.public), ours.text, ours.text[-44:], pem):
        path.write_text(
            yaml.safe_dump({"bundle": "b", "kafka": {"common": {"bootstrap.servers": "a"}}, "trust": [entry]})
        )
        assert read_config(path).trust == [ours.text]
    held, keys = read_config(configured(tmp_path, "b", ours)), trusted(ours)
    ours.public.unlink()
    assert held.trusted_keys == keys  # the file was read once, at the start
