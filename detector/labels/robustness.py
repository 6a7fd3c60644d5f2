"""Radius of a label: the share of its example that may be missing until the label no longer fires.

A threshold is a number on a scale of its own, and a cosine says nothing about size. An operator who taught an hour
wants to know whether half of it would be recognised. So the example is faded step by step, and each step is scored.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from detector.bundle.format import Bundle
from detector.compaction import newest_values
from detector.core.encoder import BATCHES, Encode
from detector.core.features import ABSENT
from detector.core.scoring.classifier import Classifier
from detector.errors import LabelError
from detector.labels.embedding import label_windows
from detector.labels.label import Label, read_label
from detector.terminal import progress

SHARES = np.arange(1, 21) / 20
"""Shares of the example's deviations, ascending; no fault repeats itself more exactly than one part in twenty."""

LABELS_PER_BATCH = BATCHES[-1] // len(SHARES)
"""Labels of one batch of the encoder."""


def robustness(
    records: Iterable[tuple[bytes, bytes | None]], classifier: Classifier, bundle: Bundle, encode: Encode
) -> dict[str, float | None]:
    """Return the radius of each fault label that the classifier knows, by id.

    A radius is the share of the example that may be missing, 0 to .95; None where not even the whole example fires.
    The last window of the example is faded, because the fault has then lasted longest.
    """
    labels = list(_faults(records, bundle))
    columns = _columns(classifier)
    radii: dict[str, float | None] = {}
    with progress("fading each label's example", len(labels), "labels") as advance:
        for first in range(0, len(labels), LABELS_PER_BATCH):
            batch = labels[first : first + LABELS_PER_BATCH]
            scores = classifier.score_columns(encode(np.concatenate([_fade(windows[0]) for _, windows in batch])))
            by_share = scores.reshape(len(batch), len(SHARES), -1)
            for (label, _), label_scores in zip(batch, by_share, strict=True):
                column = columns.get((label.name, label.quarantined))
                if column is not None:
                    radii[label.id] = _radius(label_scores[:, column] >= classifier.threshold)
            advance(len(batch))
    return radii


def _faults(records: Iterable[tuple[bytes, bytes | None]], bundle: Bundle) -> Iterator[tuple[Label, NDArray[np.int8]]]:
    """Yield the valid fault labels in force, each with its windows, the latest window first."""
    for value in newest_values(records).values():
        try:
            label = read_label(value)
            if label.kind == "fault":
                yield label, label_windows(label, bundle.catalogue)
        except LabelError:
            continue


def _columns(classifier: Classifier) -> Mapping[tuple[str, bool], int]:
    """Return the column of scores of each (class, in quarantine)."""
    classes = {(name, False): column for column, name in enumerate(classifier.classes)}
    quarantined = {
        (suppressed.name, True): column
        for column, suppressed in enumerate(classifier.suppressed_classes, len(classifier.classes))
        if suppressed.reason == "quarantined"
    }
    return classes | quarantined


def _fade(window: NDArray[np.int8]) -> NDArray[np.int8]:
    """Return the window with each share of its deviations. # int8 [60, F] -> [shares, 60, F]"""
    codes = np.rint(window * SHARES[:, None, None]).astype(np.int8)
    return np.where(window == ABSENT, np.int8(ABSENT), codes)


def _radius(fires: Sequence[bool] | NDArray[np.bool_]) -> float | None:
    """Return 1 minus the least share from which on all shares fire. # [shares], ascending"""
    silent = np.flatnonzero(~np.asarray(fires))
    least = int(silent[-1]) + 1 if len(silent) else 0
    return round(1 - float(SHARES[least]), 2) if least < len(SHARES) else None
