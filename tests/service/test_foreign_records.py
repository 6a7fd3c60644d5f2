"""Records on our own tables that are none of ours: named by their place, and skipped where that was decided."""

import re

import msgspec
import pytest
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource

from detector.alarms.notifications import read_open_alarm
from detector.config.loader import read_config
from detector.core.lifecycle import Alarm
from detector.errors import ClusterError, ForeignRecordError
from detector.kafka.compacted_table import TableRecord
from detector.kafka.readers.label_topic import read_labels
from detector.labels.label import write_label
from detector.labels.listing import list_labels
from tests.eventually import eventually
from tests.kafka.topics import QUIET, produce
from tests.service.hostile import one_sentence
from tests.service.network import CELLS, label, told
from tests.service.stage import serving

CELL = CELLS[0]

GOOD = {
    "alarmId": "3d0f1a52-7c0b-5f3e-9a64-1d5b8f7c2e10",
    "objectInstance": CELL,
    "specificProblem": "drop_storm",
    "perceivedSeverity": "MAJOR",
    "onsetMinute": 29_000_000,
}

KEY = msgspec.json.encode([CELL, "drop_storm"])


def body(**changes):
    return msgspec.json.encode({**GOOD, **changes})


FOREIGN = {
    "text": (b"hello", b"world", "it is no open alarm"),
    "bytes that are no text": (b"\xff\xfe\x00", b"\xff\xfe", "it is no open alarm"),
    "nothing in it": (KEY, b"", "it is no open alarm"),
    "another JSON": (KEY, b"{}", "it is no open alarm"),
    "a list": (KEY, b"[]", "it is no open alarm"),
    "a deep list": (KEY, b"[" * 100_000, "it is no open alarm"),
    "Avro with a schema id": (KEY, b"\x00\x00\x00\x00\x07\x02", "it is no open alarm"),
    "no key": (None, body(), "it is no open alarm"),
    "a key of text": (CELL.encode(), body(), "it is no open alarm"),
    "a key of one word": (b'["x"]', body(), "it is no open alarm"),
    "another cell's key": (b'["x","drop_storm"]', body(), "its key does not name the cell and the class of its value"),
    "another class's key": (KEY, body(specificProblem="other"), "its key does not name the cell and the class"),
    "no cell": (b'["","drop_storm"]', body(objectInstance=""), "it is no open alarm"),
    "a cell too long": (KEY, body(objectInstance="x" * 1000), "it is no open alarm"),
    "a severity of nobody": (KEY, body(perceivedSeverity="FATAL"), "its severity 'FATAL' is none of"),
    "an onset before time": (KEY, body(onsetMinute=-1), "it is no open alarm"),
    "an onset beyond time": (KEY, body(onsetMinute=10**30), "it is no open alarm"),
    "an onset of text": (KEY, body(onsetMinute="2026-01-01"), "it is no open alarm"),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_what_is_no_open_alarm_is_refused_with_a_reason(name):
    key, value, reason = FOREIGN[name]
    with pytest.raises(ForeignRecordError, match=f"^{reason}"):
        read_open_alarm(key, value)


@pytest.mark.parametrize("value", [body(), body(later="field"), body().replace(b":", b" : ")])
def test_an_open_alarm_of_a_later_version_is_one(value):
    assert read_open_alarm(KEY, value) == Alarm(CELL, "drop_storm", 29_000_000, "major")


def test_a_key_is_shown_so_that_a_terminal_obeys_nothing_in_it():
    shown = str(TableRecord("active", 3, 17, b"\x1b[31m\xff\n" + "\u202e".encode() + b"x" * 500, b""))
    assert shown.isprintable()
    assert shown.startswith("topic active, partition 3, offset 17, key \\x1b[31m\\xff\\n\\u202exx")
    assert len(shown) < 200
    assert str(TableRecord("active", 0, 0, None, b"")).endswith("key none")


def compact(stage, name):
    """Let a topic be compacted from now on."""
    policy = ConfigEntry("cleanup.policy", "compact", incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ConfigResource.Type.TOPIC, stage.topic(name), incremental_configs=[policy])
    admin = AdminClient({"bootstrap.servers": stage.bootstrap, **QUIET})  # its futures die with it
    admin.incremental_alter_configs([resource])[resource].result()


@pytest.mark.broker
def test_a_foreign_record_ends_a_start_until_it_is_to_be_skipped(bare_stage):
    # given a table that was not compacted once, so that records have no key, and one of each kind on it
    stage = bare_stage.create_topics(active={"partitions": 2, "config": {}})
    for key, value, _ in FOREIGN.values():
        produce(stage.bootstrap, stage.topic("active"), [(key, value, None, None, 1)])
    tombstones = [(key, None, None, None, 1) for key in (b"unknown", b"\xff")]
    produce(stage.bootstrap, stage.topic("active"), tombstones)
    compact(stage, "active")
    with pytest.raises(ClusterError) as raised, serving(stage.config()) as service:
        eventually(lambda: service.error is not None, "it ends")
    said = one_sentence(str(raised.value))
    place = rf"topic {stage.topic('active')}, partition 1, offset \d+, key .+ was not written by Faultline \("
    assert re.search(place, said)
    assert said.endswith("set kafka.skip_foreign_records to true.")

    # when they are to be skipped
    with serving(stage.config(kafka={"skip_foreign_records": True})) as service:
        stage.tell(told(0, 10))
        stage.wait_taken(80)
        lines = [line for line in service.log.above_info() if "skipped: topic" in line]
        different_keys = len({key for key, _, _ in FOREIGN.values()})
        assert len(lines) == different_keys
        assert service.metrics()['faultline_foreign_records_total{topic="active"}'] == different_keys


@pytest.mark.broker
def test_a_foreign_label_is_named_by_its_place_and_listed(bare_stage):
    stage = bare_stage.create_topics(labels={"partitions": 1, "config": {}})
    stage.teach(label("drop_storm", "drops"))
    stage.put_label(b"garbage\x1b[2J", b"{")
    stage.put_label(None, write_label(label("power_loss", "power")))
    compact(stage, "labels")
    with serving(stage.config()) as service:
        assert service.metrics()['faultline_foreign_records_total{topic="labels"}'] == 2
        stage.put_label(b"somebody else's", write_label(label("power_loss", "power")))
        service.wait_metric('faultline_foreign_records_total{topic="labels"}', 3)
        assert service.metrics()["faultline_labels_refused_total"] == 3
        assert service.metrics()['faultline_exemplars{kind="fault"}'] == 1
        garbage, keyless, misplaced = service.log.above_info()
    place = f"refused: topic {stage.topic('labels')}, partition 0, offset"
    assert f"{place} 1, key garbage\\x1b[2J: a label cannot be read" in garbage
    assert f"{place} 2, key none: label power_loss-1 lies under another key" in keyless
    assert f"{place} 3, key somebody else's: label power_loss-1 lies under another key" in misplaced
    rows = list_labels(read_labels(read_config(stage.config())))
    assert {row.id: bool(row.refused) for row in rows} == {
        "drop_storm-1": False,
        "garbage\x1b[2J": True,
        "somebody else's": True,
    }
