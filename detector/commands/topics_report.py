"""Report of `faultline topics`: the topics with what the guarantees depend on, and the fixes."""

from collections.abc import Sequence
from typing import Any

from detector.commands.documents import TopicsDocument
from detector.config.schema import Config
from detector.json_document import make_document
from detector.kafka.cluster.deviations import IN_SYNC, POLICY, RECORD_BYTES, RETENTION
from detector.kafka.cluster.fixes import ALTERED, POSSIBLE, Fix
from detector.kafka.cluster.layout import topic_roles
from detector.kafka.cluster.state import ClusterState, TopicState
from detector.terminal import fixed_column, level, print_document, print_line, print_lines, print_table, text_column

COLUMNS = [text_column("topic"), *map(fixed_column, ("partitions", "replicas", "in sync", "policy", "retention", ""))]

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
            topics = [self._document(role, name) for role, name in self._roles.items()]
            print_document(make_document(TopicsDocument, topics=topics, fixes=self._fixes))
            return
        self._print_table()
        if self._fixes is not None:
            self._print_fixes(self._fixes)

    def _document(self, role: str, name: str) -> dict[str, Any]:
        topic = self._state.topics.get(name)
        settings = topic.settings or {} if topic else {}
        return {
            "role": role,
            "topic": name,
            "exists": topic is not None,
            "created": name in self._created,
            "partitions": topic.partitions if topic else None,
            "replicas": topic.replication if topic else None,
            "settings": {key: settings.get(key) for key in (IN_SYNC, POLICY, RETENTION, RECORD_BYTES)},
        }

    def _print_table(self) -> None:
        print_table(COLUMNS, [self._row(name) for name in self._roles.values()])

    def _row(self, name: str) -> tuple[object, ...]:
        topic = self._state.topics.get(name)
        if topic is None:
            return name, level("missing"), None, None, None, None, ""
        settings = topic.settings or {}
        cells = (settings.get(IN_SYNC, UNKNOWN), settings.get(POLICY, UNKNOWN) or "none", _retention(topic))
        return name, topic.partitions, topic.replication, *cells, "(created)" if name in self._created else ""

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
