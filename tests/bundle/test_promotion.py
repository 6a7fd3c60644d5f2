"""One command lets another bundle serve, one takes it back, and what cannot be taken over is refused before."""

import shutil

import pytest
import yaml

from detector.__main__ import main
from detector.bundle.format import read_bundle
from tests.eventually import eventually
from tests.service.broken import rename_a_feature
from tests.service.network import FAULTY, MINUTES, label, told
from tests.service.stage import serving

TAKEN_OVER_SECONDS = 60


@pytest.fixture
def link(tmp_path, bundle, other_bundle):
    """As a folder of versions is kept: two bundles, and which of them serves."""
    shutil.copytree(bundle, tmp_path / "monday")
    shutil.copytree(other_bundle, tmp_path / "tuesday")
    current = tmp_path / "current"
    current.symlink_to("monday")
    return current


@pytest.fixture
def config(tmp_path, link):
    path = tmp_path / "only.yaml"
    path.write_text(yaml.safe_dump({"bundle": str(link), "kafka": {"common": {"bootstrap.servers": "127.0.0.1:9"}}}))
    return path


def test_promoted_and_taken_back_and_promoted_again(tmp_path, link, config, capfd):
    assert main(["promote", str(tmp_path / "tuesday"), "--config", str(config)]) == 0
    assert read_bundle(tmp_path / "tuesday").digest in capfd.readouterr().out
    assert str(link.readlink()) == "tuesday"
    for served in ("monday", "tuesday"):
        assert main(["rollback", "--config", str(config)]) == 0
        assert str(link.readlink()) == served
    assert sorted(path.name for path in tmp_path.glob(".*")) == []


def test_what_cannot_be_taken_over_is_refused_and_the_link_stays(tmp_path, link, config, refusal):
    def refused(*arguments):
        said = refusal(*arguments, "--config", config)
        assert str(link.readlink()) == "monday"
        return said

    assert "no previous bundle is recorded in current.before; name a bundle with" in refused("rollback")
    assert "serves already" in refused("promote", tmp_path / "monday")
    assert "has no SHA256SUMS" in refused("promote", tmp_path / "nothing")
    rename_a_feature(tmp_path / "tuesday")
    assert "has other features" in refused("promote", tmp_path / "tuesday")
    (tmp_path / "tuesday" / "weights.npz").write_bytes(b"torn")
    assert "checksum" in refused("promote", tmp_path / "tuesday")


def test_a_bundle_that_is_no_link_is_left_alone(tmp_path, link, config, refusal):
    link.unlink()
    (tmp_path / "monday").rename(link)
    said = refusal("promote", tmp_path / "tuesday", "--config", config)
    assert "is no link" in said
    assert f"ln -s current-1 {link}" in said


def test_a_folder_that_may_not_be_written_is_said(tmp_path, link, config, refusal, monkeypatch):
    def denied(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("detector.output.rename.os.replace", denied)
    assert "let this user write" in refusal("promote", tmp_path / "tuesday", "--config", config)
    assert not list(tmp_path.glob(".current*"))


@pytest.mark.broker
def test_a_running_daemon_takes_the_promoted_one_over_and_gives_it_back(stage, tmp_path, link):
    config = stage.config(bundle=str(link), runtime={"reload_seconds": 0.1})
    stage.teach(label("drop_storm", "drops"))
    records = told(0, MINUTES)
    stage.tell(records)
    with serving(config) as service:
        stage.wait_taken(len(records))
        for verb in (["promote", str(tmp_path / "tuesday")], ["rollback"]):
            assert main([*verb, "--config", str(config)]) == 0
            digest = read_bundle(link).digest
            eventually(
                lambda digest=digest: f'digest="{digest}"' in service.get("/metrics").body,
                f"{verb[0]}: {digest} serves",
                TAKEN_OVER_SECONDS,
            )
        service.check()
    assert FAULTY in stage.alarms()
