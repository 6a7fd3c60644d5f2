"""The labels as a list to read: what each is, who taught it, and what came of it."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import msgspec

from detector.compaction import newest_values
from detector.core.lifecycle import NEW
from detector.errors import LabelError
from detector.labels.label import read_label
from detector.text import truncate
from detector.timestamps import write_minute


@dataclass(frozen=True)
class LabelRow:
    """One label as it is listed. Minutes are since 1970."""

    id: str
    name: str
    kind: str
    cell: str
    begin: int
    end: int
    by: str
    taught: int
    expires: int | None
    severity: str
    cause: str
    note: str
    forecast: float | None
    quarantined: bool
    forced: bool
    refused: str = ""
    """Why no detector can use it."""


def list_labels(records: Iterable[tuple[bytes, bytes | None]]) -> list[LabelRow]:
    """Those that are not retired, by class and begin."""
    listed = [_shelved(key, value) for key, value in newest_values(records).items()]
    return sorted(listed, key=lambda one: (one.name, one.begin, one.id))


def _shelved(key: bytes, value: bytes) -> LabelRow:
    name = key.decode(errors="replace")
    try:
        label = read_label(value)
    except LabelError as error:
        return LabelRow(name, "", "", "", 0, 0, "", 0, None, "", "", "", None, False, False, str(error))
    told = {field: getattr(label, field) for field in LabelRow.__dataclass_fields__ if field not in ("id", "refused")}
    return LabelRow(id=name, **told | {"begin": label.begin or label.minute})


class _Nearest(msgspec.Struct):
    name: str
    kind: str
    exemplar: str


class _Information(msgspec.Struct):
    nearest: list[_Nearest] = []


class _Notification(msgspec.Struct):
    notificationType: str
    specificProblem: str
    additionalInformation: _Information


def count_fired(values: Iterable[bytes | None]) -> Counter[str]:
    """By exemplar, how many alarms it raised: of an alarm's class, the one that came nearest."""
    fired: Counter[str] = Counter()
    decoder = msgspec.json.Decoder(_Notification)
    for value in values:
        try:
            told = decoder.decode(value or b"")
        except (msgspec.MsgspecError, UnicodeDecodeError):
            continue
        if told.notificationType == f"notify{NEW.capitalize()}Alarm":
            own = [one.exemplar for one in told.additionalInformation.nearest if one.name == told.specificProblem]
            fired.update(own[:1])
    return fired


def table(listed: Iterable[LabelRow], fired: Mapping[str, int], radii: Mapping[str, float | None]) -> Iterable[str]:
    """For a person, at most 100 columns; the state of a label is what is not as usual about it."""
    yield f"{'id':<9}{'class':<18}{'kind':<7}{'cell':<14}{'when (UTC)':<17}{'by':<10}{'fired':>5} radius  state"
    for one in listed:
        if one.refused:
            yield f"{one.id[:36]:<37}refused: {one.refused}"[:100]
            continue
        yield (
            f"{one.id[:8]:<9}{truncate(one.name, 17):<18}{one.kind:<7}{truncate(one.cell, 13):<14}"
            f"{write_minute(one.begin):<17}{truncate(one.by or '-', 9):<10}{fired.get(one.id, 0):>5}"
            f" {_share(radii.get(one.id)):>6}  {_state(one)}"
        ).rstrip()
    yield "fired: alarms that the topic still holds; radius: so much of an example may be missing, and it still"
    yield "fires under the budget of now (-: not even all of it does, or it is no fault); --json: everything"


def _state(one: LabelRow) -> str:
    if one.quarantined:
        return f"held:{one.forecast or 0:.0f}"
    if one.forced:
        return f"forced:{one.forecast or 0:.0f}"
    return f"to {write_minute(one.expires)[2:10]}" if one.expires is not None else ""


def _share(radius: float | None) -> str:
    return "-" if radius is None else f"{radius:.0%}"
