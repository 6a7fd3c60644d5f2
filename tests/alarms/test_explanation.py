"""What stands behind an alarm: said in it, by `faultline explain`, and computed again by `faultline reproduce`."""

from collections.abc import Iterator
from datetime import datetime

import msgspec
import numpy as np
import pytest

from detector.__main__ import main
from tests.kafka.topics import create_topics, produce
from tests.service.network import (
    CATALOGUE,
    CELLS,
    FAULTY,
    MEAN,
    MINUTES,
    NAMES,
    PARTITIONS,
    SILENT,
    SPREAD,
    STRANGE,
    T0,
    TROUBLES,
    label,
    spreads,
    told,
)
from tests.service.stage import Stage, serving
from tests.trainer.files import write_catalogue, write_day

pytestmark = pytest.mark.broker

LONGEST_BYTES = 16_000


@pytest.fixture(scope="module")
def lived(broker, bundle, tmp_path_factory) -> Iterator[Stage]:
    """Two hours that a daemon has judged: a label retired before them, two that stand."""
    made = Stage(broker.bootstrap, "explain-", tmp_path_factory.mktemp("explain"), bundle).create_topics()
    made.teach(label("of_old", "delay"))
    made.put_label(b"of_old-1", None)
    made.teach(label("drop_storm", "drops", by="ann", taught=T0 - 60))
    made.teach(label("long_wait", "delay"))
    records = told(0, MINUTES)
    made.tell(records)
    with serving(made.config()):
        made.wait_taken(len(records))
    yield made
    made.close()


def alarm_of(stage: Stage, cell: str) -> list[dict]:
    return [msgspec.json.decode(value) for value in stage.alarms()[cell]]


def run(stage: Stage, capsys, *arguments: object) -> tuple[int, str]:
    capsys.readouterr()
    code = main([*map(str, arguments), "--config", str(stage.folder / "config.yaml")])
    return code, capsys.readouterr().out


def test_an_alarm_says_which_feature_and_which_minutes_carried_it(lived):
    new = alarm_of(lived, FAULTY)[0]["additionalInformation"]
    carrier, *_ = new["features"]
    assert (carrier["feature"], carrier["unit"], carrier["usual"]) == ("drops", "1", 10.0)
    assert carrier["observed"] > 14
    assert carrier["carried"] > 3 * max([one["carried"] for one in new["features"][1:]], default=0)
    weightiest = max(new["minutes"], key=lambda span: span["carried"])
    assert new["onset"] < weightiest["end"]
    assert new["coverage"] == 1


def test_an_alarm_says_who_taught_what_it_resembles_and_what_else_it_might_have_been(lived):
    new = alarm_of(lived, FAULTY)[0]["additionalInformation"]
    first, second = new["nearest"]
    assert (first["name"], first["by"], first["taught"]) == ("drop_storm", "ann", "2025-02-19T20:20:00Z")
    assert second["name"] == "long_wait"
    assert "by" not in second
    assert new["margin"] == pytest.approx(first["score"] - second["score"], abs=0.011)


def test_an_unknown_says_what_carried_it_too(lived):
    new = alarm_of(lived, STRANGE)[0]["additionalInformation"]
    assert new["features"][0]["feature"] == "power"
    assert new["direction"] == 0


def test_no_alarm_is_longer_than_a_log_line_may_be(lived):
    assert max(len(value) for values in lived.alarms().values() for value in values) < LONGEST_BYTES


def test_explain_is_a_page_of_a_hundred_columns(lived, capsys):
    identity = alarm_of(lived, FAULTY)[0]["alarmId"]
    code, page = run(lived, capsys, "explain", identity[:8])
    assert code == 0
    assert f"drop_storm on {FAULTY}, alarm {identity}" in page
    assert "ann" in page
    assert max(map(len, page.splitlines())) <= 100
    code, silent = run(lived, capsys, "explain", alarm_of(lived, SILENT)[0]["alarmId"])
    assert "no window was judged: a silent cell raises its alarm by its silence." in silent


def test_explain_in_json_is_what_was_said_word_for_word(lived, capsys):
    _, lines = run(lived, capsys, "explain", alarm_of(lived, FAULTY)[0]["alarmId"], "--json")
    assert [line.encode() for line in lines.splitlines()] == lived.alarms()[FAULTY]


@pytest.mark.parametrize("cell", [FAULTY, STRANGE])
def test_every_notification_is_reproduced_byte_for_byte(lived, capsys, cell):
    said = alarm_of(lived, cell)
    code, lines = run(lived, capsys, "reproduce", said[0]["alarmId"])
    assert code == 0, lines
    assert [line.split()[-1] for line in lines.splitlines()] == ["same"] * len(said)


def filed(folder, changed=None, left_out=None):
    """The two hours as files; one minute of one feature another, or a minute missing."""
    rows = [
        (cell, minute, (MEAN + SPREAD * numbers).round(4))
        for cell in CELLS
        for minute in range(MINUTES)
        if (numbers := spreads(cell, minute, TROUBLES)) is not None and (cell, minute) != left_out
    ]
    cells, minutes, values = zip(*rows, strict=True)
    values = np.array(values, np.float32)
    if changed:
        values[[row[:2] == changed for row in rows], 0] += SPREAD
    write_catalogue(CATALOGUE, folder / "catalogue.yaml")
    write_day(folder, "2025-02-20", list(cells), T0 + np.array(minutes), values, NAMES)
    return folder


@pytest.mark.parametrize("cell", [FAULTY, STRANGE])
def test_it_is_reproduced_from_files_when_the_topic_has_forgotten(lived, capsys, tmp_path, cell):
    said = alarm_of(lived, cell)
    made = {name: tmp_path / name for name in ("right", "other")}
    for folder in made.values():
        folder.mkdir()
    raised = notified_minute(said[0])
    filed(made["right"])
    filed(made["other"], changed=(cell, raised - 5))
    code, lines = run(lived, capsys, "reproduce", said[0]["alarmId"], "--history", made["right"])
    assert (code, [line.split()[-1] for line in lines.splitlines()]) == (0, ["same"] * len(said))

    # and one value of one minute is enough to tell
    code, lines = run(lived, capsys, "reproduce", said[0]["alarmId"], "--history", made["other"])
    assert code == 3
    assert "additionalInformation.fingerprint: " in lines


def test_files_without_the_minute_that_was_judged_are_refused(lived, tmp_path, refusal):
    said = alarm_of(lived, FAULTY)[0]
    filed(tmp_path, left_out=(FAULTY, notified_minute(said)))
    asked = ("reproduce", said["alarmId"], "--config", lived.folder / "config.yaml", "--history", tmp_path)
    assert f"the minute of {FAULTY} that ends at" in refusal(*asked)


def notified_minute(said: dict) -> int:
    """Which minute of the two hours was judged."""
    return int(datetime.fromisoformat(said["eventTime"]).timestamp()) // 60 - 1 - T0


def test_a_label_that_came_later_does_not_change_what_is_reproduced(lived, capsys):
    identity = alarm_of(lived, STRANGE)[0]["alarmId"]
    lived.teach(label("power_loss", "power"))
    assert run(lived, capsys, "reproduce", identity)[0] == 0


@pytest.mark.parametrize(
    ("knob", "differs"), [({"score_minutes": 2}, "score: "), ({"budgets": {"drop_storm": 0.5}}, "threshold: ")]
)
def test_other_knobs_are_told_apart(lived, capsys, knob, differs):
    identity = alarm_of(lived, FAULTY)[0]["alarmId"]
    lived.config(alarms=knob)
    try:
        code, lines = run(lived, capsys, "reproduce", identity)
    finally:
        lived.config()
    assert code == 3
    assert f"additionalInformation.{differs}" in lines


def test_what_cannot_be_reproduced_says_why(lived, refusal, other_bundle):
    config = lived.folder / "config.yaml"
    fault, silence = (alarm_of(lived, cell)[0]["alarmId"] for cell in (FAULTY, SILENT))
    said = refusal("reproduce", fault, "--config", config, "--bundle", other_bundle)
    assert "the alarm was judged by bundle" in said
    assert "a silence" in refusal("reproduce", silence, "--config", config)
    assert "no alarm's id begins with ffff-none" in refusal("reproduce", "ffff-none", "--config", config)
    assert "names no alarm" in refusal("explain", "a", "--config", config)


ARRIVALS = {
    "nine days late, cell by cell": lambda key, timestamp: (key, timestamp + 9 * 86_400_000),
    "imported at once": lambda key, timestamp: (b"", T0 * 60_000 + 10**9),
    "stamped 1970, the latest first": lambda key, timestamp: (timestamp * -1, 1),
}
"""Orders in which the same minutes come, and the timestamps of their records, from a record's key and timestamp."""


@pytest.mark.slow
@pytest.mark.parametrize("arrival", ARRIVALS)
def test_an_alarm_is_confirmed_and_reproduced_however_its_minutes_came_to_the_topic(lived, capsys, arrival):
    arrive = ARRIVALS[arrival]
    name = lived.topic(f"again-{list(ARRIVALS).index(arrival)}")
    create_topics(lived.bootstrap, {name: {"partitions": PARTITIONS, "config": {"retention.ms": "-1"}}})
    records = [
        (order, (key, value, headers, stamped, partition))
        for key, value, headers, timestamp, partition in told(0, MINUTES)
        for order, stamped in [arrive(key, timestamp)]
    ]
    produce(lived.bootstrap, name, [record for _, record in sorted(records, key=lambda entry: entry[0])])
    identity = alarm_of(lived, FAULTY)[0]["alarmId"]
    lived.config(kafka={"topics": {"minutes": name}})
    try:
        taught, preview = run(lived, capsys, "confirm", identity, "--dry-run")
        explained, page = run(lived, capsys, "explain", identity)
        same, lines = run(lived, capsys, "reproduce", identity)
    finally:
        lived.config()
    assert (taught, explained) == (0, 0), preview
    assert f"replayed   {len(CELLS)} cells" in preview
    assert identity in page
    if "latest first" not in arrival:  # the order of a cell's minutes is part of what is judged
        assert same == 0, lines
