"""Alarm publisher: the result of a poll, from the pipeline to one transaction."""

import logging
from typing import Any

from detector.alarms.notifications import (
    AlarmMessage,
    Context,
    alarm_id,
    notification_message,
    open_alarm_message,
)
from detector.config.schema import Config
from detector.core.ingest.checkpoint import Checkpoint
from detector.core.lifecycle import Event
from detector.core.pipeline import PollResult
from detector.kafka.errors import explain
from detector.kafka.sink import Sink
from detector.kafka.transactions import Aborted, Fenced
from detector.service.fencing import Fencing
from detector.service.metrics import Metrics
from detector.timestamps import iso_time

log = logging.getLogger("faultline")

ABORTS = 10
"""Aborted transactions in a row that end the process. So many are no outage: something refuses what is published."""

Offsets = dict[int, tuple[int, Checkpoint | None]]
"""Next offset and checkpoint, by partition."""


class AlarmPublisher:
    """Publisher of events, dead letters and offsets, with their metrics and log lines."""

    def __init__(self, config: Config, sink: Sink, metrics: Metrics, fencing: Fencing) -> None:
        self._config, self._sink, self._metrics, self._fencing = config, sink, metrics, fencing
        self._abort_count = 0
        """Aborted transactions in a row."""

    def publish(self, work: PollResult, offsets: Offsets, group_metadata: Any, digest: str) -> bool:
        """Publish a poll's work, and return whether it was committed; otherwise it was rolled back.

        `digest` is that of the bundle in use. Raises ClusterError after ABORTS rollbacks in a row, and where another
        process runs as this instance.
        """
        context = Context(self._config.alarms.system_dn, digest)
        messages = [_messages(event, context) for event in work.events]
        try:
            with self._metrics.time_stage("publish"):
                cut_alarms = self._sink.publish(messages, work.rejections, offsets, group_metadata)
        except Fenced as fenced:
            self._metrics.transactions.labels("aborted").inc()
            self._fencing.judge(fenced)
            self._sink.take_over()
            return False
        except Aborted as aborted:
            self._metrics.transactions.labels("aborted").inc()
            self._abort_count += 1
            if self._abort_count >= ABORTS:
                raise explain(aborted.error, self._config.kafka) from None
            return False
        self._abort_count = 0
        self._metrics.transactions.labels("committed").inc()
        for outcome, count in cut_alarms.items():
            self._metrics.cut_alarms.labels(outcome).inc(count)
        self._report_withheld(work)
        _log_commit(work, offsets)
        return True

    def _report_withheld(self, work: PollResult) -> None:
        for episode in work.suppressed_episodes:
            self._metrics.withheld_alarms.labels(episode.reason).inc()
            log.info(
                "no alarm: cell %s, %s since %s (%s)",
                episode.cell,
                episode.name,
                iso_time(episode.minute),
                episode.reason,
            )


def _messages(event: Event, context: Context) -> tuple[int, AlarmMessage, AlarmMessage]:
    return event.partition, notification_message(event, context), open_alarm_message(event)


def _log_commit(work: PollResult, offsets: Offsets) -> None:
    """Log the commit at debug level, so that an alarm can be followed from its record's offset to its id."""
    if not log.isEnabledFor(logging.DEBUG):
        return
    next_offsets = {partition: offset for partition, (offset, _) in offsets.items()}
    log.debug("committed %s, %d refused", next_offsets, len(work.rejections))
    for event in work.events:
        alarm = event.alarm
        fault = f"{alarm.name} in {alarm.cell}, {alarm.severity}"
        log.debug("alarm %s %s: %s", alarm_id(alarm), event.change, fault)
