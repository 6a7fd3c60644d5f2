"""Label: one episode with a name, a record of the compacted topic `cells.labels`.

It carries the episode's raw minutes and the baseline they were judged against. Any later encoder, or another
operator's, can therefore embed it. A label's exemplar is the mean of its windows: one window shows a moment of a fault,
an episode shows the fault.
"""

import re
from typing import Annotated

import msgspec
from msgspec import Meta

from detector.core.vocabulary import EARLIEST_MINUTE, KINDS, LATEST_MINUTE, SEVERITIES, SILENT, UNKNOWN
from detector.errors import ForeignRecordError, LabelError
from detector.malformed_json import MALFORMED_JSON

CLASS_NAME, LONGEST_NAME = r"[a-z][a-z0-9_]*", 128
"""Pattern of a class name, and its most characters."""

MAX_MINUTES = 1440
"""Most minutes of a label: longer than a day, it is no episode but a state of the network."""

MAX_LABEL_BYTES = 8_000_000
"""Most bytes of a label: a day of 1,000 features in base64. A longer record is refused before it is decoded."""


class Label(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, frozen=True):
    """Labelled episode of one cell. The arrays are little-endian bytes (base64 in JSON)."""

    id: Annotated[str, Meta(min_length=1, max_length=128)]
    name: str
    kind: str
    cell: str
    minute: Annotated[int, Meta(ge=EARLIEST_MINUTE, lt=LATEST_MINUTE)]
    """First minute of `values`."""
    catalogue: str
    """Digest of the features' names, units, order and period."""
    values: bytes
    """Samples as reported, one per period: f32[m, F], a window of them at least, NaN = not reported."""
    baseline: bytes
    """Coefficients of the cell's baseline: f16[2 + 2·H, F]."""
    note: str = ""
    severity: str = ""
    """Severity of the alarms; empty = the score decides."""
    cause: str = ""
    expires: Annotated[int, Meta(ge=EARLIEST_MINUTE, lt=LATEST_MINUTE)] | None = None
    """First minute, by the network's own time, that is no longer compared with the label; None = it does not expire."""
    begin: int = 0
    end: int = 0
    """Minutes of the episode as the operator gave them; `end` is exclusive."""
    alarm: Annotated[str, Meta(max_length=128)] = ""
    """Id of the alarm that this label confirms or rejects; empty = none."""
    rejects: Annotated[str, Meta(max_length=128)] = ""
    """Wrong class name of the rejected alarm; empty where the alarm is confirmed."""
    by: str = ""
    taught: int = 0
    """Minute of the teaching, since 1970."""
    forecast: float | None = None
    """New alarms per 1,000 cells and day that its preview forecast."""
    quarantined: bool = False
    """Whether the forecast exceeded the budget: the label is recognised and counted, and raises no alarm."""
    forced: bool = False
    """Whether an operator taught it with --force in spite of that forecast."""


def write_label(label: Label) -> bytes:
    """Return the label as a record of the topic."""
    return msgspec.json.encode(label)


def read_label(value: bytes) -> Label:
    """Return the label of one record of the topic. Raises LabelError."""
    if len(value) > MAX_LABEL_BYTES:
        raise LabelError(
            f"a label has {len(value):,} bytes, and at most {MAX_LABEL_BYTES:,} are allowed; retire its key with an"
            " empty record."
        )
    try:
        label = msgspec.json.decode(value, type=Label)
    except MALFORMED_JSON as error:
        raise LabelError(f"a label cannot be read ({error}); retire its key with an empty record.") from None
    check_name(label.name)
    if label.kind not in KINDS:
        raise LabelError(f"label {label.id}: kind {label.kind!r} is not one of {', '.join(KINDS)}; teach it again.")
    if label.severity not in ("", *SEVERITIES):
        raise LabelError(
            f"label {label.id}: severity {label.severity!r} is not one of {', '.join(SEVERITIES)}; teach it again."
        )
    if label.kind == "fault" and label.expires is not None:
        raise LabelError(f"label {label.id}: a fault does not expire; retire it with `faultline forget` instead.")
    return label


def check_key(key: bytes | None, label: Label) -> None:
    """Check that a label lies under its id. Raises ForeignRecordError; retired by its id, such a label would stay."""
    if key != label.id.encode():
        raise ForeignRecordError(f"label {label.id} lies under another key; teach it again, and retire this key.")


def check_name(name: str) -> None:
    """Check that `name` may name a class. Raises LabelError."""
    if not re.fullmatch(CLASS_NAME, name) or len(name) > LONGEST_NAME:
        raise LabelError(
            f"{name!r} cannot name a class; give a name of at most {LONGEST_NAME} lower-case letters, digits and _ that"
            " begins with a letter."
        )
    if name in (SILENT, UNKNOWN):
        raise LabelError(f"{name} is the name of an alarm of Faultline itself; give the class another name.")
