"""Deviations of the topics from what the guarantees need: one list, which `check` reports and `topics --fix` mends.

An error: data is lost, or nothing can be published, with one failure or none. A warning: two failures lose data, or one
stops the work.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from detector.config.schema import Config
from detector.kafka.cluster import layout
from detector.kafka.cluster.state import ClusterState, TopicState

Level = Literal["warning", "error"]

POLICY, RETENTION, RETENTION_BYTES = "cleanup.policy", "retention.ms", "retention.bytes"
RECORD_BYTES, IN_SYNC, UNCLEAN = "max.message.bytes", "min.insync.replicas", "unclean.leader.election.enable"
OLDEST_TIMESTAMP, TIMESTAMP_TYPE = "message.timestamp.before.max.ms", "message.timestamp.type"
SETTINGS = (POLICY, RETENTION, RETENTION_BYTES, RECORD_BYTES, IN_SYNC, UNCLEAN, OLDEST_TIMESTAMP, TIMESTAMP_TYPE)
"""Settings that are looked at."""

PARTITIONS, REPLICAS = "partitions", "replicas"
"""Parts of a topic that are no settings, and are altered by other requests."""

POLICY_REASONS = {
    "minutes": "so a restart finds only the newest minute of each cell",
    "alarms": "so only the newest notification of each cell stays",
    "deadletters": "so a refused record without a key cannot be written, and nothing is published with it",
    "active": "so an open alarm is forgotten after its retention, and reported again as new",
    "labels": "so what was taught is deleted after its retention",
}
"""Harm that the wrong cleanup policy does."""


@dataclass(frozen=True, kw_only=True)
class Deviation:
    """One value of a topic that should be another."""

    topic: str
    name: str
    """A setting of Kafka's, or `partitions` or `replicas`."""
    value: str
    wanted: str
    level: Level
    reason: str
    """Clause that goes on after the value: the harm."""


def topic_deviations(state: ClusterState, config: Config) -> list[Deviation]:
    """Return the deviations of all topics that exist. Settings that may not be read are passed over."""
    found: list[Deviation] = []
    for role, name in layout.topic_roles(config).items():
        topic = state.topics.get(name)
        if topic is None:
            continue
        view = _View(role, name, topic, config)
        found += [*_policy(view), *_retention(view), *_retention_bytes(view), *_record_bytes(view)]
        found += [*_replicas(view, len(state.brokers)), *_in_sync(view), *_timestamps(view)]
    return [*found, *_partitions(state, config)]


@dataclass(frozen=True)
class _View:
    """One topic with its role."""

    role: str
    name: str
    topic: TopicState
    config: Config

    def text(self, setting: str) -> str | None:
        return None if self.topic.settings is None else self.topic.settings.get(setting)

    def number(self, setting: str) -> int | None:
        value = self.text(setting)
        return int(value) if value else None

    def deviation(self, name: str, wanted: object, level: Level, reason: str) -> Deviation:
        value = self.text(name) if name in SETTINGS else {REPLICAS: self.topic.replication}.get(name)
        return Deviation(topic=self.name, name=name, value=str(value), wanted=str(wanted), level=level, reason=reason)


def _policy(view: _View) -> Iterator[Deviation]:
    value = view.text(POLICY)
    if value is None:
        return
    policies = {policy.strip() for policy in value.split(",")} - {""}
    wanted = layout.cleanup_policy(view.role)
    if policies - {wanted}:
        yield view.deviation(POLICY, wanted, "error", POLICY_REASONS[view.role])
    elif not policies:  # since Kafka 4.1 a topic may have none
        yield view.deviation(POLICY, wanted, "warning", "so the topic grows without end")


def _retention(view: _View) -> Iterator[Deviation]:
    value = view.number(RETENTION)
    if value is None or value < 0:
        return
    minutes = value // 60_000
    if view.role == "minutes":
        needed, wanted = layout.restart_minutes(view.config), layout.input_retention_ms(view.config)
        if minutes < needed:
            reason = f"which is {minutes} minutes, and a restart must read back {needed}"
            yield view.deviation(RETENTION, wanted, "error", reason)
        elif minutes < needed + layout.OUTAGE_MINUTES:
            reason = (
                f"which is {minutes} minutes: a restart reads back {needed}, so a daemon that is away for more than"
                f" {minutes - needed} minutes loses records"
            )
            yield view.deviation(RETENTION, wanted, "warning", reason)
    elif view.role == "alarms" and value < layout.DAY_MS:
        reason = f"which is {minutes} minutes: a consumer that is away for longer misses notifications"
        yield view.deviation(RETENTION, layout.DAY_MS, "warning", reason)


def _retention_bytes(view: _View) -> Iterator[Deviation]:
    value = view.number(RETENTION_BYTES)
    if view.role != "minutes" or value is None or value < 0:
        return
    minutes = layout.restart_minutes(view.config)
    cells = value // (minutes * layout.MINUTE_BYTES) * view.topic.partitions
    if cells >= view.config.limits.cells:
        return
    level: Level = "warning" if cells else "error"
    reason = (
        f"enough for {cells} cells over the {minutes} minutes that a restart reads back (limits.cells is"
        f" {view.config.limits.cells})"
    )
    yield view.deviation(RETENTION_BYTES, -1, level, reason)


def _record_bytes(view: _View) -> Iterator[Deviation]:
    value, config = view.number(RECORD_BYTES), view.config
    if value is None:
        return
    if view.role == "minutes":
        if value < config.limits.record_bytes:
            reason = f"and limits.record_bytes is {config.limits.record_bytes}, so longer records are lost at the feed"
            yield view.deviation(RECORD_BYTES, layout.input_record_bytes(config), "warning", reason)
    elif view.role == "labels":
        if value < layout.LABEL_BYTES:
            reason = f"and a label may need {layout.LABEL_BYTES}, so it cannot be taught"
            yield view.deviation(RECORD_BYTES, layout.KAFKA_RECORD_BYTES, "warning", reason)
    elif value < layout.LEAST_RECORD_BYTES:
        reason = f"and an alarm may need {layout.LEAST_RECORD_BYTES}"
        yield view.deviation(RECORD_BYTES, layout.KAFKA_RECORD_BYTES, "error", reason)


def _replicas(view: _View, brokers: int) -> Iterator[Deviation]:
    replication, wanted = view.topic.replication, layout.replication_factor(brokers)
    if replication >= wanted or replication == 0:
        return
    if replication == 1:
        reason = f"on {brokers} brokers, so one that fails takes its records with it"
        yield view.deviation(REPLICAS, wanted, "error", reason)
    else:
        reason = f"on {brokers} brokers, so one that fails either stops the work or leaves records on a single broker"
        yield view.deviation(REPLICAS, wanted, "warning", reason)


def _in_sync(view: _View) -> Iterator[Deviation]:
    least, replication = view.number(IN_SYNC), view.topic.replication
    if least is not None and replication:
        wanted = layout.least_in_sync(replication)
        if least > replication:
            reason = f"above the replicas of the topic, {replication}, so nothing can be written"
            yield view.deviation(IN_SYNC, wanted, "error", reason)
        elif replication > 1 and least == replication:
            reason = f"and the topic has {replication} replicas, so one broker that fails stops the work"
            yield view.deviation(IN_SYNC, wanted, "warning", reason)
        elif replication > layout.least_in_sync(replication) > least:
            reason = "so a record counts as written while only one broker has it, and is lost if that one fails"
            yield view.deviation(IN_SYNC, wanted, "warning", reason)
    if view.text(UNCLEAN) == "true" and replication > 1:
        reason = "so a broker that has missed records may lead, and they are lost"
        yield view.deviation(UNCLEAN, "false", "warning", reason)


def _timestamps(view: _View) -> Iterator[Deviation]:
    """Yield a refusal of old records: an alarm carries the time of its minute, which lies back after an outage."""
    oldest = view.number(OLDEST_TIMESTAMP)
    if view.role not in ("alarms", "active") or oldest is None or view.text(TIMESTAMP_TYPE) == "LogAppendTime":
        return
    if oldest < layout.input_retention_ms(view.config):
        reason = f"which is {oldest // 60_000} minutes: after a longer outage no alarm can be published"
        yield view.deviation(OLDEST_TIMESTAMP, layout.FOREVER, "warning", reason)


def _partitions(state: ClusterState, config: Config) -> Iterator[Deviation]:
    topics = config.kafka.topics
    minutes, active = state.topics.get(topics.minutes), state.topics.get(topics.active)
    if minutes is None or active is None or minutes.partitions == active.partitions:
        return
    yield Deviation(
        topic=topics.active,
        name=PARTITIONS,
        value=str(active.partitions),
        wanted=str(minutes.partitions),
        level="error",
        reason="an open alarm lies in the partition of its cell's minutes",
    )
