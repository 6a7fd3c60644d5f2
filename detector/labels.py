"""A label: one episode with a name, as it lies on `cells.labels` for ever.

It carries the episode's raw minutes and the baseline they were judged against, so that any later encoder, or another
operator's, can embed it. A label's exemplar is the mean of its windows: one window shows a moment of a fault, an
episode shows the fault.
"""

from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from detector.core.alarms import SILENT, UNKNOWN
from detector.core.encoder import Encode
from detector.core.features import Catalogue, deviations
from detector.core.library import KINDS, Exemplar
from detector.core.samples import EARLIEST_MINUTE, LATEST_MINUTE
from detector.core.turns import WINDOW
from detector.errors import LabelError

STRIDE = 5
"""Every fifth window of an episode goes into its mean: neighbours share 59 minutes and add nothing."""

MAX_MINUTES = 1440
"""A label longer than a day is no episode but a state of the network."""


class Label(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One labelled episode. The arrays are little-endian bytes (base64 in JSON)."""

    id: Annotated[str, Meta(min_length=1, max_length=128)]
    name: Annotated[str, Meta(min_length=1, max_length=128, pattern=r"^[a-z][a-z0-9_]*$")]
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
    by: str = ""
    taught: int = 0
    """When, in minutes since 1970."""


def write_label(label: Label) -> bytes:
    return msgspec.json.encode(label)


def read_label(value: bytes) -> Label:
    """Raises LabelError."""
    try:
        label = msgspec.json.decode(value, type=Label)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise LabelError(f"a label cannot be read ({error}); retire its key with an empty record.") from None
    if label.kind not in KINDS:
        raise LabelError(f"label {label.id}: kind {label.kind!r} is not one of {', '.join(KINDS)}.")
    if label.name in (SILENT, UNKNOWN):
        raise LabelError(f"label {label.id}: {label.name} is what Faultline itself says; give the fault another name.")
    return label


def label_windows(label: Label, catalogue: Catalogue) -> NDArray[np.int8]:
    """Every fifth window that lies wholly inside the label. # -> int8 [n, 60, F]. Raises LabelError."""
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
    coefficients = np.frombuffer(label.baseline, "<f2").reshape(1, -1, features).astype(np.float32)
    if coefficients.shape[1] < 2 or coefficients.shape[1] % 2 or not (coefficients[:, 0] > 0).all():
        raise LabelError(f"label {label.id}: its baseline has no positive spread for every feature; teach it again.")
    minute = label.minute + np.arange(len(values))
    codes = deviations(values, minute, np.repeat(coefficients, len(values), axis=0), catalogue.logarithmic)
    windows = np.lib.stride_tricks.sliding_window_view(codes, WINDOW, axis=0)[::-STRIDE]
    return np.ascontiguousarray(windows.swapaxes(1, 2))


def embed_label(label: Label, catalogue: Catalogue, encode: Encode) -> Exemplar:
    """The label as an exemplar: the direction of the mean of its windows. Raises LabelError."""
    windows = encode(label_windows(label, catalogue))
    mean = windows.direction.astype(np.float64).mean(axis=0)
    length = np.linalg.norm(mean)
    if not length > 0:
        raise LabelError(f"label {label.id}: its windows have no common direction; teach a clearer example.")
    direction = (mean / length).astype(np.float16)
    shift = windows.shift.astype(np.float64).mean(axis=0).astype(np.float16)
    taught = label.cell, label.minute, label.by, label.taught
    return Exemplar(label.id, label.name, label.kind, direction, shift, *taught)
