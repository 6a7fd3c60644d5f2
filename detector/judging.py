"""The judge in office: the labels known now, embedded by the bundle, calibrated on its normal life."""

import logging

from detector.bundle import Bundle
from detector.core.encoder import Encode
from detector.core.library import Exemplar, Library
from detector.core.settings import Settings
from detector.core.verdicts import Judge
from detector.errors import LabelError
from detector.labels import embed_label, read_label

log = logging.getLogger("faultline")


class Labels:
    """The exemplars by label id. A label that cannot be embedded is refused, and the others stand."""

    def __init__(self, bundle: Bundle, encode: Encode, settings: Settings, threads: int) -> None:
        self._bundle, self._encode, self._settings, self._threads = bundle, encode, settings, threads
        self._exemplars: dict[bytes, Exemplar] = {}
        self._refused = 0

    def put(self, key: bytes, value: bytes | None) -> None:
        """Takes one record of the labels' topic; None retires its key."""
        self._exemplars.pop(key, None)
        if value is None:
            return
        try:
            self._exemplars[key] = embed_label(read_label(value), self._bundle.catalogue, self._encode)
        except LabelError as error:
            self._refused += 1
            log.warning("refused: %s", error)

    def count(self, kind: str) -> int:
        return sum(exemplar.kind == kind for exemplar in self._exemplars.values())

    def take_refused(self) -> int:
        """How many labels were refused since this was last asked."""
        refused, self._refused = self._refused, 0
        return refused

    def judge(self) -> Judge:
        """A judge of what is known now."""
        exemplars = [self._exemplars[key] for key in sorted(self._exemplars)]
        library = Library(exemplars, self._bundle.normal, self._threads)
        return Judge(library, self._settings.weights, self._settings.budget)
