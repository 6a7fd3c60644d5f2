"""Names of the topics: five that Kafka accepts, and that it and an operator can tell apart."""

import re
from collections.abc import Iterator
from itertools import combinations

import msgspec

from detector.config.schema import Config
from detector.strict_yaml.document import Keys

LEGAL = re.compile(r"[a-zA-Z0-9._-]{1,249}")
"""Kafka's rule for the name of a topic."""

INTERNAL = {"__consumer_offsets", "__transaction_state", "__share_group_state", "__cluster_metadata"}
"""Kafka's own topics, which nobody else may write."""


def check_topic_names(config: Config) -> Iterator[tuple[Keys, str]]:
    """Yield the names that Kafka refuses, and those of two topics that are one."""
    names = msgspec.structs.asdict(config.kafka.topics)
    for role, name in names.items():
        problem = _problem(name)
        if problem:
            yield ("kafka", "topics", role), problem
    for (role, name), (other_role, other) in combinations(names.items(), 2):
        keys = ("kafka", "topics", other_role)
        if name == other:
            yield keys, f"is {name}, as kafka.topics.{role} is; give each of the five topics a name of its own."
        elif name.replace(".", "_") == other.replace(".", "_"):
            reason = f"is {other}, and kafka.topics.{role} is {name}, which Kafka takes for one name"
            yield keys, f"{reason}, because '.' and '_' collide in its metrics; give names that differ elsewhere."


def _problem(name: str) -> str:
    """Return the sentence about a name that Kafka refuses; "" for a good one."""
    if not name.strip():
        return "is empty; give the name of a topic, or remove the key."
    if not LEGAL.fullmatch(name) or name in (".", ".."):
        return (
            f"is {name!r}, which is no name of a topic; use 1 to 249 letters, digits, '.', '_' and '-', and not '.' or"
            " '..' alone."
        )
    return f"is {name}, a topic of Kafka's own; give another name." if name in INTERNAL else ""
