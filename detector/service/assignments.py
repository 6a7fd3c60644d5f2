"""Which partitions are ours, and which of them are still replayed: what a rebalance means to those who remember.

A partition is taken up with its open alarms, heard in silence up to its committed offset, and aloud from there on.
"""

import logging

from detector.alarms.notifications import read_open_alarm
from detector.core.ingest.samples import Records
from detector.core.lifecycle import Alarm
from detector.core.pipeline import Pipeline
from detector.kafka.assignment import Assignment
from detector.kafka.compacted_table import CompactedTable
from detector.kafka.consumer import Poll
from detector.service.metrics import Metrics

log = logging.getLogger("faultline")


class PartitionAssignments:
    """Of one instance. The pipeline is given each time: another bundle brings another."""

    def __init__(self, open_table: CompactedTable, metrics: Metrics) -> None:
        self._open_table, self._metrics = open_table, metrics
        self.owned: set[int] = set()
        self.replaying: dict[int, int] = {}
        """Partitions behind their committed offset, with that offset."""

    def move(self, poll: Poll, pipeline: Pipeline) -> None:
        """Puts down what was revoked and takes up what was assigned. Raises ClusterError."""
        if poll.revoked or poll.assigned:
            self._metrics.rebalances.inc()
        for partition in poll.revoked:
            pipeline.revoke(partition)
            self.replaying.pop(partition, None)
            self.owned.discard(partition)
        if poll.assigned:
            opened = self._open_table.read([assignment.partition for assignment in poll.assigned])
            for assignment in poll.assigned:
                rows = sorted(opened[assignment.partition].items())
                self._take_up(assignment, [read_open_alarm(value) for _, value in rows], pipeline)

    def split(self, poll: Poll) -> tuple[list[Records], list[Records]]:
        """The poll's records before and from their partition's committed offset on."""
        silent: list[Records] = []
        audible: list[Records] = []
        for records in poll.records:
            limit = self.replaying.get(records.partition, -1)
            heard = int((records.offsets < limit).sum())
            for part, rows in ((silent, slice(0, heard)), (audible, slice(heard, None))):
                if len(records.offsets[rows]):
                    part.append(
                        Records(records.partition, records.offsets[rows], records.keys[rows], records.values[rows])
                    )
        return silent, audible

    def end_replays(self, poll: Poll, pipeline: Pipeline) -> None:
        """A replay ends at the committed offset, or at the end of the log: markers may fill the last offsets."""
        reached = [(records.partition, int(records.offsets[-1]) + 1) for records in poll.records]
        for partition, offset in (*reached, *poll.ended.items()):
            if offset >= self.replaying.get(partition, float("inf")):
                del self.replaying[partition]
                pipeline.catch_up(partition)
                log.info("partition %d: audible", partition)

    def _take_up(self, assignment: Assignment, opened: list[Alarm], pipeline: Pipeline) -> None:
        pipeline.assign(assignment.partition, assignment.memory, opened)
        self.replaying[assignment.partition] = assignment.audible_offset
        self.owned.add(assignment.partition)
        if assignment.reset:
            self._metrics.resets.labels(assignment.reset).inc()
        log.info(
            "partition %d: audible from offset %d, replay %s, %d alarms open",
            assignment.partition,
            assignment.audible_offset,
            f"from {assignment.memory.replay_offset}" if assignment.memory else "without memory",
            len(opened),
        )
