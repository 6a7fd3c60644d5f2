"""State of the cluster as plain data: topics, settings, rights, groups and commits. No client is needed to judge it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from detector.core.ingest.checkpoint import Checkpoint


@dataclass(frozen=True, kw_only=True)
class TopicState:
    """One topic that this user may see."""

    replicas: tuple[tuple[int, ...], ...]
    """Brokers of each partition."""
    settings: Mapping[str, str] | None = None
    """Settings in effect, defaults included; None where they may not be read."""
    operations: frozenset[str] | None = None
    """Operations that this user may do, as `READ`; None where the cluster does not say."""

    @property
    def partitions(self) -> int:
        return len(self.replicas)

    @property
    def replication(self) -> int:
        """Replicas of the partition that has the fewest."""
        return min(map(len, self.replicas), default=0)


@dataclass(frozen=True, kw_only=True)
class GroupState:
    """One consumer group."""

    operations: frozenset[str] | None = None
    """Operations that this user may do; empty where the group may not be described, None where it is unknown."""
    is_idle: bool | None = None
    """Whether it has no member; None where it is unknown."""


@dataclass(frozen=True, kw_only=True)
class ClusterState:
    """Everything that the checks look at."""

    brokers: tuple[int, ...]
    topics: Mapping[str, TopicState]
    """All topics that this user may see, not only those of the configuration."""
    denied_topics: frozenset[str] = frozenset()
    """Topics of the configuration that this user may not see. They may exist or not."""
    groups: Mapping[str, GroupState] = field(default_factory=dict)
    broker_settings: Mapping[str, str] | None = None
    """Settings of one broker; None where they may not be read."""
    has_controller: bool = True
    """Whether the cluster describes itself. An embedded broker does not: it has no controller."""

    def setting(self, topic: str, name: str) -> str | None:
        """Return a topic's setting; None where the topic or the setting is unknown."""
        state = self.topics.get(topic)
        return None if state is None or state.settings is None else state.settings.get(name)

    def broker_number(self, name: str) -> int | None:
        """Return a broker's setting that is a number; None where it is unknown."""
        value = (self.broker_settings or {}).get(name)
        return int(value) if value else None


@dataclass(frozen=True, kw_only=True)
class CommitState:
    """Commit of one partition of the input topic, with the log that it points into."""

    partition: int
    offset: int | None
    """Committed offset; None where there is no commit."""
    checkpoint: "Checkpoint | None" = None
    low: int = 0
    """First offset of the log."""
    high: int = 0
    """End of the log."""
    open_records: int = 0
    """Offsets in use on the same partition of the topic of open alarms."""
