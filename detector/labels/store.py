"""The judge in office: the labels known now, embedded by the bundle, calibrated on its normal life."""

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
from detector.errors import LabelError
from detector.labels.label import Label, exemplar_of, label_windows, read_label

log = logging.getLogger("faultline")


EMBEDDED_WINDOWS = 1024
"""Of several labels at once: an encoder's batch takes as long with 13 windows of one as with 64 of five."""


Made = Exemplar | LabelError | None
"""What comes of a record of the labels' topic; None retires its key."""


@dataclass(frozen=True)
class _Cut:
    """A label that can be embedded."""

    label: Label
    windows: NDArray[np.int8]


def embedded(
    records: Iterable[tuple[bytes, bytes | None]], catalogue: Catalogue, encode: Encode
) -> Iterator[tuple[bytes, Made]]:
    """What comes of each record, in their order, with few calls of the encoder; few are held at a time."""
    waiting: list[tuple[bytes, _Cut | LabelError | None]] = []
    count = 0
    for key, value in records:
        found = _cut(value, catalogue)
        waiting.append((key, found))
        count += len(found.windows) if isinstance(found, _Cut) else 0
        if count >= EMBEDDED_WINDOWS:
            yield from _embed(waiting, encode)
            waiting, count = [], 0
    yield from _embed(waiting, encode)


def _cut(value: bytes | None, catalogue: Catalogue) -> _Cut | LabelError | None:
    if value is None:
        return None
    try:
        label = read_label(value)
        return _Cut(label, label_windows(label, catalogue))
    except LabelError as error:
        return error


def _embed(waiting: Sequence[tuple[bytes, _Cut | LabelError | None]], encode: Encode) -> Iterator[tuple[bytes, Made]]:
    cuts = [one for _, one in waiting if isinstance(one, _Cut)]
    embeddings = iter(_parts(cuts, encode))
    for key, one in waiting:
        if not isinstance(one, _Cut):
            yield key, one
            continue
        try:
            yield key, exemplar_of(one.label, next(embeddings))
        except LabelError as error:
            yield key, error


def _parts(cuts: Sequence[_Cut], encode: Encode) -> Iterator[Embeddings]:
    """Of each one's windows; all of them at once."""
    if not cuts:
        return
    embeddings = encode(np.concatenate([one.windows for one in cuts]))
    start = 0
    for one in cuts:
        yield embeddings[start : start + len(one.windows)]
        start += len(one.windows)


class LabelStore:
    """The exemplars by label id. A label that cannot be embedded is refused, and the others stand."""

    def __init__(self, bundle: Bundle, encode: Encode, settings: Settings, threads: int) -> None:
        self._bundle, self._encode, self._settings, self._threads = bundle, encode, settings, threads
        self._exemplars: dict[bytes, Exemplar] = {}
        self._refused = 0

    def put(self, key: bytes, value: bytes | None) -> None:
        """Takes one record of the labels' topic; None retires its key."""
        self.put_all([(key, value)])

    def put_all(self, records: Iterable[tuple[bytes, bytes | None]]) -> None:
        """The same for many, in their order, with few calls of the encoder."""
        for key, made in embedded(records, self._bundle.catalogue, self._encode):
            self.take(key, made)

    def take(self, key: bytes, made: Made) -> None:
        """Takes what came of one record."""
        self._exemplars.pop(key, None)
        if isinstance(made, Exemplar):
            self._exemplars[key] = made
        elif made is not None:
            self._refuse(made)

    def _refuse(self, error: LabelError) -> None:
        self._refused += 1
        log.warning("refused: %s", error)

    def count(self, kind: str) -> int:
        return sum(exemplar.kind == kind for exemplar in self._exemplars.values())

    def count_held(self) -> int:
        return sum(exemplar.is_quarantined for exemplar in self._exemplars.values())

    def judged(self) -> Counter[tuple[str, str]]:
        """Alarms that a person judged, by (class, judgement)."""
        said = [one for one in self._exemplars.values() if one.alarm]
        return Counter((one.rejects, "rejected") if one.rejects else (one.name, "confirmed") for one in said)

    def take_refused(self) -> int:
        """How many labels were refused since this was last asked."""
        refused, self._refused = self._refused, 0
        return refused

    def judge(self) -> Classifier:
        """A judge of what is known now."""
        return self._judge(self._exemplars)

    def judge_without(self, *ids: str) -> Classifier:
        """A judge of all but these."""
        left_out = {id.encode() for id in ids}
        return self._judge({key: one for key, one in self._exemplars.items() if key not in left_out})

    def judge_with(self, *exemplars: Exemplar) -> Classifier:
        """A judge of some more, or of others in their place."""
        return self._judge({**self._exemplars, **{one.id.encode(): one for one in exemplars}})

    def _judge(self, known: Mapping[bytes, Exemplar]) -> Classifier:
        exemplars = [known[key] for key in sorted(known)]
        library = ExemplarIndex(exemplars, self._bundle.normal, self._threads)
        settings = self._settings
        return Classifier(library, settings.weights, settings.budget, settings.budgets)
