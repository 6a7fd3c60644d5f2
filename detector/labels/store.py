"""Label store: the labels in force, embedded by the bundle, and the classifier that follows from them."""

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detector.bundle.format import Bundle
from detector.core.encoder import Embeddings, Encode
from detector.core.features import Catalogue
from detector.core.scoring.classifier import Classifier
from detector.core.scoring.exemplars import Exemplar, ExemplarIndex
from detector.core.settings import Settings
from detector.errors import ForeignRecordError, LabelError
from detector.labels.embedding import exemplar_of, label_windows
from detector.labels.label import Label, check_key, read_label

log = logging.getLogger("faultline")


EMBEDDED_WINDOWS = 1024
"""Windows of several labels that are embedded together: a batch takes as long with 13 windows of one label as with 64
of five."""


LabelRecord = tuple[bytes | None, bytes | None] | tuple[bytes | None, bytes | None, str]
"""Key and value of a record of the labels topic, and where it lies, if that is to be told."""

EmbeddedRecord = Exemplar | LabelError | None
"""Exemplar of a record of the labels topic, or the error that refuses it; None retires its key."""


@dataclass(frozen=True)
class _LabelWindows:
    """Valid label with its windows, before they are embedded."""

    label: Label
    windows: NDArray[np.int8]


def embed_records(
    records: Iterable[LabelRecord], catalogue: Catalogue, encode: Encode
) -> Iterator[tuple[bytes, EmbeddedRecord]]:
    """Yield the result of each record, in their order; the encoder embeds several labels per call, few are held."""
    batch: list[tuple[bytes, _LabelWindows | LabelError | None]] = []
    windows = 0
    for key, value, *position in records:
        decoded = _read_windows(key, value, catalogue)
        if isinstance(decoded, LabelError) and position:
            decoded = type(decoded)(f"{position[0]}: {decoded}")
        batch.append((key or b"", decoded))
        windows += len(decoded.windows) if isinstance(decoded, _LabelWindows) else 0
        if windows >= EMBEDDED_WINDOWS:
            yield from _embed_batch(batch, encode)
            batch, windows = [], 0
    yield from _embed_batch(batch, encode)


def _read_windows(key: bytes | None, value: bytes | None, catalogue: Catalogue) -> _LabelWindows | LabelError | None:
    if value is None:
        return None
    try:
        label = read_label(value)
    except LabelError as error:
        return ForeignRecordError(str(error))
    try:
        windows = label_windows(label, catalogue)
        check_key(key, label)
    except LabelError as error:
        return error
    return _LabelWindows(label, windows)


def _embed_batch(
    batch: Sequence[tuple[bytes, _LabelWindows | LabelError | None]], encode: Encode
) -> Iterator[tuple[bytes, EmbeddedRecord]]:
    labels = [decoded for _, decoded in batch if isinstance(decoded, _LabelWindows)]
    embeddings = iter(_embed_windows(labels, encode))
    for key, decoded in batch:
        if not isinstance(decoded, _LabelWindows):
            yield key, decoded
            continue
        try:
            yield key, exemplar_of(decoded.label, next(embeddings))
        except LabelError as error:
            yield key, error


def _embed_windows(labels: Sequence[_LabelWindows], encode: Encode) -> Iterator[Embeddings]:
    """Yield the embeddings of each label's windows; one call of the encoder embeds all of them."""
    if not labels:
        return
    embeddings = encode(np.concatenate([label.windows for label in labels]))
    start = 0
    for label in labels:
        yield embeddings[start : start + len(label.windows)]
        start += len(label.windows)


class LabelStore:
    """Exemplars of the labels in force, by label id; a label that cannot be embedded is refused and counted."""

    def __init__(self, bundle: Bundle, encode: Encode, settings: Settings, threads: int) -> None:
        self._bundle, self._encode, self._settings, self._threads = bundle, encode, settings, threads
        self._exemplars: dict[bytes, Exemplar] = {}
        self._refused = self._foreign = 0

    def put(self, key: bytes, value: bytes | None) -> None:
        """Apply one record of the labels topic; None retires its key."""
        self.put_all([(key, value)])

    def put_all(self, records: Iterable[LabelRecord]) -> None:
        """Apply many records in their order, with few calls of the encoder."""
        for key, result in embed_records(records, self._bundle.catalogue, self._encode):
            self.put_embedded(key, result)

    def put_embedded(self, key: bytes, result: EmbeddedRecord) -> None:
        """Apply one record that is embedded already."""
        self._exemplars.pop(key, None)
        if isinstance(result, Exemplar):
            self._exemplars[key] = result
        elif result is not None:
            self._refused += 1
            self._foreign += isinstance(result, ForeignRecordError)
            log.warning("refused: %s", result)

    def count(self, kind: str) -> int:
        """Return the number of exemplars of this kind."""
        return sum(exemplar.kind == kind for exemplar in self._exemplars.values())

    def count_quarantined(self) -> int:
        """Return the number of exemplars in quarantine."""
        return sum(exemplar.is_quarantined for exemplar in self._exemplars.values())

    def count_feedback(self) -> Counter[tuple[str, str]]:
        """Return the number of alarms that an operator confirmed or rejected, by (class, judgement)."""
        return Counter(
            (exemplar.rejects, "rejected") if exemplar.rejects else (exemplar.name, "confirmed")
            for exemplar in self._exemplars.values()
            if exemplar.alarm
        )

    def take_refused(self) -> tuple[int, int]:
        """Return the number of labels that were refused since the last call, and how many of them are no labels."""
        refused, foreign = self._refused, self._foreign
        self._refused = self._foreign = 0
        return refused, foreign

    def classifier(self) -> Classifier:
        """Return the classifier of all labels in force."""
        return self._build_classifier(self._exemplars)

    def classifier_without(self, *ids: str) -> Classifier:
        """Return the classifier of all labels except these."""
        excluded = {label_id.encode() for label_id in ids}
        return self._build_classifier({key: value for key, value in self._exemplars.items() if key not in excluded})

    def classifier_with(self, *exemplars: Exemplar) -> Classifier:
        """Return the classifier of all labels and these exemplars, which replace labels of the same id."""
        return self._build_classifier({**self._exemplars, **{value.id.encode(): value for value in exemplars}})

    def _build_classifier(self, exemplars: Mapping[bytes, Exemplar]) -> Classifier:
        index = ExemplarIndex([exemplars[key] for key in sorted(exemplars)], self._bundle.normal, self._threads)
        settings = self._settings
        return Classifier(index, settings.weights, settings.budget, settings.budgets)
