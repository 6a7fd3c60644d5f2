"""How an alarm looks on Kafka: a 3GPP TS 28.111 notification in JSON, with CloudEvents headers, and its open twin.

Everything in a notification is a function of the episode: the same log gives the same bytes, ids and times included,
however often it is read.
"""

import uuid
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import msgspec

from detector.core.lifecycle import CLEARED, SILENT, UNKNOWN, Alarm, Event
from detector.errors import ClusterError

NAMESPACE = uuid.UUID("3d0f1a52-7c0b-5f3e-9a64-1d5b8f7c2e10")
"""Of the alarm ids: fixed for ever, or a restart after an upgrade would raise every open alarm anew."""

SOURCE = "/faultline"

CAUSES = {
    SILENT: ("COMMUNICATIONS_ALARM", "LINK_FAILURE"),
    UNKNOWN: ("QUALITY_OF_SERVICE_ALARM", "INDETERMINATE"),
}
"""alarmType and probableCause (TS 28.111, Annex B) by name; every taught class is a degradation of the service."""

DEGRADED = ("QUALITY_OF_SERVICE_ALARM", "PERFORMANCE_DEGRADED")

KEPT = ("onset", "bundle", "supersededBy")
"""Of a notification's additional information, when all of it is too long for its topic."""


@dataclass(frozen=True)
class Message:
    """One record to produce."""

    key: bytes
    value: bytes | None
    headers: list[tuple[str, bytes]]
    timestamp_ms: int


class OpenAlarm(msgspec.Struct, frozen=True):
    """One open alarm, as `cells.alarms.active` keeps it."""

    alarmId: str
    objectInstance: str
    specificProblem: str
    perceivedSeverity: str
    onsetMinute: int


@dataclass(frozen=True)
class Context:
    """What every notification says about who sent it."""

    system_dn: str
    bundle: str
    """Digest of the bundle that judged."""


def alarm_id(alarm: Alarm) -> str:
    """The same episode has the same id, whoever says it and however often."""
    return str(uuid.uuid5(NAMESPACE, f"{alarm.cell}\n{alarm.name}\n{alarm.onset}"))


def iso_time(minute: int) -> str:
    """The beginning of a minute, in UTC."""
    return datetime.fromtimestamp(minute * 60, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def notification(event: Event, context: Context) -> Message:
    """The notification of one event, keyed by cell."""
    alarm = event.alarm
    identity = alarm_id(alarm)
    unique = uuid.uuid5(NAMESPACE, f"{identity}\n{event.change}\n{event.minute}\n{alarm.severity}")
    kind, cause = CAUSES.get(alarm.name, DEGRADED)
    cleared = event.change == CLEARED
    body = {
        "href": f"{SOURCE}/alarms/{identity}",
        "notificationId": unique.int >> 97,
        "notificationType": f"notify{event.change.capitalize()}Alarm",
        "eventTime": iso_time(event.minute + 1),
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
            **_dated(event.evidence),
        },
    }
    headers = {
        "ce_specversion": "1.0",
        "ce_id": str(unique),
        "ce_source": SOURCE,
        "ce_type": f"faultline.alarm.{event.change}",
        "ce_time": iso_time(event.minute + 1),
        "ce_subject": alarm.cell,
        "content-type": "application/json",
    }
    encoded = [(name, value.encode()) for name, value in headers.items()]
    return Message(alarm.cell.encode(), msgspec.json.encode(body), encoded, (event.minute + 1) * 60_000)


def shorten(message: Message) -> Message:
    """The same notification without its evidence, and it says so."""
    body = msgspec.json.decode(message.value or b"{}")
    information = body["additionalInformation"]
    body["additionalInformation"] = {name: information[name] for name in KEPT if name in information}
    body["additionalInformation"]["shortened"] = True
    return replace(message, value=msgspec.json.encode(body))


def open_record(event: Event) -> Message:
    """The same alarm on the compacted topic: what is open now, or nothing."""
    alarm = event.alarm
    key = msgspec.json.encode([alarm.cell, alarm.name])
    timestamp = (event.minute + 1) * 60_000
    if event.change == CLEARED:
        return Message(key, None, [], timestamp)
    body = OpenAlarm(alarm_id(alarm), alarm.cell, alarm.name, alarm.severity.upper(), alarm.onset)
    return Message(key, msgspec.json.encode(body), [], timestamp)


def read_open(value: bytes) -> Alarm:
    """The alarm an `open_record` stands for. Raises ClusterError."""
    try:
        body = msgspec.json.decode(value, type=OpenAlarm)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ClusterError(
            f"the topic of open alarms holds a record that is none ({error}); give it to Faultline alone."
        ) from None
    return Alarm(body.objectInstance, body.specificProblem, body.onsetMinute, body.perceivedSeverity.lower())


MOMENTS = {"begin", "end", "minute", "taught"}
"""What evidence counts in minutes since 1970, and a person reads as a time."""


def _dated(told: Any) -> Any:
    """Evidence with its moments written out."""
    if isinstance(told, list):
        return [_dated(one) for one in told]
    if isinstance(told, dict):
        return {key: iso_time(one) if key in MOMENTS else _dated(one) for key, one in told.items()}
    return told


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
