"""The loop: poll, take up and put down partitions, judge, publish. One turn per poll, and nothing kept between turns
but what the log can rebuild.
"""

import logging
import threading
from contextlib import suppress
from pathlib import Path
from time import time

from detector.bundle.format import Bundle
from detector.bundle.verification import open_bundle
from detector.certificates import kafka_ends
from detector.config.schema import Config
from detector.core.encoder import Encode
from detector.core.ingest.samples import Records
from detector.core.lifecycle import SILENT
from detector.core.pipeline import PollResult
from detector.errors import BundleError, ClusterError
from detector.kafka.broker_monitor import BrokerMonitor
from detector.kafka.compacted_table import CompactedTable
from detector.kafka.consumer import MinuteConsumer, Poll
from detector.kafka.sink import Sink
from detector.kafka.topics import check_topics
from detector.service.assignments import PartitionAssignments
from detector.service.canary import CanaryRunner
from detector.service.http_server import Endpoints, Health
from detector.service.metrics import Metrics
from detector.service.publisher import AlarmPublisher
from detector.service.serving import BundleReloader, ServingState, prepare_serving_state
from detector.service.systemd import SystemdNotifier

log = logging.getLogger("faultline")

AWAY = "Kafka does not answer"


class _Stopped(Exception):
    """Asked to stop while Kafka was waited for: an open transaction is left to be rolled back."""


class Service:
    """One instance of the daemon, from its start-up checks to its orderly end."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self.metrics = Metrics()
        self.health = Health(config.runtime.stall_seconds)
        self.health.progress()
        self._supervisor = SystemdNotifier()
        self._topics = check_topics(config)
        self._succession = BundleReloader(config, self._prepare)
        bundle, encoder = open_bundle(Path(config.bundle), config.runtime.threads)
        self._endpoints = Endpoints(config.http, self.metrics.registry, self.health)
        self.metrics.certificates(kafka_ends(config.kafka))
        self.metrics.shown_certificate(lambda: self._endpoints.entrance.end)
        self._stop = threading.Event()
        self._presence = BrokerMonitor(config.kafka, self._wait_for_kafka)
        self._open_table = CompactedTable(config.kafka, config.kafka.topics.active, self._presence)
        self._plays = CanaryRunner(config.runtime.canary_minutes)
        self.metrics.canary_period.set(60 * config.runtime.canary_minutes)
        self._take_office(self._prepare(bundle, encoder))
        self._publishing = AlarmPublisher(config, Sink(config, self._presence, self._topics.record_bytes), self.metrics)
        self._source = MinuteConsumer(config, self._presence)
        self._holdings = PartitionAssignments(self._open_table, self.metrics)
        self._poisoned = 0
        self.metrics.gpu.set(encoder.device == "gpu")
        log.info("bundle %s serves on %s/metrics", self._bundle.digest, self._endpoints.url)

    def run(self, stop: threading.Event) -> None:
        """Turns until asked to stop; the open transaction is finished first."""
        self._stop = stop
        with suppress(_Stopped):
            while not stop.is_set():
                self._progress()
                self.turn()
        self._supervisor.stopping()

    def _progress(self) -> None:
        self.health.progress()
        self._supervisor.progress()

    def turn(self) -> None:
        """One poll, from the log to the log."""
        self._follow_bundle()
        self._check_partitions()
        poll = self._source.poll()
        self._holdings.move(poll, self._pipeline)
        self._follow_labels()
        silent, audible = self._holdings.split(poll)
        if silent:
            self.metrics.worked(self._pipeline.process([(records, False) for records in silent]))
        self._holdings.end_replays(poll, self._pipeline)
        if audible and not self._halted:
            self._judge_and_publish(audible, poll)
        self._hear_canary()
        self._show()

    def close(self) -> None:
        """Leaves the group, so that others take over at once."""
        self._source.close()
        self._succession.close()
        self._plays.close()
        self._label_table.close()
        self._open_table.close()
        self._endpoints.close()
        log.info("stopped")

    def _wait_for_kafka(self, answers: bool) -> None:
        """While something is waited for: free to go and, where the broker is away, alive and not ready. Where it
        answers, what never ends is no weather.
        """
        if self._stop.is_set():
            raise _Stopped
        if not answers:
            self._progress()
            self._not_ready(AWAY)

    def _prepare(self, bundle: Bundle, encode: Encode) -> ServingState:
        return prepare_serving_state(self._config, bundle, encode, self.metrics.timed)

    def _take_office(self, office: ServingState) -> None:
        self._bundle, self._labels, self._label_table = office.bundle, office.labels, office.table
        self._pipeline = office.pipeline
        self._plays.begin(office.canary)
        self.metrics.canary_recognised.set(0)
        self.metrics.bundle.info({"name": self._bundle.manifest.name, "digest": self._bundle.digest})
        self._count_exemplars()

    def _follow_bundle(self) -> None:
        """Between two polls another bundle may take over. It takes every partition up as a restart would: what was
        remembered by the old one is not the new one's, and a crash from here on changes nothing.
        """
        try:
            office = self._succession.next(self._bundle)
        except BundleError as error:
            self.metrics.bundle_refused.labels(error.reason).inc()
            log.error("bundle refused, %s serves on: %s", self._bundle.digest, error)
            return
        if office is not None:
            log.info("bundle %s takes over from %s", office.bundle.digest, self._bundle.digest)
            self._label_table.close()
            self._take_office(office)
            self._source.rewind()

    def _hear_canary(self) -> None:
        played = self._plays.turn()
        if played is None:
            return
        self.metrics.canary_plays.labels("recognised" if played.recognised else "missed").inc()
        self.metrics.canary_seconds.set(played.seconds)
        if played.recognised:
            self.metrics.canary_recognised.set(time())
        else:
            log.error("the canary's fault was not recognised: trust no silence (%s)", played.error or "no alarm")

    def _check_partitions(self) -> None:
        """Their number says where a cell lies: when it changes, cells are elsewhere than their memory."""
        had, count = self._topics.partitions, self._presence.partitions
        if count is not None and count != had:
            servers, topics = self._config.kafka.common["bootstrap.servers"], self._config.kafka.topics
            raise ClusterError(
                f"Kafka at {servers}: {topics.minutes} has {count} partitions now and had {had}, so cells"
                f" have moved; give {topics.active} as many, and start again."
            )

    def _follow_labels(self) -> None:
        changes = list(self._label_table.changes())
        if not changes:
            return
        self._labels.put_all(changes)
        self._pipeline.use_classifier(self._labels.classifier())
        self._count_exemplars()
        log.info("labels: %d changed", len(changes))

    def _judge_and_publish(self, audible: list[Records], poll: Poll) -> None:
        work = self._pipeline.process([(records, True) for records in audible])
        self.metrics.worked(work)
        self.metrics.batch.observe(sum(map(len, audible)))
        if self._poisonous(work, sum(map(len, audible))):
            return
        offsets = {
            records.partition: (int(records.offsets[-1]) + 1, self._pipeline.checkpoint(records.partition))
            for records in audible
        }
        if not self._publishing.publish(work, offsets, self._source.group_metadata, self._bundle.digest):
            self._source.rewind()
            return
        self.metrics.published(work.events, self._pipeline.open_alarms(), SILENT)
        if poll.oldest_ms is not None:
            self.metrics.latency.observe(max(0.0, time() - poll.oldest_ms / 1000))

    def _poisonous(self, work: PollResult, records: int) -> bool:
        """Stops consuming when most of what comes is refused, poll after poll: that is a schema gone wrong."""
        limits = self._config.limits
        self._poisoned = self._poisoned + 1 if len(work.rejections) > limits.poison_share * records else 0
        if self._poisoned < limits.poison_batches:
            return False
        self._source.pause()
        self.metrics.halted.labels("poison").set(1)
        reasons = sorted({str(rejection.reason) for _, rejection in work.rejections})
        log.error(
            "stopped consuming: over %g of the records of %d polls running were refused (%s); mend the feed, restart",
            limits.poison_share,
            limits.poison_batches,
            ", ".join(reasons),
        )
        return True

    @property
    def _halted(self) -> bool:
        return self._poisoned >= self._config.limits.poison_batches

    def _count_exemplars(self) -> None:
        for kind in ("fault", "normal", "ignore"):
            self.metrics.exemplars.labels(kind).set(self._labels.count(kind))
        self.metrics.quarantined.set(self._labels.count_quarantined())
        self.metrics.judged.clear()
        for (name, judgement), count in self._labels.count_feedback().items():
            self.metrics.judged.labels(name, judgement).set(count)
        self.metrics.label_errors.inc(self._labels.take_refused())

    def _show(self) -> None:
        """Gauges and readiness, once a turn."""
        watermarks, lags = self._pipeline.watermarks(), self._source.lag()
        self.metrics.bundle_current.set(not self._succession.refused)
        self.metrics.cells.set(len(self._pipeline.cells))
        self.metrics.partitions.set(len(self._holdings.owned))
        self.metrics.frontier.set(min(watermarks.values(), default=0) * 60)
        self.metrics.lag_sum.set(sum(lags.values()))
        self.metrics.lag_max.set(max(lags.values(), default=0))
        if self._halted:
            self._not_ready("stopped consuming: most records are refused")
        elif not self._presence.look():
            self._not_ready(AWAY)
        elif not self._holdings.owned:
            self._not_ready("no partition is assigned")
        elif self._holdings.replaying:
            self._not_ready(f"{len(self._holdings.replaying)} partitions are replayed")
        else:
            self.health.ready = True
            self.metrics.ready.set(1)
            cells, partitions = len(self._pipeline.cells), len(self._holdings.owned)
            self._supervisor.status(
                True, f"{cells} cells of {partitions} partitions, {sum(lags.values())} records behind"
            )

    def _not_ready(self, reason: str) -> None:
        self.health.ready, self.health.reason = False, reason
        self.metrics.ready.set(0)
        self._supervisor.status(False, reason)
