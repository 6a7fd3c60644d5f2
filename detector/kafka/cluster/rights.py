"""Rights that the daemon needs, and the findings about those that this user lacks."""

from collections.abc import Iterator

from detector.config.schema import Config
from detector.finding import Finding
from detector.kafka.cluster.layout import topic_roles
from detector.kafka.cluster.remedies import grant_command
from detector.kafka.cluster.state import ClusterState

TOPIC_RIGHTS = {
    "minutes": ("READ",),
    "alarms": ("WRITE",),
    "active": ("READ", "WRITE"),
    "labels": ("READ",),
    "deadletters": ("WRITE",),
}
"""Operations of the daemon on each topic. Each includes DESCRIBE."""


def right_findings(state: ClusterState, config: Config) -> list[Finding]:
    """Return an error for each right that is lacking. A cluster that does not say what is allowed gives none."""
    return [*_topic_rights(state, config), *_group_rights(state, config)]


def transactional_id_finding(config: Config) -> Finding:
    """Return the error of a transactional id that this user may not use."""
    name = f"{config.kafka.group}-{config.kafka.instance}"
    command = grant_command(config.kafka, "Write", "transactional-id", name)
    return Finding(
        "cluster",
        "error",
        f"transactional id {name}: this user may not write it, so no alarm can be published; allow this user to write"
        f" it: `{command}`.",
    )


def _topic_rights(state: ClusterState, config: Config) -> Iterator[Finding]:
    for role, name in topic_roles(config).items():
        for operation in TOPIC_RIGHTS[role]:
            verb = operation.lower()
            command = grant_command(config.kafka, verb.title(), "topic", name)
            remedy = f"allow this user to {verb} it: `{command}`."
            topic = state.topics.get(name)
            if name in state.denied_topics:
                yield Finding("cluster", "error", f"access to topic {name} is denied; {remedy}")
            elif topic is not None and topic.operations is not None and operation not in topic.operations:
                yield Finding("cluster", "error", f"topic {name}: this user may not {verb} it; {remedy}")


def _group_rights(state: ClusterState, config: Config) -> Iterator[Finding]:
    group = config.kafka.group
    tables = f"{group}-tables"
    for name, operation in ((group, "READ"), (tables, "DESCRIBE")):
        known = state.groups.get(name)
        if known is None or known.operations is None or operation in known.operations:
            continue
        command = grant_command(config.kafka, "Read", "group", group, tables)
        yield Finding(
            "cluster",
            "error",
            f"group {name}: this user may not {operation.lower()} it; allow this user to read the groups {group} and"
            f" {tables}: `{command}`.",
        )
