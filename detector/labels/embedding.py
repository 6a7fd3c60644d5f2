"""Embedding of labels: the windows of an episode, and the exemplar that is the mean of their embeddings."""

import numpy as np
from numpy.typing import NDArray

from detector.core.encoder import Embeddings, Encode
from detector.core.features import ABSENT, Catalogue, deviations
from detector.core.scoring.exemplars import Exemplar
from detector.errors import LabelError
from detector.labels.label import MAX_MINUTES, Label

STRIDE_MINUTES = 5
"""Step between the windows of an exemplar, or one period: neighbouring windows share 59 minutes and add nothing."""


def label_windows(label: Label, catalogue: Catalogue) -> NDArray[np.int8]:
    """Return a window every five minutes of the label, or one every period, the latest first.

    # -> int8 [n, 60, F]. Raises LabelError.
    """
    values, coefficients = _checked_arrays(label, catalogue)
    granularity = catalogue.granularity
    minute = label.minute + granularity.period_minutes * np.arange(len(values))
    codes = deviations(values, minute, np.repeat(coefficients[None], len(values), axis=0), catalogue.logarithmic)
    stride = granularity.count(STRIDE_MINUTES)
    windows = np.lib.stride_tricks.sliding_window_view(codes, granularity.samples, axis=0)[::-stride]
    if (windows == ABSENT).all(axis=(1, 2)).any():
        hours = granularity.window_minutes // 60
        length = "an hour" if hours == 1 else f"{hours} hours"
        raise LabelError(
            f"label {label.id}: reports nothing for {length}, and silence cannot be taught; teach another episode."
        )
    return np.ascontiguousarray(granularity.expand(windows.swapaxes(1, 2)))


def _checked_arrays(label: Label, catalogue: Catalogue) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the minutes and the baseline of a label. # -> [m, F], [2 + 2·H, F]. Raises LabelError."""
    if label.catalogue != catalogue.digest:
        raise LabelError(
            f"label {label.id}: was taught on another catalogue of features ({label.catalogue}) than the bundle's"
            f" ({catalogue.digest}); teach it again, or serve the bundle it belongs to."
        )
    features = len(catalogue)
    if len(label.values) % (4 * features) or len(label.baseline) % (2 * features):
        raise LabelError(f"label {label.id}: its minutes are not whole rows of {features} features; teach it again.")
    values = np.frombuffer(label.values, "<f4").reshape(-1, features)
    granularity = catalogue.granularity
    minutes = len(values) * granularity.period_minutes
    if not granularity.window_minutes <= minutes <= MAX_MINUTES:
        raise LabelError(
            f"label {label.id}: has {minutes} minutes, and {granularity.window_minutes} to {MAX_MINUTES} are allowed;"
            " teach it again."
        )
    coefficients = np.frombuffer(label.baseline, "<f2").reshape(-1, features).astype(np.float32)
    if len(coefficients) < 2 or len(coefficients) % 2 or not (coefficients[0] > 0).all():
        raise LabelError(f"label {label.id}: its baseline has no positive spread for every feature; teach it again.")
    if np.isinf(values).any() or not np.isfinite(coefficients).all():
        raise LabelError(f"label {label.id}: holds an infinity, or a baseline with NaN or infinity; teach it again.")
    return values, coefficients


def embed_label(label: Label, catalogue: Catalogue, encode: Encode) -> Exemplar:
    """Return the exemplar of a label: the direction of the mean of its windows. Raises LabelError."""
    return exemplar_of(label, encode(label_windows(label, catalogue)))


def exemplar_of(label: Label, windows: Embeddings) -> Exemplar:
    """Return the exemplar of a label whose windows are embedded. Raises LabelError."""
    mean = windows.direction.astype(np.float64).mean(axis=0)
    length = np.linalg.norm(mean)
    if not length > 0:
        raise LabelError(f"label {label.id}: its windows have no common direction; teach a clearer example.")
    return Exemplar(
        id=label.id,
        name=label.name,
        kind=label.kind,
        direction=(mean / length).astype(np.float16),
        shift=windows.shift.astype(np.float64).mean(axis=0).astype(np.float16),
        cell=label.cell,
        minute=label.minute,
        expires=label.expires,
        is_quarantined=label.quarantined,
        severity=label.severity,
        cause=label.cause,
        alarm=label.alarm,
        rejects=label.rejects,
        author=label.by,
        taught_minute=label.taught,
    )
