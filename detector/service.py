"""The loop: poll, take up and put down partitions, judge, publish. One turn per poll, and nothing kept between turns
but what the log can rebuild.
"""

import logging
import threading
from contextlib import suppress
from pathlib import Path
from time import time

from detector.bundle import Bundle, open_bundle
from detector.certificates import kafka_ends
from detector.config import Config
from detector.core.alarms import SILENT, Alarm, Event
from detector.core.encoder import Encode
from detector.core.pipeline import Work
from detector.core.samples import Records
from detector.core.votes import Memory
from detector.endpoints import Endpoints, Health
from detector.errors import BundleError, ClusterError
from detector.kafka.addresses import Assignment
from detector.kafka.cluster import check_topics, explain
from detector.kafka.presence import Presence
from detector.kafka.sink import Sink
from detector.kafka.source import Poll, Source
from detector.kafka.tables import Table
from detector.kafka.transactions import Aborted
from detector.metrics import Metrics
from detector.notifications import Context, Message, alarm_id, iso_time, notification, open_record, read_open
from detector.office import Office, take_office
from detector.succession import Succession
from detector.supervisor import Supervisor

log = logging.getLogger("faultline")

AWAY = "Kafka does not answer"

ABORTS = 10
"""So many transactions rolled back running are no weather: something refuses what is published, and says what."""


class _Stopped(Exception):
    """Asked to stop while Kafka was waited for: an open transaction is left to be rolled back."""


class Service:
    """One instance of the daemon, from its start-up checks to its orderly end."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self.metrics = Metrics()
        self.health = Health(config.runtime.stall_seconds)
        self.health.progress()
        self._supervisor = Supervisor()
        self._partitions = check_topics(config)
        self._succession = Succession(config, self._prepare)
        bundle, encoder = open_bundle(Path(config.bundle), config.runtime.threads)
        self._endpoints = Endpoints(config.http, self.metrics.registry, self.health)
        self.metrics.certificates(kafka_ends(config.kafka))
        self.metrics.shown_certificate(lambda: self._endpoints.entrance.end)
        self._stop = threading.Event()
        self._presence = Presence(config.kafka, self._wait_for_kafka)
        self._open_table = Table(config.kafka, config.kafka.topics.active, self._presence)
        self._take_office(self._prepare(bundle, encoder))
        self._sink = Sink(config, self._presence)
        self._source = Source(config, self._presence)
        self._replaying: dict[int, int] = {}
        """Partitions behind their committed offset, with that offset."""
        self._owned: set[int] = set()
        self._aborted = 0
        """Transactions rolled back running."""
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
        self._move_partitions(poll)
        self._follow_labels()
        silent, audible = self._split(poll)
        if silent:
            self.metrics.worked(self._pipeline.process([(records, False) for records in silent]))
        self._end_replays(poll)
        if audible and not self._halted:
            self._judge_and_publish(audible, poll)
        self._show()

    def close(self) -> None:
        """Leaves the group, so that others take over at once."""
        self._source.close()
        self._succession.close()
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

    def _prepare(self, bundle: Bundle, encode: Encode) -> Office:
        return take_office(self._config, bundle, encode, self.metrics.timed)

    def _take_office(self, office: Office) -> None:
        self._bundle, self._labels, self._label_table = office.bundle, office.labels, office.table
        self._pipeline = office.pipeline
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

    def _check_partitions(self) -> None:
        """Their number says where a cell lies: when it changes, cells are elsewhere than their memory."""
        count = self._presence.partitions
        if count is not None and count != self._partitions:
            servers, topics = self._config.kafka.common["bootstrap.servers"], self._config.kafka.topics
            raise ClusterError(
                f"Kafka at {servers}: {topics.minutes} has {count} partitions now and had {self._partitions}, so cells"
                f" have moved; give {topics.active} as many, and start again."
            )

    def _move_partitions(self, poll: Poll) -> None:
        if poll.revoked or poll.assigned:
            self.metrics.rebalances.inc()
        for partition in poll.revoked:
            self._pipeline.revoke(partition)
            self._replaying.pop(partition, None)
            self._owned.discard(partition)
        if poll.assigned:
            opened = self._open_table.read([assignment.partition for assignment in poll.assigned])
            for assignment in poll.assigned:
                rows = sorted(opened[assignment.partition].items())
                self._take_up(assignment, [read_open(value) for _, value in rows])

    def _take_up(self, assignment: Assignment, opened: list[Alarm]) -> None:
        self._pipeline.assign(assignment.partition, assignment.memory, opened)
        self._replaying[assignment.partition] = assignment.audible_offset
        self._owned.add(assignment.partition)
        if assignment.reset:
            self.metrics.resets.labels(assignment.reset).inc()
        log.info(
            "partition %d: audible from offset %d, replay %s, %d alarms open",
            assignment.partition,
            assignment.audible_offset,
            f"from {assignment.memory.replay_offset}" if assignment.memory else "without memory",
            len(opened),
        )

    def _follow_labels(self) -> None:
        changes = list(self._label_table.changes())
        if not changes:
            return
        self._labels.put_all(changes)
        self._pipeline.adopt(self._labels.judge())
        self._count_exemplars()
        log.info("labels: %d changed", len(changes))

    def _split(self, poll: Poll) -> tuple[list[Records], list[Records]]:
        """The poll's records before and from their partition's committed offset on."""
        silent: list[Records] = []
        audible: list[Records] = []
        for records in poll.records:
            limit = self._replaying.get(records.partition, -1)
            heard = int((records.offsets < limit).sum())
            for part, rows in ((silent, slice(0, heard)), (audible, slice(heard, None))):
                if len(records.offsets[rows]):
                    part.append(
                        Records(records.partition, records.offsets[rows], records.keys[rows], records.values[rows])
                    )
        return silent, audible

    def _end_replays(self, poll: Poll) -> None:
        """A replay ends at the committed offset, or at the end of the log: markers may fill the last offsets."""
        for records in poll.records:
            if records.offsets[-1] + 1 >= self._replaying.get(records.partition, float("inf")):
                self._end_replay(records.partition)
        for partition, offset in poll.ended.items():
            if offset >= self._replaying.get(partition, float("inf")):
                self._end_replay(partition)

    def _end_replay(self, partition: int) -> None:
        del self._replaying[partition]
        self._pipeline.catch_up(partition)
        log.info("partition %d: audible", partition)

    def _judge_and_publish(self, audible: list[Records], poll: Poll) -> None:
        work = self._pipeline.process([(records, True) for records in audible])
        self.metrics.worked(work)
        self.metrics.batch.observe(sum(map(len, audible)))
        if self._poisonous(work, sum(map(len, audible))):
            return
        offsets = {
            records.partition: (int(records.offsets[-1]) + 1, self._pipeline.memory(records.partition))
            for records in audible
        }
        messages = [self._messages(event) for event in work.events]
        try:
            with self.metrics.timed("publish"):
                cut = self._sink.publish(messages, work.rejections, offsets, self._source.group_metadata)
        except Aborted as aborted:
            self.metrics.transactions.labels("aborted").inc()
            self._aborted += 1
            if self._aborted >= ABORTS:
                raise explain(aborted.error, self._config.kafka) from None
            self._source.rewind()
            return
        self._aborted = 0
        self._tell_withheld(work)
        self._tell(work, offsets)
        for outcome, count in cut.items():
            self.metrics.alarms_cut.labels(outcome).inc(count)
        self.metrics.published(work.events, self._pipeline.open_alarms(), SILENT)
        if poll.oldest_ms is not None:
            self.metrics.latency.observe(max(0.0, time() - poll.oldest_ms / 1000))

    def _tell_withheld(self, work: Work) -> None:
        for one in work.withheld:
            self.metrics.withheld.labels(one.because.reason).inc()
            log.info(
                "no alarm: %s, %s since %s (%s)", one.cell, one.because.name, iso_time(one.minute), one.because.reason
            )

    def _tell(self, work: Work, offsets: dict[int, tuple[int, Memory | None]]) -> None:
        """What was committed, for whoever follows an alarm: from its record's offset to its id."""
        if not log.isEnabledFor(logging.DEBUG):
            return
        log.debug("committed %s, %d refused", {number: at for number, (at, _) in offsets.items()}, len(work.rejections))
        for event in work.events:
            alarm = event.alarm
            log.debug(
                "alarm %s %s: %s in %s, %s", alarm_id(alarm), event.change, alarm.name, alarm.cell, alarm.severity
            )

    def _messages(self, event: Event) -> tuple[int, Message, Message]:
        context = Context(self._config.alarms.system_dn, self._bundle.digest)
        return event.partition, notification(event, context), open_record(event)

    def _poisonous(self, work: Work, records: int) -> bool:
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
        self.metrics.quarantined.set(self._labels.count_held())
        self.metrics.judged.clear()
        for (name, judgement), count in self._labels.judged().items():
            self.metrics.judged.labels(name, judgement).set(count)
        self.metrics.label_errors.inc(self._labels.take_refused())

    def _show(self) -> None:
        """Gauges and readiness, once a turn."""
        frontiers, lags = self._pipeline.frontiers(), self._source.lag()
        self.metrics.bundle_current.set(not self._succession.refused)
        self.metrics.cells.set(len(self._pipeline.cells))
        self.metrics.partitions.set(len(self._owned))
        self.metrics.frontier.set(min(frontiers.values(), default=0) * 60)
        self.metrics.lag_sum.set(sum(lags.values()))
        self.metrics.lag_max.set(max(lags.values(), default=0))
        if self._halted:
            self._not_ready("stopped consuming: most records are refused")
        elif not self._presence.look():
            self._not_ready(AWAY)
        elif not self._owned:
            self._not_ready("no partition is assigned")
        elif self._replaying:
            self._not_ready(f"{len(self._replaying)} partitions are replayed")
        else:
            self.health.ready = True
            self.metrics.ready.set(1)
            cells, partitions = len(self._pipeline.cells), len(self._owned)
            self._supervisor.status(
                True, f"{cells} cells of {partitions} partitions, {sum(lags.values())} records behind"
            )

    def _not_ready(self, reason: str) -> None:
        self.health.ready, self.health.reason = False, reason
        self.metrics.ready.set(0)
        self._supervisor.status(False, reason)
