"""A bundle in office, with all that hangs on it: nothing of one bundle is ever used with another's."""

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from detector.bundle.checksums import stat_signature
from detector.bundle.format import Bundle, read_bundle
from detector.bundle.verification import warm_encoder
from detector.config.schema import Config
from detector.core.encoder import Encode
from detector.core.pipeline import Pipeline
from detector.errors import BundleError, ClusterError
from detector.kafka.compacted_table import CompactedTable
from detector.kafka.topics import partitions
from detector.labels.store import LabelStore
from detector.service.canary import Canary


@dataclass(frozen=True)
class ServingState:
    """What one bundle judges with. A label lives on the topic as raw minutes, so that every bundle embeds its own."""

    bundle: Bundle
    labels: LabelStore
    table: CompactedTable
    """Reader of the labels' topic, which goes on where `labels` ends."""
    pipeline: Pipeline
    """Without a partition yet."""
    canary: Canary


def prepare_serving_state(
    config: Config, bundle: Bundle, encode: Encode, timed: Callable[[str], AbstractContextManager[None]]
) -> ServingState:
    """Embeds all labels there are, and readies the road. Raises ClusterError."""
    topic, settings = config.kafka.topics.labels, config.settings
    labels = LabelStore(bundle, encode, settings, config.runtime.threads)
    table = CompactedTable(config.kafka, topic)
    taught = table.records(list(range(partitions(config, topic)[topic])))
    labels.put_all((key, value) for _, key, value in taught)
    pipeline = Pipeline(bundle.catalogue, bundle.baseline, encode, labels.classifier(), settings, timed)
    return ServingState(bundle, labels, table, pipeline, Canary(bundle, encode, settings, config.runtime.threads))


log = logging.getLogger("faultline")


class BundleReloader:
    """Who comes after the bundle that serves. What lies there when this is made is the one that is about to."""

    def __init__(self, config: Config, prepare: Callable[[Bundle, Encode], ServingState]) -> None:
        self._path, self._threads = Path(config.bundle), config.runtime.threads
        self._seconds, self._prepare = config.runtime.reload_seconds, prepare
        self._seen = self._judged = stat_signature(self._path)
        """What the last look saw, and what was read last: it serves, or was refused."""
        self._worker = ThreadPoolExecutor(1, "bundle")
        self._looking: Future[ServingState | None] | None = None
        self._looked = monotonic()
        self.refused = False
        """What lies there was refused."""

    def next(self, serving: Bundle) -> ServingState | None:
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

    def _look(self, serving: Bundle) -> ServingState | None:
        seen, self._seen = self._seen, stat_signature(self._path)
        if self._seen != seen or seen == self._judged:
            return None
        before, self._judged = self._judged, seen
        try:
            return self._open(serving)
        except BundleError:
            if stat_signature(self._path) != seen:
                return None  # it was being written: the next looks will see how it turns out
            self.refused = True
            raise
        except ClusterError as error:
            log.warning("a bundle waits for the labels: %s", error)
            self._judged = before
            return None

    def _open(self, serving: Bundle) -> ServingState | None:
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
