"""Another bundle at the place where the serving one came from: verified, warmed and given the labels, beside the loop.

It goes by content, not by events of a file system: a look costs a few system calls, and what has changed is read when
it has stood still from one look to the next.
"""

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from time import monotonic

from detector.bundle.checksums import glance
from detector.bundle.format import Bundle, read_bundle
from detector.bundle.verification import warm_encoder
from detector.config.schema import Config
from detector.core.encoder import Encode
from detector.errors import BundleError, ClusterError
from detector.office import Office

log = logging.getLogger("faultline")


class Succession:
    """Who comes after the bundle that serves. What lies there when this is made is the one that is about to."""

    def __init__(self, config: Config, prepare: Callable[[Bundle, Encode], Office]) -> None:
        self._path, self._threads = Path(config.bundle), config.runtime.threads
        self._seconds, self._prepare = config.runtime.reload_seconds, prepare
        self._seen = self._judged = glance(self._path)
        """What the last look saw, and what was read last: it serves, or was refused."""
        self._worker = ThreadPoolExecutor(1, "bundle")
        self._looking: Future[Office | None] | None = None
        self._looked = monotonic()
        self.refused = False
        """What lies there was refused."""

    def next(self, serving: Bundle) -> Office | None:
        """Asked once a turn, and never waits. Raises BundleError, once, for what is refused."""
        if self._looking is None:
            if monotonic() - self._looked >= self._seconds:
                self._looking = self._worker.submit(self._look, serving)
            return None
        if not self._looking.done():
            return None
        ended, self._looking, self._looked = self._looking, None, monotonic()
        return ended.result()

    def close(self) -> None:
        self._worker.shutdown(cancel_futures=True)

    def _look(self, serving: Bundle) -> Office | None:
        seen, self._seen = self._seen, glance(self._path)
        if self._seen != seen or seen == self._judged:
            return None
        before, self._judged = self._judged, seen
        try:
            return self._open(serving)
        except BundleError:
            if glance(self._path) != seen:
                return None  # it was being written: the next looks will see how it turns out
            self.refused = True
            raise
        except ClusterError as error:
            log.warning("a bundle waits for the labels: %s", error)
            self._judged = before
            return None

    def _open(self, serving: Bundle) -> Office | None:
        bundle = read_bundle(self._path)
        if bundle.digest == serving.digest:
            self.refused = False
            return None
        if bundle.catalogue != serving.catalogue:
            raise BundleError(
                f"{self._path}: has other features than the bundle that serves, or in another order; feed, labels and"
                " bundle change together, so restart with it.",
                "catalogue",
            )
        office = self._prepare(bundle, warm_encoder(bundle, self._path, self._threads))
        self.refused = False
        return office
