"""Partition assignments of one instance, and the effect of a rebalance on the pipeline.

An assigned partition is restored from its open alarms and from a replay up to its live offset. Alarms of
later records are published.
"""

import logging
from collections.abc import Iterable

from detector.alarms.notifications import read_open_alarm
from detector.config.schema import Kafka
from detector.core.ingest.samples import Records
from detector.core.lifecycle import Alarm
from detector.core.pipeline import Pipeline
from detector.errors import ClusterError, ForeignRecordError
from detector.kafka.compacted_table import CompactedTable, TableRecord
from detector.kafka.consumer import Poll
from detector.kafka.start_positions import Assignment
from detector.service.metrics import Metrics

log = logging.getLogger("faultline")


class PartitionAssignments:
    """Partitions that this instance owns. The pipeline is passed in, because a bundle reload replaces it."""

    def __init__(self, open_table: CompactedTable, metrics: Metrics, kafka: Kafka) -> None:
        self._open_table, self._metrics, self._kafka = open_table, metrics, kafka
        self.owned_partitions: set[int] = set()
        self.replay_ends: dict[int, int] = {}
        """Partitions in replay, with their live offset."""

    def apply(self, poll: Poll, pipeline: Pipeline) -> None:
        """Apply a poll's revocations and assignments to the pipeline. Raises ClusterError."""
        if poll.revocations or poll.assignments:
            self._metrics.rebalances.inc()
        for partition in poll.revocations:
            pipeline.revoke(partition)
            self.replay_ends.pop(partition, None)
            self.owned_partitions.discard(partition)
        if poll.assignments:
            open_records = self._open_table.read([assignment.partition for assignment in poll.assignments])
            for assignment in poll.assignments:
                self._assign(assignment, self._open_alarms(open_records[assignment.partition].values()), pipeline)

    def split(self, poll: Poll) -> tuple[list[Records], list[Records]]:
        """Return the poll's replayed records (before their partition's live offset) and live records."""
        replayed_records: list[Records] = []
        live_records: list[Records] = []
        for records in poll.records:
            live_offset = self.replay_ends.get(records.partition, -1)
            replayed_count = int((records.offsets < live_offset).sum())
            for part, rows in (
                (replayed_records, slice(0, replayed_count)),
                (live_records, slice(replayed_count, None)),
            ):
                if len(records.offsets[rows]):
                    part.append(records.part(rows))
        return replayed_records, live_records

    def end_replays(self, poll: Poll, pipeline: Pipeline) -> None:
        """End the replay of each partition that has reached its live offset.

        The end of the log counts too, because transaction markers may occupy the last offsets.
        """
        next_offsets = [(records.partition, int(records.offsets[-1]) + 1) for records in poll.records]
        for partition, offset in (*next_offsets, *poll.end_offsets.items()):
            if offset >= self.replay_ends.get(partition, float("inf")):
                del self.replay_ends[partition]
                pipeline.catch_up(partition)
                log.info("partition %d: the replay is over, alarms are published", partition)

    def _open_alarms(self, records: Iterable[TableRecord]) -> list[Alarm]:
        """Return the open alarms of one partition, by key.

        A record that is none may have replaced an open alarm, which would then never be cleared. So it ends the start,
        unless the operator has decided to skip it. Raises ClusterError.
        """
        alarms = []
        for record in sorted(records, key=lambda record: record.key or b""):
            try:
                alarms.append(read_open_alarm(record.key, record.value or b""))
            except ForeignRecordError as error:
                if not self._kafka.skip_foreign_records:
                    raise ClusterError(
                        f"Kafka at {self._kafka.common['bootstrap.servers']}: {record} was not written by Faultline"
                        f" ({error}); let only Faultline write to this topic, and retire the key with an empty record,"
                        " or set kafka.skip_foreign_records to true."
                    ) from None
                self._metrics.foreign_records.labels("active").inc()
                log.warning("skipped: %s was not written by Faultline (%s)", record, error)
        return alarms

    def _assign(self, assignment: Assignment, open_alarms: list[Alarm], pipeline: Pipeline) -> None:
        pipeline.assign(assignment.partition, assignment.checkpoint, open_alarms)
        self.replay_ends[assignment.partition] = assignment.live_offset
        self.owned_partitions.add(assignment.partition)
        if assignment.reset:
            self._metrics.resets.labels(assignment.reset).inc()
        checkpoint = assignment.checkpoint
        log.info(
            "partition %d: assigned, live from offset %d, replay %s, %d alarms open",
            assignment.partition,
            assignment.live_offset,
            f"from offset {checkpoint.replay_offset}" if checkpoint else "without a checkpoint",
            len(open_alarms),
        )
