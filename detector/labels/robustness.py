"""How far a label reaches: how much of what its example showed may be missing, and it still fires.

A threshold is a number on a scale of its own, a cosine says nothing about size; whoever taught an hour wants to know
whether half of it would be recognised. So the example is faded, step by step, and judged as if it came again.
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
from detector.labels.label import Label, label_windows, read_label

SHARES = np.arange(1, 21) / 20
"""Of the example's deviations, ascending: one in twenty more or less is nothing that a fault keeps to."""

AT_ONCE = BATCHES[-1] // len(SHARES)
"""Labels of one batch of the encoder."""


def robustness(
    records: Iterable[tuple[bytes, bytes | None]], judge: Classifier, bundle: Bundle, encode: Encode
) -> dict[str, float | None]:
    """By id, of the faults among the labels known to the judge: the share that may be missing, 0 to .95; None where not
    even the whole fires. It is the last window that is faded, when the fault had lasted longest.
    """
    labels = list(_faults(records, bundle))
    columns = _columns(judge)
    found: dict[str, float | None] = {}
    for first in range(0, len(labels), AT_ONCE):
        some = labels[first : first + AT_ONCE]
        scores = judge.columns(encode(np.concatenate([_faded(windows[0]) for _, windows in some])))
        by_share = scores.reshape(len(some), len(SHARES), -1)
        for (label, _), reached in zip(some, by_share, strict=True):
            column = columns.get((label.name, label.quarantined))
            if column is not None:
                found[label.id] = _radius(reached[:, column] >= judge.threshold)
    return found


def _faults(records: Iterable[tuple[bytes, bytes | None]], bundle: Bundle) -> Iterator[tuple[Label, NDArray[np.int8]]]:
    """What stands of each key, with its windows, the latest first; what the detectors refuse is left out."""
    for value in newest_values(records).values():
        try:
            label = read_label(value)
            if label.kind == "fault":
                yield label, label_windows(label, bundle.catalogue)
        except LabelError:
            continue


def _columns(judge: Classifier) -> Mapping[tuple[str, bool], int]:
    """Where the scores of a class stand, and those of one in quarantine."""
    told = {(name, False): place for place, name in enumerate(judge.classes)}
    held = [(quiet.name, place) for place, quiet in enumerate(judge.quiet) if quiet.reason == "quarantined"]
    return told | {(name, True): len(judge.classes) + place for name, place in held}


def _faded(window: NDArray[np.int8]) -> NDArray[np.int8]:
    """# int8 [60, F] -> [shares, 60, F]"""
    codes = np.rint(window * SHARES[:, None, None]).astype(np.int8)
    return np.where(window == ABSENT, np.int8(ABSENT), codes)


def _radius(fires: Sequence[bool] | NDArray[np.bool_]) -> float | None:
    """From the share on from which it always does. # [shares], ascending"""
    silent = np.flatnonzero(~np.asarray(fires))
    least = int(silent[-1]) + 1 if len(silent) else 0
    return round(1 - float(SHARES[least]), 2) if least < len(SHARES) else None
