"""Daemon: a loop of poll, rebalance, inference and publication.

All state between two iterations can be rebuilt from the log.
"""

import logging
import threading
from contextlib import suppress
from pathlib import Path
from time import time

import numpy as np

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
from detector.kafka.cluster.checks import check_topics
from detector.kafka.compacted_table import CompactedTable
from detector.kafka.consumer import MinuteConsumer, Poll
from detector.kafka.readers.group_members import GroupMember, GroupMonitor, foreign_sentence
from detector.kafka.sink import Sink
from detector.service.assignments import PartitionAssignments
from detector.service.canary import CanaryRunner
from detector.service.feed.health import DEAF, FeedHealth
from detector.service.feed.notices import FeedNotices
from detector.service.fencing import Fencing
from detector.service.http_server import Endpoints, Health
from detector.service.latency import LatencyMeter
from detector.service.metrics import Metrics
from detector.service.publisher import AlarmPublisher
from detector.service.serving import BundleReloader, ServingState, prepare_serving_state
from detector.service.systemd import SystemdNotifier
from detector.text import printable

log = logging.getLogger("faultline")

BROKER_AWAY = "Kafka does not answer"


class _StopRequested(Exception):
    """Request to stop during a wait for Kafka. The broker aborts an open transaction."""


class Service:
    """One instance of the daemon, from the start-up checks to an orderly shutdown."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self.metrics = Metrics()
        self.health = Health(config.runtime.stall_seconds)
        self.health.progress()
        self._systemd = SystemdNotifier()
        self._topic_limits = check_topics(config)
        self._bundle_reloader = BundleReloader(config, self._prepare)
        bundle, encoder = open_bundle(Path(config.bundle), config.runtime.threads, config.trusted_keys)
        self._endpoints = Endpoints(config.http, self.metrics.registry, self.health)
        self.metrics.set_client_certificates(kafka_ends(config.kafka))
        self.metrics.follow_http_certificate(lambda: self._endpoints.auth.certificate_end)
        self._stop = threading.Event()
        self._broker_monitor = BrokerMonitor(config.kafka, self._on_broker_answer)
        self._open_table = CompactedTable(config.kafka, config.kafka.topics.active, self._broker_monitor)
        self._canary_runner = CanaryRunner(config.runtime.canary_minutes)
        self.metrics.canary_period.set(60 * config.runtime.canary_minutes)
        self._serve(self._prepare(bundle, encoder))
        sink = Sink(config, self._broker_monitor, self._topic_limits.record_bytes)
        self._group_monitor = GroupMonitor(config)
        fencing = Fencing(config, self._group_monitor, lambda: self._consumer.member_id)
        self._publisher = AlarmPublisher(config, sink, self.metrics, fencing)
        self._consumer = MinuteConsumer(config, self._broker_monitor, self._group_monitor.name_rival)
        self._assignments = PartitionAssignments(self._open_table, self.metrics, config.kafka)
        self._foreign_members: tuple[GroupMember, ...] = ()
        self._latency = LatencyMeter(time())
        self._feed_notices, self._deafness = FeedNotices(), dict[str, str]()
        self.metrics.gpu.set(encoder.device == "gpu")
        log.info("bundle %s serves on %s/metrics", self._bundle.digest, self._endpoints.url)

    def run(self, stop: threading.Event) -> None:
        """Run the loop until `stop` is set. An iteration in progress is finished, with its transaction."""
        self._stop = stop
        with suppress(_StopRequested):
            while not stop.is_set():
                self._report_progress()
                self.run_once()
        self._systemd.notify_stopping()

    def _report_progress(self) -> None:
        self.health.progress()
        self._systemd.feed_watchdog()

    def run_once(self) -> None:
        """Run one iteration: one poll, from the input topic to the committed transaction."""
        self._follow_bundle()
        self._check_partition_count()
        poll = self._consumer.poll()
        self._assignments.apply(poll, self._pipeline)
        self._follow_labels()
        replayed_records, live_records = self._assignments.split(poll)
        if replayed_records:
            self.metrics.count_work(self._pipeline.process([(records, False) for records in replayed_records]))
        self._assignments.end_replays(poll, self._pipeline)
        if live_records:
            self._process_and_publish(live_records, poll)
        self._report_canary()
        self._report_state()

    def close(self) -> None:
        """Leave the group, so that other instances take over at once, and release all other resources."""
        self._consumer.close()
        self._bundle_reloader.close()
        self._canary_runner.close()
        self._label_table.close()
        self._open_table.close()
        self._endpoints.close()
        log.info("stopped")

    def _on_broker_answer(self, is_available: bool) -> None:
        """Handle a stop request and an unavailable broker during a wait.

        While the broker is unavailable, the daemon is alive and not ready. While it answers, a wait that does not end
        is not an outage, and the watchdog may end the process.
        """
        if self._stop.is_set():
            raise _StopRequested
        if not is_available:
            self._report_progress()
            self._set_not_ready(BROKER_AWAY)

    def _prepare(self, bundle: Bundle, encode: Encode) -> ServingState:
        return prepare_serving_state(self._config, bundle, encode, self.metrics.time_stage)

    def _serve(self, state: ServingState) -> None:
        self._bundle, self._labels, self._label_table = state.bundle, state.labels, state.table
        self._feed_health = FeedHealth(self._config.limits.deaf_share, state.bundle.catalogue.period_minutes)
        self._pipeline = state.pipeline
        self._canary_runner.use(state.canary)
        self.metrics.canary_recognised.set(0)
        self.metrics.bundle.info({"name": printable(self._bundle.manifest.name), "digest": self._bundle.digest})
        self._update_label_metrics()

    def _follow_bundle(self) -> None:
        """Replace the bundle between two polls, if a new bundle is ready.

        Every partition starts again as after a restart: the old pipeline's state does not fit the new bundle. A crash
        after this point has the same effect.
        """
        try:
            state = self._bundle_reloader.next(self._bundle)
        except BundleError as error:
            self.metrics.refused_bundles.labels(error.reason).inc()
            log.error("bundle refused, %s still serves: %s", self._bundle.digest, error)
            return
        if state is not None:
            log.info("bundle %s takes over from %s", state.bundle.digest, self._bundle.digest)
            self._label_table.close()
            self._serve(state)
            self._consumer.rewind()

    def _report_canary(self) -> None:
        result = self._canary_runner.poll()
        if result is None:
            return
        self.metrics.canary_plays.labels("recognised" if result.is_recognised else "missed").inc()
        self.metrics.canary_seconds.set(result.seconds)
        if result.is_recognised:
            self.metrics.canary_recognised.set(time())
        else:
            log.error(
                "the canary's fault was not recognised (%s), so the absence of alarms means nothing; check the bundle",
                result.error or "no alarm",
            )

    def _check_partition_count(self) -> None:
        """Raise ClusterError if the number of partitions has changed.

        Keys then map to other partitions than their stored state.
        """
        expected, count = self._topic_limits.partitions, self._broker_monitor.partition_count
        if count is not None and count != expected:
            servers, topics = self._config.kafka.common["bootstrap.servers"], self._config.kafka.topics
            raise ClusterError(
                f"Kafka at {servers}: topic {topics.minutes} has {count} partitions now and had {expected} at the"
                f" start, so keys map to other partitions than their stored state; give {topics.active} as many, and"
                " start again."
            )

    def _follow_labels(self) -> None:
        changes = list(self._label_table.changes())
        if not changes:
            return
        self._labels.put_all((record.key, record.value, str(record)) for record in changes)
        self._pipeline.use_classifier(self._labels.classifier())
        self._update_label_metrics()
        log.info("labels: %d changed", len(changes))

    def _process_and_publish(self, live_records: list[Records], poll: Poll) -> None:
        work = self._pipeline.process([(records, True) for records in live_records])
        count = sum(map(len, live_records))
        self.metrics.count_work(work)
        self.metrics.batch.observe(count)
        self._observe_feed(work, count)
        offsets = {
            records.partition: (int(records.offsets[-1]) + 1, self._pipeline.checkpoint(records.partition))
            for records in live_records
        }
        if not self._publisher.publish(work, offsets, self._consumer.group_metadata, self._bundle.digest):
            self._consumer.rewind()
            return
        self.metrics.count_published(work.events, self._pipeline.open_alarms(), SILENT)
        self._measure_latency(live_records, poll)

    def _measure_latency(self, live_records: list[Records], poll: Poll) -> None:
        timestamps_ms = [poll.timestamps_ms[records.partition][-len(records) :] for records in live_records]
        latency, ignored = self._latency.measure(np.concatenate(timestamps_ms), time())
        if latency is not None:
            self.metrics.latency.observe(latency)
        for reason, count in ignored.items():
            self.metrics.latency_ignored.labels(reason).inc(count)

    def _observe_feed(self, work: PollResult, records: int) -> None:
        """Note what of a poll could not be used, and say which features began to be unusable."""
        refused = [(str(rejection.reason), whole.keys[rejection.index]) for whole, rejection in work.rejections]
        self._feed_health.observe(records, refused, work.faults, time())
        for notice in self._feed_notices.notices(work.faults, time()):
            log.warning("%s", notice)

    def _report_deafness(self) -> None:
        """Log a change of what makes the instance deaf, and show it in a metric."""
        period = self._pipeline.feed_period()
        reasons = self._feed_health.reasons(len(self._pipeline.cells), period)
        self.metrics.feed_period.set(60 * (period or 0))
        for reason in DEAF:
            self.metrics.deaf.labels(reason).set(reason in reasons)
            if reason in reasons and reason not in self._deafness:
                log.warning("%s", reasons[reason])
            elif reason in self._deafness and reason not in reasons:
                log.info("the feed is well again: %s is over", reason)
        self._deafness = reasons

    def _update_label_metrics(self) -> None:
        for kind in ("fault", "normal", "ignore"):
            self.metrics.exemplars.labels(kind).set(self._labels.count(kind))
        self.metrics.quarantined_exemplars.set(self._labels.count_quarantined())
        self.metrics.judged_alarms.clear()
        for (name, judgement), count in self._labels.count_feedback().items():
            self.metrics.judged_alarms.labels(name, judgement).set(count)
        refused, foreign = self._labels.take_refused()
        self.metrics.label_errors.inc(refused)
        self.metrics.foreign_records.labels("labels").inc(foreign)

    def _report_state(self) -> None:
        """Update gauges, readiness and systemd's status."""
        watermarks, lags = self._pipeline.watermarks(), self._consumer.lag()
        self.metrics.bundle_current.set(not self._bundle_reloader.is_refused)
        self.metrics.cells.set(len(self._pipeline.cells))
        self.metrics.partitions.set(len(self._assignments.owned_partitions))
        self.metrics.watermark.set(min(watermarks.values(), default=0) * 60)
        self.metrics.lag_sum.set(sum(lags.values()))
        if lags and len(lags) == len(self._assignments.owned_partitions) and not any(lags.values()):
            self._latency.set_caught_up(time())
        self.metrics.lag_max.set(max(lags.values(), default=0))
        self._report_foreign_members()
        self._report_deafness()
        reason = self._unready_reason()
        if reason:
            self._set_not_ready(reason)
            return
        self.health.is_ready = True
        self.metrics.readiness.set(1)
        cells, partitions = len(self._pipeline.cells), len(self._assignments.owned_partitions)
        self._systemd.notify_status(
            True, f"{cells} cells of {partitions} partitions, {sum(lags.values())} records behind"
        )

    def _report_foreign_members(self) -> None:
        """Log a change of the group's members that are not Faultline, and count them."""
        members = self._group_monitor.foreign_members(bool(self._assignments.owned_partitions))
        self.metrics.foreign_members.set(len(members))
        if {member.member_id for member in members} == {member.member_id for member in self._foreign_members}:
            return
        self._foreign_members = members
        if members:
            log.warning("%s; their partitions are watched by nobody", foreign_sentence(members, self._config))
        else:
            log.info("group %s has only members of Faultline again", self._config.kafka.group)

    def _unready_reason(self) -> str:
        """Return why the daemon is not ready; empty when it is."""
        if not self._broker_monitor.is_available():
            return BROKER_AWAY
        if not self._assignments.owned_partitions:
            foreign = foreign_sentence(self._foreign_members, self._config) if self._foreign_members else ""
            return f"no partition is assigned: {foreign}" if foreign else "no partition is assigned"
        if self._assignments.replay_ends:
            return f"{len(self._assignments.replay_ends)} partitions are replayed"
        return next(iter(self._deafness.values()), "")

    def _set_not_ready(self, reason: str) -> None:
        self.health.is_ready, self.health.reason = False, reason
        self.metrics.readiness.set(0)
        self._systemd.notify_status(False, reason)
