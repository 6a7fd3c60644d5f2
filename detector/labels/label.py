"""A label: one episode with a name, as it lies on `cells.labels` for ever.

It carries the episode's raw minutes and the baseline they were judged against, so that any later encoder, or another
operator's, can embed it. A label's exemplar is the mean of its windows: one window shows a moment of a fault, an
episode shows the fault.
"""

import re
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from detector.core.encoder import Embeddings, Encode
from detector.core.features import ABSENT, WINDOW, Catalogue, deviations
from detector.core.ingest.samples import EARLIEST_MINUTE, LATEST_MINUTE
from detector.core.lifecycle import SILENT, UNKNOWN
from detector.core.scoring.exemplars import KINDS, SEVERITIES, Exemplar
from detector.errors import LabelError

NAME, LONGEST_NAME = r"[a-z][a-z0-9_]*", 128

STRIDE = 5
"""Every fifth window of an episode goes into its mean: neighbours share 59 minutes and add nothing."""

MAX_MINUTES = 1440
"""A label longer than a day is no episode but a state of the network."""


LONGEST_BYTES = 8_000_000
"""A day of 1,000 features in base64; what is longer is no label, and is not even decoded."""


class Label(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, frozen=True):
    """One labelled episode. The arrays are little-endian bytes (base64 in JSON)."""

    id: Annotated[str, Meta(min_length=1, max_length=128)]
    name: str
    kind: str
    cell: str
    minute: Annotated[int, Meta(ge=EARLIEST_MINUTE, lt=LATEST_MINUTE)]
    """The first of the minutes below."""
    catalogue: str
    """Digest of the features' names, units and order."""
    values: bytes
    """f32[m, F] as reported, m ≥ 60, NaN = not reported."""
    baseline: bytes
    """f16[2 + 2·H, F], the cell's rows of the baseline."""
    note: str = ""
    severity: str = ""
    """Of the alarms; empty = as the score says."""
    cause: str = ""
    expires: Annotated[int, Meta(ge=EARLIEST_MINUTE, lt=LATEST_MINUTE)] | None = None
    """The first minute, by the network's own time, that is no longer compared with it."""
    begin: int = 0
    end: int = 0
    """The episode as it was named, the end exclusive."""
    alarm: Annotated[str, Meta(max_length=128)] = ""
    """Of the alarm that was confirmed or rejected with it, …"""
    rejects: Annotated[str, Meta(max_length=128)] = ""
    """… and what that alarm had wrongly been called, where it was rejected."""
    by: str = ""
    taught: int = 0
    """When, in minutes since 1970."""
    forecast: float | None = None
    """False alarms per 1,000 cells and day that its preview said it would cost."""
    quarantined: bool = False
    """The forecast was beyond the budget: it is recognised and counted, and told to nobody."""
    forced: bool = False
    """It was, and somebody wanted it none the less."""


def write_label(label: Label) -> bytes:
    return msgspec.json.encode(label)


def read_label(value: bytes) -> Label:
    """Raises LabelError."""
    if len(value) > LONGEST_BYTES:
        raise LabelError(f"a label of {len(value):,} bytes is none (at most {LONGEST_BYTES:,}); retire its key.")
    try:
        label = msgspec.json.decode(value, type=Label)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise LabelError(f"a label cannot be read ({error}); retire its key with an empty record.") from None
    check_name(label.name)
    if label.kind not in KINDS:
        raise LabelError(f"label {label.id}: kind {label.kind!r} is not one of {', '.join(KINDS)}.")
    if label.severity not in ("", *SEVERITIES):
        raise LabelError(f"label {label.id}: severity {label.severity!r} is not one of {', '.join(SEVERITIES)}.")
    if label.kind == "fault" and label.expires is not None:
        raise LabelError(f"label {label.id}: a fault does not expire; retire it with `faultline forget` instead.")
    return label


def check_name(name: str) -> None:
    """Raises LabelError."""
    if not re.fullmatch(NAME, name) or len(name) > LONGEST_NAME:
        raise LabelError(
            f"{name!r} cannot name a class; take up to {LONGEST_NAME} lower-case letters, digits and _, a letter first."
        )
    if name in (SILENT, UNKNOWN):
        raise LabelError(f"{name} is what Faultline itself says; give the fault another name.")


def label_windows(label: Label, catalogue: Catalogue) -> NDArray[np.int8]:
    """Every fifth window that lies wholly inside the label. # -> int8 [n, 60, F]. Raises LabelError."""
    values, coefficients = _checked_arrays(label, catalogue)
    minute = label.minute + np.arange(len(values))
    codes = deviations(values, minute, np.repeat(coefficients[None], len(values), axis=0), catalogue.logarithmic)
    windows = np.lib.stride_tricks.sliding_window_view(codes, WINDOW, axis=0)[::-STRIDE]
    if (windows == ABSENT).all(axis=(1, 2)).any():
        raise LabelError(f"label {label.id}: reports nothing for an hour; a silence cannot be taught.")
    return np.ascontiguousarray(windows.swapaxes(1, 2))


def _checked_arrays(label: Label, catalogue: Catalogue) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Its minutes and its baseline. # -> [m, F], [2 + 2·H, F]"""
    if label.catalogue != catalogue.digest:
        raise LabelError(
            f"label {label.id}: was taught on another catalogue of features ({label.catalogue}, and the bundle's is"
            f" {catalogue.digest}); teach it again, or serve the bundle it belongs to."
        )
    features = len(catalogue)
    if len(label.values) % (4 * features) or len(label.baseline) % (2 * features):
        raise LabelError(f"label {label.id}: its minutes are not whole rows of {features} features; teach it again.")
    values = np.frombuffer(label.values, "<f4").reshape(-1, features)
    if not WINDOW <= len(values) <= MAX_MINUTES:
        raise LabelError(f"label {label.id}: has {len(values)} minutes; {WINDOW} to {MAX_MINUTES} can be embedded.")
    coefficients = np.frombuffer(label.baseline, "<f2").reshape(-1, features).astype(np.float32)
    if len(coefficients) < 2 or len(coefficients) % 2 or not (coefficients[0] > 0).all():
        raise LabelError(f"label {label.id}: its baseline has no positive spread for every feature; teach it again.")
    if np.isinf(values).any() or not np.isfinite(coefficients).all():
        raise LabelError(f"label {label.id}: holds an infinity, or a baseline that is no number; teach it again.")
    return values, coefficients


def embed_label(label: Label, catalogue: Catalogue, encode: Encode) -> Exemplar:
    """The label as an exemplar: the direction of the mean of its windows. Raises LabelError."""
    return exemplar_of(label, encode(label_windows(label, catalogue)))


def exemplar_of(label: Label, windows: Embeddings) -> Exemplar:
    """Of a label whose windows are embedded. Raises LabelError."""
    mean = windows.direction.astype(np.float64).mean(axis=0)
    length = np.linalg.norm(mean)
    if not length > 0:
        raise LabelError(f"label {label.id}: its windows have no common direction; teach a clearer example.")
    return Exemplar(
        label.id,
        label.name,
        label.kind,
        (mean / length).astype(np.float16),
        windows.shift.astype(np.float64).mean(axis=0).astype(np.float16),
        label.cell,
        label.minute,
        expires=label.expires,
        is_quarantined=label.quarantined,
        severity=label.severity,
        cause=label.cause,
        alarm=label.alarm,
        rejects=label.rejects,
        author=label.by,
        taught_minute=label.taught,
    )
