"""A second bundle beside the one that serves: it hears the same, touches nothing, and is held against the other."""

import json
from pathlib import Path

import pytest
import yaml

from detector.__main__ import main
from detector.alarms.shadow import ShadowEpisode, compare
from detector.bundle.format import read_bundle
from detector.timestamps import iso_time
from tests.eventually import eventually
from tests.kafka.topics import consume_committed
from tests.service.network import FAULTY, MINUTES, SILENT, STRANGE, T0, label, told
from tests.service.stage import serving


def episode(cell: str, name: str, begin: int, end: int | None, raised: int | None = None) -> ShadowEpisode:
    return ShadowEpisode(cell, name, begin, begin + 5 if raised is None else raised, end)


def test_of_one_name_and_at_once_is_the_same_alarm():
    serving = [episode("a", "x", 10, 50, 20), episode("a", "x", 100, 140), episode("b", "x", 10, 50)]
    shadow = [episode("a", "x", 15, 40, 17), episode("a", "x", 141, 160), episode("b", "x", 48, None)]
    told = compare(serving, shadow)
    assert told.both == [(serving[0], shadow[0]), (serving[2], shadow[2])]
    assert (told.serving, told.shadow) == ([serving[1]], [shadow[1]])
    assert told.lead_minutes("x") == (3 - 38) / 2


def test_of_another_name_and_at_once_it_is_renamed_unless_its_own_name_is_there_too():
    serving = [episode("a", "x", 10, 50), episode("b", "x", 10, None)]
    shadow = [episode("a", "y", 10, 50), episode("a", "x", 30, 60), episode("b", "y", 5, None)]
    told = compare(serving, shadow)
    assert told.both == [(serving[0], shadow[1])]
    assert told.renamed == [(serving[1], shadow[2])]
    assert (told.serving, told.shadow) == ([], [shadow[0]])
    counts = {"both": 0, "serving_renamed": 0, "shadow_renamed": 1, "serving_only": 0, "shadow_only": 1}
    assert told.counts("y") == counts


def test_an_alarm_is_paired_once():
    told = compare([episode("a", "x", 10, 20), episode("a", "x", 30, 40)], [episode("a", "x", 5, 60)])
    assert (len(told.both), len(told.serving)) == (1, 1)
    assert not told.agrees
    assert compare([], []).agrees


def configured(stage, capfd, bundle) -> Path:
    """The shadow's configuration, as `configure` prints it."""
    own = stage.config(http={"port": 0})
    capfd.readouterr()
    assert main(["shadow", "configure", "--bundle", str(bundle), "--config", str(own)]) == 0
    path = stage.folder / "shadow.yaml"
    path.write_text(capfd.readouterr().out)
    return path


def report(stage, shadow, capfd, *arguments: object) -> str:
    capfd.readouterr()
    options = ["--config", stage.folder / "config.yaml", "--shadow", shadow, *arguments]
    assert main(["shadow", "report", *map(str, options)]) == 0
    return str(capfd.readouterr().out)


@pytest.mark.broker
def test_what_two_daemons_made_of_the_same_minutes(stage, other_bundle, capfd, refusal, monkeypatch):
    shadow = configured(stage, capfd, other_bundle)
    knobs = yaml.safe_load(shadow.read_text())
    knobs["minutes"]["silent_minutes"] = 40  # its silent cell comes back sooner
    shadow.write_text(yaml.safe_dump(knobs))
    assert "has committed no offset yet; run `faultline run` with it first." in refusal(
        "shadow", "report", "--config", stage.folder / "config.yaml", "--shadow", shadow
    )
    assert main(["topics", "--create", "--replication", "1", "--config", str(shadow)]) == 0
    stage.teach(label("drop_storm", "drops"))
    records = told(0, MINUTES)
    stage.tell(records)
    with serving(stage.folder / "config.yaml") as service:
        stage.wait_taken(len(records))
        alarms = stage.alarms()
        with serving(shadow) as beside:
            eventually(lambda: beside.metrics()["faultline_ready"] == 1, "the shadow is ready")
            beside.wait_metric("faultline_consumer_lag_records", 0)
            assert f'digest="{read_bundle(other_bundle).digest}"' in beside.get("/metrics").body
        service.check()
    assert stage.alarms() == alarms

    # it wrote to topics of its own, and said what the other said but for the silence
    own = consume_committed(stage.bootstrap, stage.topic("alarms") + ".shadow", 0)
    assert {message.key().decode() for message in own} == {FAULTY, STRANGE}
    textfile = stage.folder / "shadow.prom"
    page = report(stage, shadow, capfd, "--textfile", textfile, "--since", iso_time(T0))
    assert max(map(len, page.splitlines())) <= 100
    machine = json.loads(report(stage, shadow, capfd, "--json", "--since", iso_time(T0)))
    assert machine["classes"]["drop_storm"]["both"] == 1
    assert machine["classes"]["cell_silent"]["serving_only"] == 1
    assert [one["cell"] for one in machine["serving"]] == [SILENT]
    assert machine["shadow"] == machine["renamed"] == []
    assert 'faultline_shadow_alarms{class="cell_silent",raised_by="serving_only"} 1.0' in textfile.read_text()
    assert "cell_silent" in page.splitlines()[-1]
    assert page.splitlines()[-1].split()[-1] == "nothing"


def test_secrets_stay_in_the_environment(tmp_path, bundle, capfd, monkeypatch):
    monkeypatch.setenv("KAFKA_PASSWORD", "hunter2")
    path = tmp_path / "config.yaml"
    common = {"bootstrap.servers": "127.0.0.1:9", "sasl.password": "${KAFKA_PASSWORD}"}
    path.write_text(yaml.safe_dump({"bundle": str(bundle), "kafka": {"common": common}}))
    assert main(["shadow", "configure", "--bundle", str(bundle), "--config", str(path)]) == 0
    made = yaml.safe_load(capfd.readouterr().out)
    assert made["kafka"]["common"] == common
    assert (made["kafka"]["group"], made["http"]["port"]) == ("faultline-shadow", 9109)
    assert made["kafka"]["topics"]["alarms"] == "cells.alarms.shadow"
    assert "minutes" not in made["kafka"]["topics"]


def test_a_shadow_that_writes_where_the_other_writes_is_refused(tmp_path, bundle, refusal):
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump({"bundle": str(bundle), "kafka": {"common": {"bootstrap.servers": "127.0.0.1:9"}}}))
    assert "make the shadow's configuration with `faultline shadow configure`" in refusal(
        "shadow", "report", "--config", path, "--shadow", path
    )
