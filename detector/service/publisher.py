"""What a poll came to goes out, in one transaction, and is told to whoever follows; or the poll must be taken again."""

import logging
from typing import Any

from detector.alarms.notifications import (
    AlarmMessage,
    Context,
    alarm_id,
    iso_time,
    notification_message,
    open_alarm_message,
)
from detector.config.schema import Config
from detector.core.ingest.checkpoint import Checkpoint
from detector.core.lifecycle import Event
from detector.core.pipeline import PollResult
from detector.kafka.errors import explain
from detector.kafka.sink import Sink
from detector.kafka.transactions import Aborted
from detector.service.metrics import Metrics

log = logging.getLogger("faultline")

ABORTS = 10
"""So many transactions rolled back running are no weather: something refuses what is published, and says what."""

Offsets = dict[int, tuple[int, Checkpoint | None]]
"""Each partition's next offset, with its memory."""


class AlarmPublisher:
    """From a poll's work to the log."""

    def __init__(self, config: Config, sink: Sink, metrics: Metrics) -> None:
        self._config, self._sink, self._metrics = config, sink, metrics
        self._aborted = 0
        """Transactions rolled back running."""

    def publish(self, work: PollResult, offsets: Offsets, group_metadata: Any, digest: str) -> bool:
        """Whether it was committed; else it was rolled back. Raises ClusterError when that goes on and on.

        `digest`: of the bundle that judged.
        """
        context = Context(self._config.alarms.system_dn, digest)
        messages = [_messages(event, context) for event in work.events]
        try:
            with self._metrics.timed("publish"):
                cut = self._sink.publish(messages, work.rejections, offsets, group_metadata)
        except Aborted as aborted:
            self._metrics.transactions.labels("aborted").inc()
            self._aborted += 1
            if self._aborted >= ABORTS:
                raise explain(aborted.error, self._config.kafka) from None
            return False
        self._aborted = 0
        self._metrics.transactions.labels("committed").inc()
        for outcome, count in cut.items():
            self._metrics.alarms_cut.labels(outcome).inc(count)
        self._tell_withheld(work)
        _tell(work, offsets)
        return True

    def _tell_withheld(self, work: PollResult) -> None:
        for one in work.suppressed_episodes:
            self._metrics.withheld.labels(one.reason).inc()
            log.info("no alarm: %s, %s since %s (%s)", one.cell, one.name, iso_time(one.minute), one.reason)


def _messages(event: Event, context: Context) -> tuple[int, AlarmMessage, AlarmMessage]:
    return event.partition, notification_message(event, context), open_alarm_message(event)


def _tell(work: PollResult, offsets: Offsets) -> None:
    """What was committed, for whoever follows an alarm: from its record's offset to its id."""
    if not log.isEnabledFor(logging.DEBUG):
        return
    log.debug("committed %s, %d refused", {number: at for number, (at, _) in offsets.items()}, len(work.rejections))
    for event in work.events:
        alarm = event.alarm
        log.debug("alarm %s %s: %s in %s, %s", alarm_id(alarm), event.change, alarm.name, alarm.cell, alarm.severity)
