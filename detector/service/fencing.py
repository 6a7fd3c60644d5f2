"""Answer to a fenced producer: take the transactional id back once or twice, or end with a sentence.

A predecessor that was stopped and goes on takes the id once, before it learns that its place in the group is gone. It
must not end its successor. A program that uses the id on purpose takes it again and again. Exactly-once holds in both
cases: offsets are committed only by a member of the group, in the transaction of its alarms.
"""

import logging
from collections import deque
from collections.abc import Callable
from time import monotonic

from detector.config.schema import Config, transactional_id
from detector.errors import ClusterError
from detector.kafka.errors import explain
from detector.kafka.readers.group_members import GroupMonitor
from detector.kafka.transactions import Fenced

log = logging.getLogger("faultline")

FENCES = 3
"""Fences within FENCE_SECONDS that end the process. A predecessor causes one."""

FENCE_SECONDS = 600.0
"""Period in which fences are counted: a supervisor starts a fenced program again within seconds or minutes."""


class Fencing:
    """Counter of the fences of this instance's transactional id."""

    def __init__(self, config: Config, group_monitor: GroupMonitor, member_id: Callable[[], str]) -> None:
        """`member_id` returns this instance's id in the group."""
        self._kafka, self._group_monitor, self._member_id = config.kafka, group_monitor, member_id
        self._fenced_at: deque[float] = deque(maxlen=FENCES)

    def judge(self, fenced: Fenced) -> None:
        """Return if the id may be taken back. Raises ClusterError if this instance must end."""
        member_id = self._member_id()
        if not self._group_monitor.has_member(member_id):
            raise explain(fenced.error, self._kafka, rival=self._group_monitor.name_rival(member_id)) from None
        self._fenced_at.append(monotonic())
        name = transactional_id(self._kafka)
        if len(self._fenced_at) == FENCES and self._fenced_at[-1] - self._fenced_at[0] < FENCE_SECONDS:
            raise ClusterError(
                f"Kafka at {self._kafka.common['bootstrap.servers']}: transactional id {name} is used by another"
                f" program, which took it {FENCES} times within {FENCE_SECONDS / 60:g} minutes and has not this"
                f" instance's place in group {self._kafka.group}; give that program another transactional.id, or this"
                " one another kafka.instance."
            )
        log.warning(
            "transactional id %s was taken by another process, a predecessor that was held up or a program of the same"
            " transactional.id; it is taken back, and nothing was published twice",
            name,
        )
