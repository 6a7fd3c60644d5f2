"""Names of the topics: five that Kafka accepts, and that it and an operator can tell apart."""

import re
from itertools import combinations
from pathlib import Path

import msgspec

from detector.config.schema import Topics
from detector.errors import ConfigError

LEGAL = re.compile(r"[a-zA-Z0-9._-]{1,249}")
"""Kafka's rule for the name of a topic."""

INTERNAL = {"__consumer_offsets", "__transaction_state", "__share_group_state", "__cluster_metadata"}
"""Kafka's own topics, which nobody else may write."""


def check_topic_names(topics: Topics, path: Path) -> None:
    """Raise ConfigError for a name that Kafka refuses, and for two topics that are one."""
    names = msgspec.structs.asdict(topics)
    for role, name in names.items():
        if not name.strip():
            raise ConfigError(f"{path}: `$.kafka.topics.{role}` is empty; give the name of a topic, or remove the key.")
        if not LEGAL.fullmatch(name) or name in (".", ".."):
            raise ConfigError(
                f"{path}: {name!r} at `$.kafka.topics.{role}` is no name of a topic; use 1 to 249 letters, digits,"
                " '.', '_' and '-', and not '.' or '..' alone."
            )
        if name in INTERNAL:
            raise ConfigError(
                f"{path}: {name} at `$.kafka.topics.{role}` is a topic of Kafka's own; give another name."
            )
    for (role, name), (other_role, other) in combinations(names.items(), 2):
        keys = f"`$.kafka.topics.{role}` and `$.kafka.topics.{other_role}`"
        if name == other:
            raise ConfigError(f"{path}: {keys} are both {name}; give each of the five topics a name of its own.")
        if name.replace(".", "_") == other.replace(".", "_"):
            raise ConfigError(
                f"{path}: {keys} are {name} and {other}, which Kafka takes for one name, because '.' and '_' collide in"
                " its metrics; give names that differ elsewhere."
            )
