"""Report of `faultline topics`: the topics with what the guarantees depend on, and the fixes."""

from collections.abc import Sequence
from typing import Any

import msgspec

from detector.config.schema import Config
from detector.kafka.cluster.deviations import IN_SYNC, POLICY, RECORD_BYTES, RETENTION
from detector.kafka.cluster.fixes import ALTERED, POSSIBLE, Fix
from detector.kafka.cluster.layout import topic_roles
from detector.kafka.cluster.state import ClusterState, TopicState
from detector.terminal import print_document, print_line, print_lines

HEADER = ("topic", "partitions", "replicas", "in sync", "policy", "retention")

UNKNOWN = "?"
"""Value that this user may not read."""

UNITS = ((86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1000, "s"), (1, "ms"))


class TopicsReport:
    """Topics of the configuration on one cluster."""

    def __init__(
        self, config: Config, state: ClusterState, created: Sequence[str], fixes: Sequence[Fix] | None
    ) -> None:
        """`fixes`: deviations with their outcome; None where they were not asked for."""
        self._roles, self._state = topic_roles(config), state
        self._created, self._fixes = created, fixes

    @property
    def missing_topics(self) -> list[str]:
        return [name for name in self._roles.values() if name not in self._state.topics]

    def print(self, *, as_json: bool) -> None:
        """Print the report as text, or as one JSON document."""
        if as_json:
            fixes = None if self._fixes is None else [msgspec.to_builtins(fix) for fix in self._fixes]
            topics = [self._document(role, name) for role, name in self._roles.items()]
            print_document({"topics": topics} | ({} if fixes is None else {"fixes": fixes}))
            return
        self._print_table()
        if self._fixes is not None:
            self._print_fixes(self._fixes)

    def _document(self, role: str, name: str) -> dict[str, Any]:
        topic = self._state.topics.get(name)
        if topic is None:
            return {"role": role, "topic": name, "exists": False}
        settings = topic.settings or {}
        return {
            "role": role,
            "topic": name,
            "exists": True,
            "created": name in self._created,
            "partitions": topic.partitions,
            "replicas": topic.replication,
            "settings": {key: settings.get(key) for key in (IN_SYNC, POLICY, RETENTION, RECORD_BYTES)},
        }

    def _print_table(self) -> None:
        rows = [HEADER, *(self._row(name) for name in self._roles.values())]
        widths = [max(len(row[column]) for row in rows if column < len(row)) for column in range(len(HEADER))]
        for row in rows:
            print_line("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=False)).rstrip())

    def _row(self, name: str) -> tuple[str, ...]:
        topic = self._state.topics.get(name)
        if topic is None:
            return name, "missing"
        settings = topic.settings or {}
        cells = (settings.get(IN_SYNC, UNKNOWN), settings.get(POLICY, UNKNOWN) or "none", _retention(topic))
        created = ("(created)",) if name in self._created else ()
        return name, str(topic.partitions), str(topic.replication), *cells, *created

    def _print_fixes(self, fixes: Sequence[Fix]) -> None:
        print_line()
        if not fixes:
            print_line("nothing to alter")
        for fix in fixes:
            print_line(f"{fix.topic}  {fix.name}: {fix.old} -> {fix.new}  {_outcome(fix)}".rstrip())
            if fix.outcome not in (POSSIBLE, ALTERED):
                print_lines("\n".join(f"    {line}" for line in fix.command.splitlines()))
        if any(fix.outcome == POSSIBLE for fix in fixes):
            print_line("`faultline topics --fix --yes` alters this")


def _outcome(fix: Fix) -> str:
    if fix.outcome == POSSIBLE:
        return ""
    return "altered" if fix.outcome == ALTERED else f"not altered: {fix.outcome}"


def _retention(topic: TopicState) -> str:
    """Return the retention as a person says it; of a topic without deletion there is none."""
    settings = topic.settings
    if settings is None:
        return UNKNOWN
    if "delete" not in settings.get(POLICY, "delete"):
        return "-"
    milliseconds = int(settings.get(RETENTION, "-1"))
    if milliseconds < 0:
        return "unlimited"
    size, unit = next((size, unit) for size, unit in UNITS if milliseconds % size == 0)
    return f"{milliseconds // size} {unit}"
