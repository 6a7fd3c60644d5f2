"""Journal of the alarms: notifications read back from `cells.alarms`, the only record of past alarms.

`NotificationRecord` is a notification that was read back; `notifications.AlarmMessage` is one that is to be published.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from detector.alarms.notification_body import NotificationBody
from detector.core.vocabulary import CLEARED, Alarm
from detector.errors import OperatorError
from detector.malformed_json import MALFORMED_JSON
from detector.text import did_you_mean

LEAST_PREFIX = 4
"""Least characters of an alarm's id that select it, where no other id begins with them."""


class JournalError(OperatorError):
    """Alarm with no notification on the topic, or with too few for the request."""


@dataclass(frozen=True)
class NotificationRecord:
    """Notification that was read back: its bytes and its body. `value` is the record's, byte for byte."""

    value: bytes
    body: NotificationBody

    @property
    def change(self) -> str:
        """Change of the alarm: new, changed or cleared."""
        return self.body.notificationType.removeprefix("notify").removesuffix("Alarm").lower()

    @property
    def minute(self) -> int:
        """Minute that was judged; the notification bears the time of its end."""
        return minute_of(self.body.eventTime) - 1

    @property
    def onset(self) -> int:
        """First minute of the alarm's episode."""
        return minute_of(self.body.additionalInformation.onset)

    @property
    def alarm(self) -> Alarm:
        """Alarm after the notification."""
        body = self.body
        return Alarm(body.objectInstance, body.specificProblem, self.onset, body.perceivedSeverity.lower())


def minute_of(time: datetime) -> int:
    """Return the minute of a time, since 1970."""
    return int(time.timestamp()) // 60


def decode_notifications(values: Iterable[bytes | None]) -> Iterator[NotificationRecord]:
    """Yield the notifications among the values of the topic; values of another form are skipped."""
    decoder = msgspec.json.Decoder(NotificationBody)
    for value in values:
        try:
            yield NotificationRecord(value or b"", decoder.decode(value or b""))
        except MALFORMED_JSON:
            continue


def choose(notifications: Sequence[NotificationRecord], identity: str) -> list[NotificationRecord]:
    """Return all notifications of one alarm, by its id or by an unambiguous prefix of it. Raises JournalError."""
    if len(identity) < LEAST_PREFIX:
        raise JournalError(f"{identity!r} names no alarm; give at least {LEAST_PREFIX} characters of its alarmId.")
    matches = [record for record in notifications if record.body.alarmId.startswith(identity)]
    ids = sorted({record.body.alarmId for record in matches})
    if not ids:
        nearest = did_you_mean(identity, (record.body.alarmId for record in notifications))
        raise JournalError(f"no alarm's id begins with {identity}; take an alarmId from the topic of alarms.{nearest}")
    if len(ids) > 1:
        raise JournalError(
            f"{len(ids)} alarms' ids begin with {identity} ({ids[0]}, {ids[1]}, …); give more characters of the id."
        )
    return matches


def episode(alarm_records: Sequence[NotificationRecord], window_minutes: int) -> tuple[int, int | None]:
    """Return begin and exclusive end of an alarm's episode by its notifications; the end is None while it is open.

    An alarm lasts longer than its episode, by its window and its hold. A label uses at most a window's length of it.
    """
    cleared = [record.minute for record in alarm_records if record.change == CLEARED]
    begin = alarm_records[0].onset
    return begin, min(cleared[-1] + 1, begin + window_minutes) if cleared else None


def classes_of(notifications: Sequence[NotificationRecord], cell: str, first: int, last: int) -> list[str]:
    """Return the class names of a cell's alarms that were open at any minute from `first` to `last`."""
    open_names: set[str] = set()
    cleared_names: set[str] = set()
    for record in notifications:
        if record.body.objectInstance != cell or record.onset > last:
            continue
        name = record.body.specificProblem
        if record.change != CLEARED:
            open_names.add(name)
            continue
        open_names.discard(name)
        if record.minute >= first:
            cleared_names.add(name)
    return sorted(cleared_names | open_names)


def open_alarms_before(notifications: Sequence[NotificationRecord], notification: NotificationRecord) -> list[Alarm]:
    """Return the alarms of the notification's cell that were open before the notification's minute."""
    alarms: dict[str, Alarm] = {}
    for record in notifications:
        if record.body.objectInstance != notification.body.objectInstance or record.minute >= notification.minute:
            continue
        if record.change == CLEARED:
            alarms.pop(record.body.specificProblem, None)
        else:
            alarms[record.body.specificProblem] = record.alarm
    return list(alarms.values())
