"""Serving state: a bundle with its labels, pipeline and canary. Nothing of one bundle is ever used with another's."""

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from detector.bundle.checksums import stat_fingerprint
from detector.bundle.format import Bundle, read_bundle
from detector.bundle.verification import warm_encoder
from detector.config.schema import Config
from detector.core.encoder import Encode
from detector.core.pipeline import Pipeline
from detector.errors import BundleError, ClusterError
from detector.kafka.compacted_table import CompactedTable
from detector.kafka.topics import partition_counts
from detector.labels.store import LabelStore
from detector.service.canary import Canary

log = logging.getLogger("faultline")


@dataclass(frozen=True, kw_only=True)
class ServingState:
    """Everything that depends on one bundle. Labels are raw minutes on their topic, and each bundle embeds them."""

    bundle: Bundle
    labels: LabelStore
    table: CompactedTable
    """Reader of the label topic. It continues where `labels` ends."""
    pipeline: Pipeline
    """Pipeline without a partition yet."""
    canary: Canary


def prepare_serving_state(
    config: Config, bundle: Bundle, encode: Encode, time_stage: Callable[[str], AbstractContextManager[None]]
) -> ServingState:
    """Embed all labels and make the pipeline. Raises ClusterError."""
    topic, settings = config.kafka.topics.labels, config.settings_at(bundle.catalogue.period_minutes)
    labels = LabelStore(bundle, encode, settings, config.runtime.threads)
    table = CompactedTable(config.kafka, topic)
    records = table.records(list(range(partition_counts(config, topic)[topic])))
    labels.put_all((record.key, record.value, str(record)) for record in records)
    pipeline = Pipeline(
        bundle.catalogue, bundle.baseline, encode, labels.classifier(), settings, stage_timer=time_stage
    )
    return ServingState(
        bundle=bundle,
        labels=labels,
        table=table,
        pipeline=pipeline,
        canary=Canary(bundle, encode, settings, config.runtime.threads),
    )


class BundleReloader:
    """Watcher of the bundle's directory, which opens a new bundle on a thread beside the loop.

    The bundle that is there when the reloader is made is the one about to serve.
    """

    def __init__(self, config: Config, prepare: Callable[[Bundle, Encode], ServingState]) -> None:
        self._path, self._threads = Path(config.bundle), config.runtime.threads
        self._trusted = config.trusted_keys
        self._seconds, self._prepare = config.runtime.reload_seconds, prepare
        self._last_fingerprint = self._opened_fingerprint = stat_fingerprint(self._path)
        """Fingerprints at the last check, and of the bundle opened last, which serves or was refused."""
        self._worker = ThreadPoolExecutor(1, "bundle")
        self._check: Future[ServingState | None] | None = None
        self._checked_at = monotonic()
        self.is_refused = False
        """Whether the bundle in the directory was refused."""

    def next(self, serving: Bundle) -> ServingState | None:
        """Return the state of a new bundle once it is prepared. Never waits.

        The loop calls it once an iteration. Raises BundleError, once, for a bundle that is refused.
        """
        if self._check is None:
            if monotonic() - self._checked_at >= self._seconds:
                self._check = self._worker.submit(self._look, serving)
            return None
        if not self._check.done():
            return None
        check, self._check, self._checked_at = self._check, None, monotonic()
        return check.result()

    def close(self) -> None:
        """Stop the thread after the check in progress."""
        self._worker.shutdown(cancel_futures=True)

    def _look(self, serving: Bundle) -> ServingState | None:
        """Open the bundle in the directory if it has changed, and not since the last check."""
        previous, fingerprint = self._last_fingerprint, stat_fingerprint(self._path)
        self._last_fingerprint = fingerprint
        if fingerprint != previous or fingerprint == self._opened_fingerprint:
            return None
        previously_opened, self._opened_fingerprint = self._opened_fingerprint, fingerprint
        try:
            return self._open(serving)
        except BundleError:
            if stat_fingerprint(self._path) != fingerprint:
                return None  # it was being written: the next checks will see the result
            self.is_refused = True
            raise
        except ClusterError as error:
            log.warning("a new bundle waits, because its labels cannot be read: %s", error)
            self._opened_fingerprint = previously_opened
            return None

    def _open(self, serving: Bundle) -> ServingState | None:
        bundle = read_bundle(self._path, self._trusted)
        if bundle.digest == serving.digest:
            self.is_refused = False
            return None
        if bundle.catalogue != serving.catalogue:
            raise BundleError(
                f"{self._path}: has other features than the bundle that serves, or another order of them; feed, labels"
                " and bundle change together, so restart with the new bundle.",
                "catalogue",
            )
        state = self._prepare(bundle, warm_encoder(bundle, self._path, self._threads))
        self.is_refused = False
        return state
