"""What was said of an alarm, read back from `cells.alarms`: the notifications are the only memory there is of it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from detector.core.lifecycle import Alarm
from detector.errors import OperatorError
from detector.history.sampling import USUAL_MINUTES

LEAST_BEGINNING = 4
"""Characters of an alarm's id that may stand for it, where no other begins so."""


class JournalError(OperatorError):
    """An alarm of which nothing, or not enough, was said."""


class NotificationBody(msgspec.Struct, frozen=True):
    """One notification, as far as it is read back."""

    alarmId: str
    notificationType: str
    eventTime: datetime
    objectInstance: str
    specificProblem: str
    perceivedSeverity: str
    additionalText: str
    additionalInformation: dict[str, Any]


@dataclass(frozen=True)
class Notification:
    """A notification, and its bytes."""

    value: bytes
    said: NotificationBody

    @property
    def change(self) -> str:
        return self.said.notificationType.removeprefix("notify").removesuffix("Alarm").lower()

    @property
    def minute(self) -> int:
        """The minute that was judged; the notification bears the time of its end."""
        return minute_of(self.said.eventTime) - 1

    @property
    def onset(self) -> int:
        return minute_of(datetime.fromisoformat(self.said.additionalInformation["onset"]))

    @property
    def alarm(self) -> Alarm:
        said = self.said
        return Alarm(said.objectInstance, said.specificProblem, self.onset, said.perceivedSeverity.lower())


def minute_of(time: datetime) -> int:
    return int(time.timestamp()) // 60


def _notices(values: Iterable[bytes | None]) -> Iterator[Notification]:
    decoder = msgspec.json.Decoder(NotificationBody)
    for value in values:
        try:
            said = decoder.decode(value or b"")
            if "onset" in said.additionalInformation:
                yield Notification(value or b"", said)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            continue


def choose(notices: Sequence[Notification], identity: str) -> list[Notification]:
    """All that was said of one alarm, by its id or a beginning of it that is no other's. Raises ChronicleError."""
    if len(identity) < LEAST_BEGINNING:
        raise JournalError(f"{identity!r} names no alarm; give {LEAST_BEGINNING} or more characters of its alarmId.")
    mine = [notice for notice in notices if notice.said.alarmId.startswith(identity)]
    ids = sorted({notice.said.alarmId for notice in mine})
    if not ids:
        raise JournalError(f"no alarm's id begins with {identity}; take an alarmId from the topic of alarms.")
    if len(ids) > 1:
        raise JournalError(f"{len(ids)} alarms' ids begin with {identity} ({ids[0]}, {ids[1]}, …); give more of it.")
    return mine


def episode(told: Sequence[Notification]) -> tuple[int, int | None]:
    """From when to when an alarm's trouble lasted, by what was said of it; None while nobody knows its end.

    An alarm outlasts its trouble, by its window and its hold: what is taught of it is at most its first hour.
    """
    over = [notice.minute for notice in told if notice.change == "cleared"]
    begin = told[0].onset
    return begin, min(over[-1] + 1, begin + USUAL_MINUTES) if over else None


def classes_of(notices: Sequence[Notification], cell: str, first: int, last: int) -> list[str]:
    """What a cell's alarms that were open at any of these minutes were called."""
    names: dict[str, int] = {}
    over: list[str] = []
    for notice in notices:
        if notice.said.objectInstance != cell or notice.onset > last:
            continue
        name = notice.said.specificProblem
        if notice.change != "cleared":
            names.setdefault(name, notice.onset)
        elif notice.minute >= first:
            names.pop(name, None)
            over.append(name)
        else:
            names.pop(name, None)
    return sorted({*over, *names})


def open_alarms_before(notices: Sequence[Notification], notice: Notification) -> list[Alarm]:
    """Of the notice's cell, the alarms that were open when its minute came."""
    opened: dict[str, Alarm] = {}
    for other in notices:
        if other.said.objectInstance != notice.said.objectInstance or other.minute >= notice.minute:
            continue
        if other.change == "cleared":
            opened.pop(other.said.specificProblem, None)
        else:
            opened[other.said.specificProblem] = other.alarm
    return list(opened.values())
