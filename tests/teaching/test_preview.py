"""Teaching from a terminal: one episode of one cell, named once, is known on every instance and after every restart."""

import json
import random
import re
import threading

import msgspec
import numpy as np
import pytest

from detector.__main__ import main
from detector.labels.label import read_label
from detector.timestamps import iso_time
from tests.eventually import eventually
from tests.service.network import CATALOGUE, CELLS, MEAN, NAMES, SPREAD, STRANGE, T0, Trouble, label, spreads, told
from tests.service.stage import Daemon, Stage, serving
from tests.trainer.files import write_catalogue, write_day

pytestmark = pytest.mark.broker

LIVE_SECONDS = 5

ELSEWHERE = "cell-5"
FAULTS = 'faultline_exemplars{kind="fault"}'
OUTAGES = (Trouble(STRANGE, "power", 70, 105), Trouble(ELSEWHERE, "power", 130, 145))


def clock(minute: int) -> str:
    return iso_time(T0 + minute)


def faultline(verb: str, config, *more: str) -> int:
    return main([verb, "--config", str(config), *more])


def teach(config, cell: str = STRANGE, at: int = 70, until: int | None = 90, name: str = "power_loss", *more: str):
    ends = ["--until", clock(until)] if until else []
    return faultline("teach", config, "--cell", cell, "--at", clock(at), "--class", name, *ends, *more)


def said_of(stage, cell: str) -> list[dict]:
    return [msgspec.json.decode(body) for body in stage.alarms().get(cell, [])]


def test_what_is_taught_beside_one_instance_is_named_by_the_other_and_after_a_restart(stage, capsys):
    parts = [told(begin, end, OUTAGES) for begin, end in ((0, 90), (90, 150), (150, 240))]
    configs = [stage.config(kafka={"instance": f"faultline-{number}"}) for number in range(2)]
    stage.tell(parts[0])
    with serving(configs[0]) as one, serving(configs[1]) as other:
        stage.wait_taken(len(parts[0]))

        # when an engineer names what befell one cell
        assert teach(configs[0], STRANGE, 70, 90, "power_loss", "--severity", "critical", "--cause", "a fuse") == 0
        for service in (one, other):
            service.wait_metric(FAULTS, 1, LIVE_SECONDS)
        stage.tell(parts[1])
        stage.wait_taken(len(parts[0] + parts[1]))

    # then its name is borne by the same thing in another cell, as it was taught
    (new,) = [body for body in said_of(stage, ELSEWHERE) if body["notificationType"] == "notifyNewAlarm"]
    assert (new["specificProblem"], new["perceivedSeverity"]) == ("power_loss", "CRITICAL")
    assert new["additionalInformation"]["cause"] == "a fuse"
    printed = capsys.readouterr().out
    assert "in force on every instance within 5 s" in printed
    assert all(len(line) <= 100 for line in printed.splitlines())

    # and a restart says nothing twice, and ends it when it is over
    with serving(configs[0]) as again:
        again.wait_metric(FAULTS, 1)
        stage.tell(parts[2])
        stage.wait_taken(sum(map(len, parts)))
    kinds = [body["notificationType"] for body in said_of(stage, ELSEWHERE)]
    assert kinds == ["notifyNewAlarm", "notifyClearedAlarm"]

    # and the list says who, and how often it fired
    assert faultline("labels", configs[0], "--radius", "--json") == 0
    (listed,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert (listed["name"], listed["cell"], listed["begin"], listed["fired"]) == ("power_loss", STRANGE, T0 + 70, 2)
    assert "@" in listed["by"]
    assert 0.3 < listed["radius"] < 1, "half of it would have been enough"


def test_a_dry_run_teaches_nothing_and_forgetting_ends_what_was_taught(stage, capsys):
    stage.tell(told(0, 90, OUTAGES))
    config = stage.config()
    assert teach(config, STRANGE, 70, None, "power_loss", "--dry-run") == 0
    printed = capsys.readouterr().out
    assert "dry run: no label was published" in printed
    assert "2025-02-19 22:30 to 2025-02-19 22:50 UTC" in printed, "to the cell's newest minute"
    assert faultline("labels", config) == 0
    assert "no label is in force; `faultline teach` publishes one" in capsys.readouterr().out

    assert teach(config, STRANGE, 70, None, "power_loss", "--by", "ann", "--json") == 0
    taught = json.loads(capsys.readouterr().out)
    assert faultline("labels", config) == 0
    printed = capsys.readouterr().out
    assert taught["id"][:8] in printed
    assert all(len(line) <= 100 for line in printed.splitlines())

    assert faultline("forget", config, taught["id"][:8]) == 0
    assert faultline("forget", config, taught["id"]) == 3
    err = capsys.readouterr().err
    assert err == f"faultline: no label has the id '{taught['id']}'; `faultline labels` prints all ids.\n"


def test_two_who_teach_at_once_are_both_heard(stage):
    stage.tell(told(0, 90, (*OUTAGES, Trouble(ELSEWHERE, "drops", 60, 90))))
    config = stage.config()
    codes: list[int] = []
    asked = [(STRANGE, 70, 90, "power_loss"), (ELSEWHERE, 60, 80, "drop_storm")]
    at_once = [threading.Thread(target=lambda a=a: codes.append(teach(config, *a))) for a in asked]
    for one in at_once:
        one.start()
    for one in at_once:
        one.join()
    assert codes == [0, 0]
    with serving(config) as service:
        service.wait_metric(FAULTS, 2)


REFUSALS = [
    (["--cell", "cell-99", "--at", clock(70)], "holds no minute of cell 'cell-99' from .*did you mean cell-"),
    (["--cell", STRANGE, "--at", clock(-3000)], "holds 2025-.* and nothing of .*--history"),
    (["--cell", STRANGE, "--at", clock(85), "--until", clock(84)], "is not after --at"),
    (["--cell", STRANGE, "--at", "2999-01-01 00:00"], "lies in the future"),
    (["--cell", STRANGE, "--at", clock(70), "--until", "2999-01-01"], "lies in the future"),
    (["--cell", STRANGE, "--at", clock(20), "--until", clock(40)], "reported 40 of the 60 minutes .* 90% are needed"),
    (["--cell", STRANGE, "--at", "yesterday"], "'yesterday' is not a time; write it as"),
    (["--cell", "cell-3", "--at", clock(82), "--until", clock(88)], "reported nothing from"),
    (["--cell", STRANGE, "--at", clock(70), "--class", "Power Loss"], "cannot name a class"),
    (["--cell", STRANGE, "--at", clock(70), "--class", "unknown"], "is the name of an alarm of Faultline itself"),
    (
        ["--cell", STRANGE, "--at", clock(70), "--expires", clock(99)],
        "--expires .* is allowed for --kind ignore and normal only",
    ),
]


def test_what_cannot_be_taught_is_refused_in_one_sentence_and_nothing_is_published(stage, capfd):
    stage.tell(told(0, 90, (Trouble("cell-3", None, 80, 100), *OUTAGES)))
    config = stage.config()
    for arguments, sentence in REFUSALS:
        named = arguments if "--class" in arguments else [*arguments, "--class", "power_loss"]
        assert faultline("teach", config, *named) == 2, arguments
        said = capfd.readouterr().err
        assert said.count("\n") == 1, said
        assert re.search(sentence, said), said
    assert stage.read("labels") == []


WITHHELD = 'faultline_alarms_withheld_total{reason="%s"}'
EVERYWHERE = tuple(Trouble(cell, "delay", 70 + 10 * k, 100 + 10 * k, far=1.2) for k, cell in enumerate(CELLS))
"""What every cell does at times, a little: never taught, it is no alarm."""


def test_what_would_break_the_budget_is_held_counted_and_silent_until_it_is_forced(stage, capsys):
    before, after = told(0, 200, EVERYWHERE), told(200, 280, (Trouble(STRANGE, "delay", 210, 240, far=1.5),))
    stage.tell(before)
    config = stage.config()
    slow = ("slow", "--json")

    # when something is taught that ordinary cells do, too
    assert teach(config, "cell-1", 80, 110, *slow, "--dry-run") == 3
    assert stage.read("labels") == []
    assert teach(config, "cell-1", 80, 110, *slow) == 3
    forecast = json.loads(capsys.readouterr().out.splitlines()[-1])["forecast"]
    assert forecast["breaks_budget"]
    assert forecast["new_alarms_per_1000_cell_days"][1] > forecast["budget"]

    # then it is recognised, counted, and raises nothing
    with serving(config) as service:
        stage.tell(after)
        stage.wait_taken(len(before + after))
        assert service.metrics()["faultline_quarantined_exemplars"] == 1
        assert service.metrics()[WITHHELD % "quarantined"] > 0
    assert "slow" not in {body["specificProblem"] for cell in CELLS for body in said_of(stage, cell)}
    assert faultline("labels", config, "--quick") == 0
    assert re.search(r"slow .* held:\d+", capsys.readouterr().out)

    # and forced, it raises alarms, and the label says that it was
    assert teach(config, "cell-1", 80, 110, *slow, "--force") == 0
    with serving(stage.config(kafka={"group": f"{stage.prefix}again"})) as service:
        service.wait_metric("faultline_quarantined_exemplars", 0)
        eventually(
            lambda: any(body["specificProblem"] == "slow" for c in CELLS for body in said_of(stage, c)), "alarms"
        )
    assert faultline("labels", config, "--quick") == 0
    assert re.search(r"slow .* forced:\d+", capsys.readouterr().out)


EXPIRES = 120
WORKS = (Trouble(STRANGE, "power", 70, 200),)
"""Planned works that go on for longer than was said."""


def test_an_ignore_counts_until_its_minute_of_the_networks_own_time_however_often_the_daemon_is_killed(stage):
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")
    rng = random.Random(seed)
    twin = Stage(stage.bootstrap, f"{stage.prefix}twin-", stage.folder / "twin", stage.bundle).create_topics()
    twin.folder.mkdir()
    records = told(0, 200, WORKS)
    for one in (stage, twin):
        one.teach(label("works", "power", kind="ignore", expires=T0 + EXPIRES))
        one.tell(records)

    # given one run without trouble, long after the expiry by everybody's clock
    with serving(stage.config()) as service:
        stage.wait_taken(len(records))
        assert service.metrics()[WITHHELD % "ignored"] == 1
    new, *_ = said_of(stage, STRANGE)
    assert new["specificProblem"] == "unknown"
    assert new["eventTime"] > clock(EXPIRES)

    # then one that is killed says the same
    config = twin.config(kafka={"batch_records": 20})
    for moment in sorted(rng.sample(range(8 * 60, len(records) - 200), 2)):
        with Daemon(config) as daemon:
            eventually(lambda at=moment: twin.taken() >= at, f"{moment} records are taken", 60)
            daemon.kill()
    with serving(config):
        twin.wait_taken(len(records))
    assert twin.alarms() == stage.alarms()
    twin.close()


def filed(folder, troubles):
    """Two hundred minutes of the network as files."""
    write_catalogue(CATALOGUE, folder / "catalogue.yaml")
    told = [(cell, minute, spreads(cell, minute, troubles)) for cell in CELLS for minute in range(200)]
    cells, minutes, numbers = zip(*[one for one in told if one[2] is not None], strict=True)
    values = (MEAN + SPREAD * np.array(numbers)).astype(np.float32)
    write_day(folder, "2025-02-20", list(cells), T0 + np.array(minutes), values, NAMES)


def test_an_ignore_taught_from_files_says_what_it_would_have_silenced_and_expires_as_told(stage, tmp_path, capfd):
    filed(tmp_path, WORKS)
    config = stage.config()
    ask = ("works", "--history", str(tmp_path), "--kind", "ignore", "--expires", clock(300))
    assert teach(config, STRANGE, 75, 110, *ask) == 0
    printed = capfd.readouterr().out
    assert "suppressed 1 alarm on 1 cell: 1 unknown" in printed
    assert all(len(line) <= 100 for line in printed.splitlines())
    (label,) = [read_label(message.value()) for message in stage.read("labels")]
    assert (label.kind, label.expires, label.quarantined) == ("ignore", T0 + 300, False)
    assert faultline("labels", config, "--withheld", "--history", str(tmp_path)) == 0
    assert re.search(rf"{STRANGE} +works +ignored\n1 alarm withheld", capfd.readouterr().out)

    for cell, at, sentence in (("cell-22", 75, "has no cell 'cell-22'"), (STRANGE, -5000, "holds nothing of cell")):
        assert teach(config, cell, at, at + 20, *ask) == 2
        said = capfd.readouterr().err
        assert sentence in said
        assert said.count("\n") == 1, said


def test_a_label_that_no_detector_can_use_is_listed_with_its_reason_and_can_be_forgotten(stage, capsys):
    stage.put_label(b"garbage", b"no label")
    config = stage.config()
    assert faultline("labels", config, "--quick") == 0
    assert "garbage" in (printed := capsys.readouterr().out)
    assert "refused: a label cannot be read" in printed
    assert faultline("forget", config, "garbage") == 0
    assert faultline("labels", config, "--quick") == 0
    assert "no label is in force; `faultline teach` publishes one" in capsys.readouterr().out
