"""Teaching from a terminal: one episode of one cell, named once, is known on every instance and after every restart."""

import json
import threading

import msgspec
import pytest

from detector.__main__ import main
from detector.notifications import iso_time
from tests.service.network import (
    STRANGE,
    T0,
    Trouble,
    told,
)
from tests.service.stage import serving

pytestmark = pytest.mark.broker

LIVE_SECONDS = 5

ELSEWHERE = "cell-5"
FAULTS = 'faultline_exemplars{kind="fault"}'
OUTAGES = (Trouble(STRANGE, "power", 70, 105), Trouble(ELSEWHERE, "power", 130, 160))


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
    parts = [told(begin, end, OUTAGES) for begin, end in ((0, 90), (90, 150), (150, 200))]
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
    assert "live on every instance within 5 s" in printed
    assert all(len(line) <= 100 for line in printed.splitlines())

    # and a restart says nothing twice, and ends it when it is over
    with serving(configs[0]) as again:
        again.wait_metric(FAULTS, 1)
        stage.tell(parts[2])
        stage.wait_taken(sum(map(len, parts)))
    kinds = [body["notificationType"] for body in said_of(stage, ELSEWHERE)]
    assert kinds == ["notifyNewAlarm", "notifyClearedAlarm"]

    # and the list says who, and how often it fired
    assert faultline("labels", configs[0], "--json") == 0
    (listed,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert (listed["name"], listed["cell"], listed["begin"], listed["fired"]) == ("power_loss", STRANGE, T0 + 70, 2)
    assert "@" in listed["by"]


def test_a_dry_run_teaches_nothing_and_forgetting_ends_what_was_taught(stage, capsys):
    stage.tell(told(0, 90, OUTAGES))
    config = stage.config()
    assert teach(config, STRANGE, 70, None, "power_loss", "--dry-run") == 0
    printed = capsys.readouterr().out
    assert "dry run: nothing was taught" in printed
    assert "2025-02-20 05:30 UTC" in printed, "it lasts to the cell's newest minute, short of an hour"
    assert faultline("labels", config) == 0
    assert "nothing is taught yet" in capsys.readouterr().out

    assert teach(config, STRANGE, 70, None, "power_loss", "--by", "ann", "--json") == 0
    taught = json.loads(capsys.readouterr().out)
    assert faultline("labels", config) == 0
    printed = capsys.readouterr().out
    assert taught["id"][:8] in printed
    assert all(len(line) <= 100 for line in printed.splitlines())

    assert faultline("forget", config, taught["id"][:8]) == 0
    assert faultline("forget", config, taught["id"]) == 3
    assert "there is no label" in capsys.readouterr().err


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
    (["--cell", "cell-99", "--at", clock(70)], "cell 'cell-99' was not heard from .*did you mean cell-"),
    (["--cell", STRANGE, "--at", clock(-3000)], "holds 2025-.* and nothing of .*--history"),
    (["--cell", STRANGE, "--at", clock(85), "--until", clock(84)], "is not after --at"),
    (["--cell", STRANGE, "--at", "2999-01-01 00:00"], "lies in the future"),
    (["--cell", STRANGE, "--at", clock(70), "--until", "2999-01-01"], "lies in the future"),
    (["--cell", STRANGE, "--at", clock(20)], "reported 50 of the 60 minutes|half"),
    (["--cell", STRANGE, "--at", "yesterday"], "'yesterday' is no time"),
    (["--cell", "cell-3", "--at", clock(82), "--until", clock(88)], "reported nothing from"),
    (["--cell", STRANGE, "--at", clock(70), "--class", "Power Loss"], "cannot name a class"),
    (["--cell", STRANGE, "--at", clock(70), "--class", "unknown"], "is what Faultline itself says"),
    (["--cell", STRANGE, "--at", clock(70), "--expires", clock(99)], "--expires is for ignore and normal"),
]


def test_what_cannot_be_taught_is_refused_in_one_sentence_and_nothing_is_published(stage, capfd):
    stage.tell(told(0, 90, (Trouble("cell-3", None, 80, 100), *OUTAGES)))
    config = stage.config()
    for arguments, sentence in REFUSALS:
        named = arguments if "--class" in arguments else [*arguments, "--class", "power_loss"]
        assert faultline("teach", config, *named) == 2, arguments
        said = capfd.readouterr().err
        assert said.count("\n") == 1, said
        assert pytest.importorskip("re").search(sentence, said), said
    assert stage.read("labels") == []
