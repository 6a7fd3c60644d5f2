"""The road of a minute through a real Kafka: what comes out, where, and in which words."""

import re
import time
import uuid
from datetime import UTC, datetime

import msgspec
import pytest

from detector.alarms.notifications import NAMESPACE
from detector.kafka.start_positions import checkpoint_from_metadata
from tests.eventually import eventually
from tests.service.network import CELLS, FAULTY, MINUTES, SILENT, STRANGE, T0, Trouble, label, partition_of, told
from tests.service.stage import serving

pytestmark = [pytest.mark.broker, pytest.mark.smoke]


def decoded(values):
    return [msgspec.json.decode(value) for value in values]


def stories(values):
    return [(body["notificationType"], body["specificProblem"], body["perceivedSeverity"]) for body in decoded(values)]


def minute_of(time):
    return int(datetime.strptime(time, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()) // 60 - T0


def test_a_taught_fault_is_named_grows_and_is_cleared(undisturbed):
    assert stories(undisturbed.alarms[FAULTY]) == [
        ("notifyNewAlarm", "drop_storm", "MINOR"),
        ("notifyChangedAlarm", "drop_storm", "MAJOR"),
        ("notifyChangedAlarm", "drop_storm", "CRITICAL"),
        ("notifyClearedAlarm", "drop_storm", "CLEARED"),
    ]
    new, *_, cleared = decoded(undisturbed.alarms[FAULTY])
    assert 70 <= minute_of(new["additionalInformation"]["onset"]) < minute_of(new["eventTime"]) <= 85
    assert 100 < minute_of(cleared["eventTime"]) < 170


def test_a_fault_like_nothing_taught_is_unknown(undisturbed):
    said = stories(undisturbed.alarms[STRANGE])
    assert [(said[0][:2]), said[-1][:2]] == [("notifyNewAlarm", "unknown"), ("notifyClearedAlarm", "unknown")]
    assert {name for _, name, _ in said} == {"unknown"}


def test_a_cell_that_falls_silent_is_told_of_and_cleared_when_it_speaks(undisturbed):
    assert stories(undisturbed.alarms[SILENT]) == [
        ("notifyNewAlarm", "cell_silent", "MAJOR"),
        ("notifyClearedAlarm", "cell_silent", "CLEARED"),
    ]
    new, cleared = decoded(undisturbed.alarms[SILENT])
    assert minute_of(new["additionalInformation"]["onset"]) == 80
    assert [minute_of(body["eventTime"]) for body in (new, cleared)] == [85, 101]


def test_nothing_is_said_of_the_others(undisturbed):
    assert set(undisturbed.alarms) == {FAULTY, STRANGE, SILENT}
    assert not undisturbed.deadletters


def test_a_notification_has_every_field_that_3gpp_requires_of_its_type(undisturbed):
    texts = ("href", "notificationType", "eventTime", "systemDN", "alarmId", "alarmType", "probableCause")
    for message in undisturbed.messages:
        body = msgspec.json.decode(message.value())
        assert all(isinstance(body[name], str) and body[name] for name in texts)
        assert isinstance(body["notificationId"], int)
        assert 0 <= body["notificationId"] < 2**31
        assert body["notificationType"] in ("notifyNewAlarm", "notifyChangedAlarm", "notifyClearedAlarm")
        assert body["alarmType"] in ("COMMUNICATIONS_ALARM", "QUALITY_OF_SERVICE_ALARM")
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", body["eventTime"])
        cleared = body["notificationType"] == "notifyClearedAlarm"
        assert (body["perceivedSeverity"] == "CLEARED") == cleared
        assert body["perceivedSeverity"] in ("CLEARED", "MINOR", "MAJOR", "CRITICAL")


def test_a_notification_is_keyed_by_its_cell_and_says_so(undisturbed):
    for message in undisturbed.messages:
        assert msgspec.json.decode(message.value())["objectInstance"] == message.key().decode()


def test_an_alarms_id_is_made_of_its_cell_name_and_onset_alone(undisturbed):
    for message in undisturbed.messages:
        body = msgspec.json.decode(message.value())
        onset = minute_of(body["additionalInformation"]["onset"]) + T0
        name = f"{body['objectInstance']}\n{body['specificProblem']}\n{onset}"
        assert body["alarmId"] == str(uuid.uuid5(NAMESPACE, name))
        assert body["href"].endswith(body["alarmId"])


def test_a_notification_carries_the_headers_of_cloudevents_in_binary_mode(undisturbed):
    identities = set()
    for message in undisturbed.messages:
        headers = {name: value.decode() for name, value in message.headers()}
        body = msgspec.json.decode(message.value())
        change = re.fullmatch("notify(.*)Alarm", body["notificationType"])[1].lower()
        assert headers == {
            "ce_specversion": "1.0",
            "ce_id": headers["ce_id"],
            "ce_source": "/faultline",
            "ce_type": f"faultline.alarm.{change}",
            "ce_time": body["eventTime"],
            "ce_subject": body["objectInstance"],
            "content-type": "application/json",
        }
        identities.add(uuid.UUID(headers["ce_id"]))
    assert len(identities) == len(undisturbed.messages)


def test_an_alarm_names_the_exemplar_and_the_bundle_that_stand_behind_it(undisturbed):
    evidence = decoded(undisturbed.alarms[FAULTY])[0]["additionalInformation"]
    assert evidence["score"] >= evidence["threshold"]
    assert [near["exemplar"] for near in evidence["nearest"]] == ["drop_storm-1"]
    assert f'digest="{evidence["bundle"]}"' in undisturbed.metrics


def test_an_open_alarm_lies_in_its_minutes_partition_until_a_tombstone_ends_it(undisturbed):
    rows = {}
    for message in undisturbed.active:
        cell, name = msgspec.json.decode(message.key())
        assert message.partition() == partition_of(cell)
        rows.setdefault((cell, name), []).append(message.value())
    assert set(rows) == {(FAULTY, "drop_storm"), (STRANGE, "unknown"), (SILENT, "cell_silent")}
    for (cell, name), (*opened, end) in rows.items():
        assert end is None
        told_of = decoded(undisturbed.alarms[cell])
        for value, notification in zip(opened, told_of[:-1], strict=True):
            row = msgspec.json.decode(value)
            assert (row["alarmId"], row["objectInstance"], row["specificProblem"], row["perceivedSeverity"]) == (
                notification["alarmId"],
                cell,
                name,
                notification["perceivedSeverity"],
            )


def test_the_commit_is_the_next_offset_and_carries_the_memory(undisturbed):
    records = told(0, MINUTES)
    for partition, found in undisturbed.committed.items():
        assert found.offset == sum(row[4] == partition for row in records)
        memory = checkpoint_from_metadata(found.metadata)
        assert memory.frontier == T0 + MINUTES - 1
        assert memory.voters == len(CELLS) // 2
        assert 0 < memory.replay_offset < found.offset
        assert memory.replay_minute < memory.frontier - 90


def test_an_undisturbed_run_has_nothing_to_warn_of(undisturbed):
    assert [line for line in undisturbed.log if not line.startswith("INFO")] == []


def test_a_network_whose_clocks_run_hours_ahead_is_still_told_of(stage):
    """A broker takes no record that is stamped an hour after its own clock, unless it is told to."""
    later = int(time.time()) // 60 + 120 - T0
    records = []
    for key, body, *_, partition in told(0, 20, (Trouble(SILENT, None, 5, 100),)):
        shifted = msgspec.json.decode(body)
        shifted["time"] = (T0 + minute_of(shifted["time"]) + later) * 60
        records.append((key, msgspec.json.encode(shifted), None, None, partition))
    stage.tell(records)
    with serving(stage.config()) as service:
        eventually(
            lambda: (
                service.metrics()['faultline_transactions_total{outcome="aborted"}'] > 2
                or stage.taken() == len(records)
            ),
            "taken, or given up",
        )
    assert stage.taken() == len(records)
    assert stories(stage.alarms()[SILENT]) == [("notifyNewAlarm", "cell_silent", "MAJOR")]


def test_a_partition_that_goes_silent_holds_no_other_up_and_is_seen(stage, undisturbed):
    """Its cells are not called silent one by one: nobody is left to count their silence by."""
    stage.teach(label("drop_storm", "drops"))
    records = [one for one in told(0, MINUTES) if one[4] == partition_of(STRANGE) or one[3] < (T0 + 60) * 60_000]
    stage.tell(records)
    with serving(stage.config()) as service:
        stage.wait_taken(len(records))
        service.wait_metric("faultline_frontier_timestamp_seconds", (T0 + 59) * 60)
        assert service.metrics()["faultline_ready"] == 1
    assert stage.alarms() == {STRANGE: undisturbed.alarms[STRANGE]}
