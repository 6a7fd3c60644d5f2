"""What a person says afterwards: a name for the unknown, right, wrong, and all that was taught in one file."""

import json
import zipfile
from collections.abc import Iterator

import msgspec
import numpy as np
import pytest

from detector.__main__ import main
from detector.labels.label import write_label
from detector.labels.packs import write_pack
from detector.timestamps import iso_time
from tests.service.network import (
    CATALOGUE,
    CELLS,
    FAULTY,
    MEAN,
    SPREAD,
    STRANGE,
    T0,
    Trouble,
    label,
    spreads,
    told,
)
from tests.service.stage import Stage, serving

pytestmark = pytest.mark.broker

ELSEWHERE, SLOW = "cell-5", "cell-0"
MINUTES = 190
TROUBLES = (
    Trouble(FAULTY, "drops", 70, 100),
    Trouble(STRANGE, "power", 75, 105),
    Trouble(ELSEWHERE, "power", 110, 140),
    Trouble(SLOW, "delay", 80, 110),
)


@pytest.fixture
def lived(broker, topics, bundle, tmp_path) -> Iterator[Stage]:
    """Three hours that a daemon has judged, knowing one fault: two cells had an unknown one, a third had another."""
    made = Stage(broker.bootstrap, topics, tmp_path, bundle).create_topics()
    made.teach(label("drop_storm", "drops"))
    records = told(0, MINUTES, TROUBLES)
    made.tell(records)
    with serving(made.config()):
        made.wait_taken(len(records))
    yield made
    made.close()


def faultline(stage: Stage, capfd, *arguments: object) -> tuple[int, str]:
    capfd.readouterr()
    code = main([*map(str, arguments), "--config", str(stage.folder / "config.yaml")])
    return code, capfd.readouterr().out


def first_of(stage: Stage, cell: str) -> dict:
    return msgspec.json.decode(stage.alarms()[cell][0])


def judged(service, name: str, judgement: str) -> str:
    return f'faultline_judged_alarms{{class="{name}",judgement="{judgement}"}}'


def test_unknown_alarms_are_gathered_into_things_and_one_is_named(lived, capfd, refusal):
    code, lines = faultline(lived, capfd, "unknowns", "--json")
    power, delay = [json.loads(line) for line in lines.splitlines()]
    assert code == 0
    assert {seen["cell"] for seen in power["sightings"]} == {STRANGE, ELSEWHERE}
    assert {seen["cell"] for seen in delay["sightings"]} == {SLOW}
    _, page = faultline(lived, capfd, "unknowns")
    assert max(map(len, page.splitlines())) <= 100
    assert page.splitlines()[1].split()[:3] == ["1", "2", "2"]

    # when the first is named, its medoid is taught as anybody would teach it
    code, lines = faultline(lived, capfd, "unknowns", "--teach", 1, "--class", "power_loss", "--json")
    assert code == 0
    assert json.loads(lines)["cell"] == power["medoid"]["cell"]
    _, lines = faultline(lived, capfd, "labels", "--quick", "--json")
    assert {json.loads(line)["name"] for line in lines.splitlines()} == {"drop_storm", "power_loss"}
    config = ["--config", lived.folder / "config.yaml"]
    assert "the list has 2 groups, numbered from 1" in refusal(
        "unknowns", "--teach", "3", "--class", "power_loss", *config
    )
    assert "must be given together" in refusal("unknowns", "--teach", "1", *config)


def test_judgements_are_taught_and_counted_by_class(lived, capfd, refusal):
    named, unknown = (first_of(lived, cell)["alarmId"] for cell in (FAULTY, STRANGE))
    with serving(lived.config()) as service:
        assert faultline(lived, capfd, "confirm", named, "--json")[0] == 0
        service.wait_metric('faultline_exemplars{kind="fault"}', 2, 5)
        assert service.metrics()[judged(service, "drop_storm", "confirmed")] == 1
        assert faultline(lived, capfd, "confirm", unknown, "--class", "power_loss", "--json")[0] == 0
        service.wait_metric('faultline_exemplars{kind="fault"}', 3, 5)
        code, lines = faultline(lived, capfd, "reject", named, "--json")
        assert (code, json.loads(lines)["class"], json.loads(lines)["kind"]) == (0, "not_drop_storm", "ignore")
        service.wait_metric('faultline_exemplars{kind="ignore"}', 1, 5)
        assert service.metrics()[judged(service, "drop_storm", "rejected")] == 1
        assert service.metrics()[judged(service, "unknown", "rejected")] == 1
    said = refusal("confirm", unknown, "--config", lived.folder / "config.yaml")
    assert "is named unknown, which is no class to confirm; give the class with --class NAME." in said


def test_a_pack_goes_into_another_network_after_it_was_looked_at(lived, bare_stage, capfd, refusal, tmp_path):
    pack = tmp_path / "ours.pack"
    code, page = faultline(lived, capfd, "pack", "export", pack)
    digest = page.split()[-1]
    assert code == 0
    lived.put_label(b"drop_storm-1", None)

    # when it is looked at, nothing happens
    assert faultline(lived, capfd, "pack", "import", pack, "--sha256", digest)[0] == 0
    assert "0 labels" not in faultline(lived, capfd, "pack", "import", pack)[1]
    assert faultline(lived, capfd, "labels", "--quick", "--json")[1] == ""

    # and when it is accepted, its labels are in force
    assert faultline(lived, capfd, "pack", "import", pack, "--accept")[0] == 0
    (line,) = faultline(lived, capfd, "labels", "--quick", "--json")[1].splitlines()
    assert json.loads(line)["name"] == "drop_storm"
    assert " 0 labels to import" in " " + faultline(lived, capfd, "pack", "import", pack)[1].splitlines()[-1]
    said = refusal("pack", "import", pack, "--sha256", "0" * 64, "--config", lived.folder / "config.yaml")
    assert f"and --sha256 is {'0' * 64}; do not accept this file" in said


MILD = tuple(Trouble(cell, "users", 70 + 10 * k, 100 + 10 * k, far=1.2) for k, cell in enumerate(CELLS))
"""What every cell does at times, a little: never taught, it is no alarm."""


def test_a_pack_that_breaks_the_budget_is_held_class_by_class_unless_it_is_forced(stage, capfd, tmp_path):
    stage.tell(told(0, 250, (*MILD, Trouble(STRANGE, "power", 210, 240), Trouble(SLOW, "delay", 210, 240))))
    config, pack = stage.config(), tmp_path / "theirs.pack"
    hour = np.array([spreads(CELLS[1], minute, MILD) for minute in range(50, 140)])
    values = MEAN + SPREAD * hour
    theirs = [
        label("slow", "delay", quarantined=True, forced=True, forecast=99.0, alarm="theirs", rejects="x"),
        label("all_sorts", "users", values=values.astype("<f4").tobytes()),
        label("crowd", "power", kind="ignore"),
    ]
    write_pack(pack, [write_label(one) for one in theirs], CATALOGUE.digest)

    # when it is looked at, each class bears its own forecast
    code, lines = faultline(stage, capfd, "pack", "import", pack, "--json")
    foreseen = json.loads(lines)
    assert (code, foreseen["published"], foreseen["to_take"]) == (3, False, 3)
    by_name = {one["name"]: one for one in foreseen["forecast"]["brought"]}
    assert not by_name["slow"]["breaks"], "one cell was slow, and was called unknown"
    assert by_name["all_sorts"]["breaks"]
    assert by_name["all_sorts"]["rate"][1] > foreseen["forecast"]["budget"]
    assert {one["name"] for one in foreseen["forecast"]["silenced"]} == {"unknown"}
    code, page = faultline(stage, capfd, "pack", "import", pack)
    assert max(map(len, page.splitlines())) <= 100
    assert "BREAKS A BUDGET" in page

    # and when it is accepted, what breaks the budget is held, and what was so at the sender's is not believed
    def states():
        lines = faultline(stage, capfd, "labels", "--quick", "--json")[1].splitlines()
        return {one["name"]: (one["quarantined"], one["forced"]) for one in map(json.loads, lines)}

    with serving(config) as service:
        assert faultline(stage, capfd, "pack", "import", pack, "--accept")[0] == 3
        service.wait_metric("faultline_quarantined_exemplars", 1, 5)
        assert not [name for name in service.metrics() if name.startswith("faultline_judged_alarms{")]
    assert states() == {"slow": (False, False), "all_sorts": (True, False), "crowd": (False, False)}
    assert json.loads(faultline(stage, capfd, "pack", "import", pack, "--json")[1])["to_take"] == 0

    # and forced, it says so for ever
    stage.put_label(b"all_sorts-1", None)
    assert faultline(stage, capfd, "pack", "import", pack, "--accept", "--force")[0] == 0
    assert states()["all_sorts"] == (False, True)


def test_a_search_finds_the_same_thing_in_another_cell_and_what_it_was_called(lived, capfd):
    when = ("--at", iso_time(T0 + 75), "--until", iso_time(T0 + 105))
    code, lines = faultline(lived, capfd, "search", "--cell", STRANGE, *when, "--json")
    assert code == 0
    first, *others = [json.loads(line) for line in lines.splitlines()]
    assert (first["cell"], first["called"]) == (ELSEWHERE, ["unknown"])
    assert first["distance"] < 0.1
    assert all(one["distance"] > 0.3 for one in others)


def test_a_pack_that_is_none_is_refused_in_one_sentence(tmp_path, stage, refusal):
    config = stage.config()
    for name, members, said in (
        ("path", {"../manifest.json": b"{}", "labels.jsonl": b""}, "is no pack: it holds ../manifest.json"),
        ("more", {"manifest.json": b"{}", "labels.jsonl": b"", "x": b""}, "is no pack"),
        ("empty", {"manifest.json": b"{}", "labels.jsonl": b""}, "is no pack"),
        (
            "changed",
            {
                "manifest.json": b'{"format":1,"catalogue":"x","labels":1,"sha256":"00"}',
                "labels.jsonl": b"{}\n",
            },
            "do not have the checksum of its manifest",
        ),
    ):
        path = tmp_path / name
        with zipfile.ZipFile(path, "w") as archive:
            for member, content in members.items():
                archive.writestr(member, content)
        assert said in refusal("pack", "import", path, "--config", config), name
    (tmp_path / "text").write_text("not a zip")
    assert "is no pack" in refusal("pack", "import", tmp_path / "text", "--config", config)
    assert "cannot be read" in refusal("pack", "import", tmp_path / "nowhere", "--config", config)
