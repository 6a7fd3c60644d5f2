"""List of the labels for a reader: content, teacher and alarms of each label."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import msgspec

from detector.core.vocabulary import NEW
from detector.errors import LabelError
from detector.labels.label import check_key, read_label
from detector.malformed_json import MALFORMED_JSON
from detector.terminal import Line, Row, Styled, TextTable, fixed_column, number_column, text_column
from detector.text import printable
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
        except MALFORMED_JSON:
            continue
        if notification.notificationType == f"notify{NEW.capitalize()}Alarm":
            nearest = notification.additionalInformation.nearest
            exemplars = [near.exemplar for near in nearest if near.name == notification.specificProblem]
            counts.update(exemplars[:1])
    return counts


def table(
    rows: Iterable[LabelRow], alarm_counts: Mapping[str, int], radii: Mapping[str, float | None]
) -> Iterable[Line]:
    """Return the lines of the list; the state of a label names only what is unusual."""
    columns = (
        *(fixed_column("id"), text_column("class"), fixed_column("kind"), text_column("cell")),
        *(fixed_column("when (UTC)"), text_column("by"), number_column("fired"), number_column("radius")),
        fixed_column("state"),
    )
    yield TextTable(columns, [_row(row, alarm_counts, radii) for row in rows])
    yield "fired: alarms that the topic still holds; radius: share of an example that may be missing and it"
    yield "still fires under today's budget (-: not even all of it fires, or no fault); --json: all fields"


def _row(row: LabelRow, alarm_counts: Mapping[str, int], radii: Mapping[str, float | None]) -> Row:
    if row.refused:
        return f"{printable(row.id, 36)}  refused: {row.refused}"
    label_id = printable(row.id)[:8]
    when, fired, radius = write_minute(row.begin), alarm_counts.get(row.id, 0), _percent(radii.get(row.id))
    return label_id, row.name, row.kind, row.cell, when, row.by or None, fired, radius, _state(row)


def _state(row: LabelRow) -> Styled | str:
    if row.quarantined:
        return Styled(f"held:{row.forecast or 0:.0f}", "yellow")
    if row.forced:
        return Styled(f"forced:{row.forecast or 0:.0f}", "yellow")
    return f"to {write_minute(row.expires)[2:10]}" if row.expires is not None else ""


def _percent(radius: float | None) -> str | None:
    return None if radius is None else f"{radius:.0%}"
