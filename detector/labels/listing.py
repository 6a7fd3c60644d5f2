"""List of the labels for a reader: content, teacher and alarms of each label."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import msgspec

from detector.core.lifecycle import NEW
from detector.errors import LabelError
from detector.labels.label import check_key, read_label
from detector.text import truncate
from detector.timestamps import write_minute


@dataclass(frozen=True, kw_only=True)
class LabelRow:
    """Label in the list. Minutes are since 1970."""

    id: str
    name: str = ""
    kind: str = ""
    cell: str = ""
    begin: int = 0
    end: int = 0
    by: str = ""
    taught: int = 0
    expires: int | None = None
    severity: str = ""
    cause: str = ""
    note: str = ""
    forecast: float | None = None
    quarantined: bool = False
    forced: bool = False
    refused: str = ""
    """Reason why no detector can use it; empty where it can be used."""


def list_labels(records: Iterable[tuple[bytes, bytes | None]]) -> list[LabelRow]:
    """Return the labels that are not retired, by class and begin."""
    rows: dict[bytes, LabelRow] = {}
    for key, value in records:
        rows.pop(key, None)
        if value is not None:
            rows[key] = _label_row(key, value)
    return sorted(rows.values(), key=lambda row: (row.name, row.begin, row.id))


def _label_row(key: bytes, value: bytes) -> LabelRow:
    label_id = key.decode(errors="replace")
    try:
        label = read_label(value)
        check_key(key, label)
    except LabelError as error:
        return LabelRow(id=label_id, refused=str(error))
    fields = {field: getattr(label, field) for field in LabelRow.__dataclass_fields__ if field not in ("id", "refused")}
    return LabelRow(id=label_id, **fields | {"begin": label.begin or label.minute})


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
    """Return the number of alarms by exemplar: each alarm counts for the nearest exemplar of its class."""
    counts: Counter[str] = Counter()
    decoder = msgspec.json.Decoder(_Notification)
    for value in values:
        try:
            notification = decoder.decode(value or b"")
        except (msgspec.MsgspecError, UnicodeDecodeError):
            continue
        if notification.notificationType == f"notify{NEW.capitalize()}Alarm":
            nearest = notification.additionalInformation.nearest
            exemplars = [near.exemplar for near in nearest if near.name == notification.specificProblem]
            counts.update(exemplars[:1])
    return counts


def table(
    rows: Iterable[LabelRow], alarm_counts: Mapping[str, int], radii: Mapping[str, float | None]
) -> Iterable[str]:
    """Return the lines of the list, at most 100 columns; the state of a label names only what is unusual."""
    yield f"{'id':<9}{'class':<18}{'kind':<7}{'cell':<14}{'when (UTC)':<17}{'by':<10}{'fired':>5} radius  state"
    for row in rows:
        if row.refused:
            yield f"{row.id[:36]:<37}refused: {row.refused}"[:100]
            continue
        yield (
            f"{row.id[:8]:<9}{truncate(row.name, 17):<18}{row.kind:<7}{truncate(row.cell, 13):<14}"
            f"{write_minute(row.begin):<17}{truncate(row.by or '-', 9):<10}{alarm_counts.get(row.id, 0):>5}"
            f" {_percent(radii.get(row.id)):>6}  {_state(row)}"
        ).rstrip()
    yield "fired: alarms that the topic still holds; radius: share of an example that may be missing and it"
    yield "still fires under today's budget (-: not even all of it fires, or no fault); --json: all fields"


def _state(row: LabelRow) -> str:
    if row.quarantined:
        return f"held:{row.forecast or 0:.0f}"
    if row.forced:
        return f"forced:{row.forecast or 0:.0f}"
    return f"to {write_minute(row.expires)[2:10]}" if row.expires is not None else ""


def _percent(radius: float | None) -> str:
    return "-" if radius is None else f"{radius:.0%}"
