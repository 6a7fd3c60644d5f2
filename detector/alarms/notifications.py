"""Published form of an alarm: a 3GPP TS 28.111 notification with CloudEvents headers, and the open alarm beside it.

A notification is a function of its episode: the same log gives the same bytes, ids and times included, however often it
is read. `journal.NotificationRecord` is a notification that was read back.
"""

import uuid
from dataclasses import dataclass, replace
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from detector.core.ingest.samples import MAX_CELL_NAME
from detector.core.lifecycle import Event
from detector.core.vocabulary import (
    CLEARED,
    EARLIEST_MINUTE,
    LATEST_MINUTE,
    SEVERITIES,
    SILENT,
    UNKNOWN,
    Alarm,
)
from detector.errors import ForeignRecordError
from detector.malformed_json import MALFORMED_JSON
from detector.timestamps import iso_time

NAMESPACE = uuid.UUID("3d0f1a52-7c0b-5f3e-9a64-1d5b8f7c2e10")
"""Namespace of the alarm ids; it never changes, or a restart after an upgrade would raise every open alarm again."""

SOURCE = "/faultline"

CAUSES = {
    SILENT: ("COMMUNICATIONS_ALARM", "LINK_FAILURE"),
    UNKNOWN: ("QUALITY_OF_SERVICE_ALARM", "INDETERMINATE"),
}
"""alarmType and probableCause (TS 28.111, Annex B) by name. For a taught class they are `DEGRADED`."""

DEGRADED = ("QUALITY_OF_SERVICE_ALARM", "PERFORMANCE_DEGRADED")
"""alarmType and probableCause of every taught class: a degradation of the service."""

SHORT_INFORMATION = ("onset", "bundle", "supersededBy")
"""Fields of the additional information that remain where the whole notification is too long for its topic."""

TIME_FIELDS = {"begin", "end", "minute", "taught"}
"""Fields of the evidence that are minutes since 1970; a notification shows them as times."""


@dataclass(frozen=True)
class AlarmMessage:
    """Record to publish on one of the alarm topics."""

    key: bytes
    value: bytes | None
    headers: list[tuple[str, bytes]]
    timestamp_ms: int


class OpenAlarm(msgspec.Struct, frozen=True):
    """Open alarm, a record of the compacted topic `cells.alarms.active`."""

    alarmId: str
    objectInstance: Annotated[str, Meta(min_length=1, max_length=MAX_CELL_NAME)]
    specificProblem: str
    perceivedSeverity: str
    onsetMinute: Annotated[int, Meta(ge=EARLIEST_MINUTE, lt=LATEST_MINUTE)]


@dataclass(frozen=True)
class Context:
    """Sender of the notifications: management system and bundle."""

    system_dn: str
    bundle: str
    """Digest of the bundle that judged the windows."""


def alarm_id(alarm: Alarm) -> str:
    """Return the id of an alarm: the same for the same cell, class and onset, on every instance."""
    return str(uuid.uuid5(NAMESPACE, f"{alarm.cell}\n{alarm.name}\n{alarm.onset}"))


def notification_message(event: Event, context: Context) -> AlarmMessage:
    """Return the notification of one event as a message, keyed by cell."""
    alarm = event.alarm
    identity = alarm_id(alarm)
    unique = uuid.uuid5(NAMESPACE, f"{identity}\n{event.change}\n{event.minute}\n{alarm.severity}")
    kind, cause = CAUSES.get(alarm.name, DEGRADED)
    cleared = event.change == CLEARED
    body = {
        "href": f"{SOURCE}/alarms/{identity}",
        "notificationId": unique.int >> 97,
        "notificationType": f"notify{event.change.capitalize()}Alarm",
        "eventTime": iso_time(event.end),
        "systemDN": context.system_dn,
        "objectInstance": alarm.cell,
        "alarmId": identity,
        "alarmType": kind,
        "probableCause": cause,
        "specificProblem": alarm.name,
        "perceivedSeverity": "CLEARED" if cleared else alarm.severity.upper(),
        "additionalText": _sentence(event),
        "additionalInformation": {
            "onset": iso_time(alarm.onset),
            "bundle": context.bundle,
            **({"supersededBy": event.superseded_by} if event.superseded_by else {}),
            **_with_times(event.evidence),
        },
    }
    return AlarmMessage(
        key=alarm.cell.encode(),
        value=msgspec.json.encode(body),
        headers=_headers(event, unique),
        timestamp_ms=event.end * 60_000,
    )


def _headers(event: Event, identity: uuid.UUID) -> list[tuple[str, bytes]]:
    """Return the CloudEvents headers of a notification."""
    headers = {
        "ce_specversion": "1.0",
        "ce_id": str(identity),
        "ce_source": SOURCE,
        "ce_type": f"faultline.alarm.{event.change}",
        "ce_time": iso_time(event.end),
        "ce_subject": event.alarm.cell,
        "content-type": "application/json",
    }
    return [(name, value.encode()) for name, value in headers.items()]


def shorten(message: AlarmMessage) -> AlarmMessage:
    """Return the notification without its evidence, marked as `shortened`."""
    body = msgspec.json.decode(message.value or b"{}")
    information = body["additionalInformation"]
    body["additionalInformation"] = {name: information[name] for name in SHORT_INFORMATION if name in information}
    body["additionalInformation"]["shortened"] = True
    return replace(message, value=msgspec.json.encode(body))


def open_alarm_message(event: Event) -> AlarmMessage:
    """Return the message of one event for the compacted topic: the open alarm, or a tombstone where it is cleared."""
    alarm = event.alarm
    key = msgspec.json.encode([alarm.cell, alarm.name])
    timestamp = event.end * 60_000
    if event.change == CLEARED:
        return AlarmMessage(key, None, [], timestamp)
    body = OpenAlarm(
        alarmId=alarm_id(alarm),
        objectInstance=alarm.cell,
        specificProblem=alarm.name,
        perceivedSeverity=alarm.severity.upper(),
        onsetMinute=alarm.onset,
    )
    return AlarmMessage(key, msgspec.json.encode(body), [], timestamp)


def read_open_alarm(key: bytes | None, value: bytes) -> Alarm:
    """Return the alarm of a record that `open_alarm_message` made. Raises ForeignRecordError with the reason."""
    try:
        body = msgspec.json.decode(value, type=OpenAlarm)
        name = msgspec.json.decode(key or b"", type=tuple[str, str])
    except MALFORMED_JSON as error:
        raise ForeignRecordError(f"it is no open alarm ({error})") from None
    if name != (body.objectInstance, body.specificProblem):
        raise ForeignRecordError("its key does not name the cell and the class of its value")
    severity = body.perceivedSeverity.lower()
    if severity not in SEVERITIES:
        raise ForeignRecordError(f"its severity {body.perceivedSeverity!r} is none of {', '.join(SEVERITIES).upper()}")
    return Alarm(body.objectInstance, body.specificProblem, body.onsetMinute, severity)


def _with_times(evidence: Any) -> Any:
    """Return the evidence with the minutes of `TIME_FIELDS` as times."""
    if isinstance(evidence, list):
        return [_with_times(element) for element in evidence]
    if isinstance(evidence, dict):
        return {key: iso_time(value) if key in TIME_FIELDS else _with_times(value) for key, value in evidence.items()}
    return evidence


def _sentence(event: Event) -> str:
    alarm = event.alarm
    if event.superseded_by:
        return f"{alarm.cell}: {alarm.name} ended: {event.superseded_by}."
    if event.change == CLEARED:
        return f"{alarm.cell}: {alarm.name} is over since {iso_time(event.minute)}."
    if alarm.name == SILENT:
        return f"{alarm.cell} has reported nothing since {iso_time(alarm.onset)}."
    if alarm.name == UNKNOWN:
        return f"{alarm.cell} behaves as it never does, and like no fault taught so far, since {iso_time(alarm.onset)}."
    return f"{alarm.cell} looks like {alarm.name} since {iso_time(alarm.onset)}."
