"""The judge in office: the labels known now, embedded by the bundle, calibrated on its normal life."""

import logging
from collections import Counter
from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from detector.bundle import Bundle
from detector.core.encoder import Encode
from detector.core.library import Exemplar, Library
from detector.core.settings import Settings
from detector.core.verdicts import Judge
from detector.errors import LabelError
from detector.labels import Label, exemplar_of, label_windows, read_label

log = logging.getLogger("faultline")


EMBEDDED_WINDOWS = 1024
"""Of several labels at once: an encoder's batch takes as long with 13 windows of one as with 64 of five."""


class Labels:
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
        waiting: dict[bytes, tuple[Label, NDArray[np.int8]]] = {}
        for key, value in records:
            self._exemplars.pop(key, None)
            waiting.pop(key, None)
            if value is None:
                continue
            try:
                label = read_label(value)
                waiting[key] = label, label_windows(label, self._bundle.catalogue)
            except LabelError as error:
                self._refuse(error)
            if sum(len(windows) for _, windows in waiting.values()) >= EMBEDDED_WINDOWS:
                self._embed(waiting)
                waiting = {}
        self._embed(waiting)

    def _embed(self, waiting: dict[bytes, tuple[Label, NDArray[np.int8]]]) -> None:
        if not waiting:
            return
        embeddings = self._encode(np.concatenate([windows for _, windows in waiting.values()]))
        start = 0
        for key, (label, windows) in waiting.items():
            try:
                self._exemplars[key] = exemplar_of(label, embeddings[start : start + len(windows)])
            except LabelError as error:
                self._refuse(error)
            start += len(windows)

    def _refuse(self, error: LabelError) -> None:
        self._refused += 1
        log.warning("refused: %s", error)

    def count(self, kind: str) -> int:
        return sum(exemplar.kind == kind for exemplar in self._exemplars.values())

    def count_held(self) -> int:
        return sum(exemplar.held for exemplar in self._exemplars.values())

    def judged(self) -> Counter[tuple[str, str]]:
        """Alarms that a person judged, by (class, judgement)."""
        said = [one for one in self._exemplars.values() if one.alarm]
        return Counter((one.rejects, "rejected") if one.rejects else (one.name, "confirmed") for one in said)

    def take_refused(self) -> int:
        """How many labels were refused since this was last asked."""
        refused, self._refused = self._refused, 0
        return refused

    def judge(self) -> Judge:
        """A judge of what is known now."""
        return self._judge(self._exemplars)

    def judge_without(self, *ids: str) -> Judge:
        """A judge of all but these."""
        left_out = {id.encode() for id in ids}
        return self._judge({key: one for key, one in self._exemplars.items() if key not in left_out})

    def judge_with(self, *exemplars: Exemplar) -> Judge:
        """A judge of some more, or of others in their place."""
        return self._judge({**self._exemplars, **{one.id.encode(): one for one in exemplars}})

    def _judge(self, known: Mapping[bytes, Exemplar]) -> Judge:
        exemplars = [known[key] for key in sorted(known)]
        library = Library(exemplars, self._bundle.normal, self._threads)
        settings = self._settings
        return Judge(library, settings.weights, settings.budget, settings.budgets)
