"""The rights that the runbook tells an operator to give, read off its commands, and given."""

import argparse
import re
import shlex
from collections.abc import Callable, Iterable
from typing import NamedTuple

from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

from tests.kafka.broker import ROOT
from tests.kafka.topics import QUIET

RESOURCES = {"topic": ResourceType.TOPIC, "group": ResourceType.GROUP, "id": ResourceType.TRANSACTIONAL_ID}
PATTERNS = {"literal": ResourcePatternType.LITERAL, "prefixed": ResourcePatternType.PREFIXED}
OPERATIONS = {
    "Read": AclOperation.READ,
    "Write": AclOperation.WRITE,
    "Describe": AclOperation.DESCRIBE,
    "Create": AclOperation.CREATE,
    "DescribeConfigs": AclOperation.DESCRIBE_CONFIGS,
}


class Right(NamedTuple):
    """One user may do one thing with one resource."""

    user: str
    operation: str
    kind: str
    name: str
    pattern: str

    def __str__(self) -> str:
        return f"{self.user}: {self.operation} {self.kind} {self.name}"


def told_rights() -> list[Right]:
    """Every right of the runbook's kafka-acls commands, in their order."""
    text = (ROOT / "deploy" / "runbook.md").read_text()
    commands = re.findall(r"^ +kafka-acls\.sh ((?:.*\\\n)*.*)$", text, re.MULTILINE)
    return [right for command in commands for right in _rights(shlex.split(command.replace("\\\n", " ")))]


def _rights(words: list[str]) -> Iterable[Right]:
    """As Kafka's own tool understands them: each operation on each resource."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--bootstrap-server", choices=["BROKERS"], required=True)
    parser.add_argument("--add", action="store_true", required=True)
    parser.add_argument("--allow-principal", required=True)
    parser.add_argument("--resource-pattern-type", choices=list(PATTERNS), default="literal")
    parser.add_argument("--operation", action="append", choices=list(OPERATIONS))
    for kind, option in (("topic", "--topic"), ("group", "--group"), ("id", "--transactional-id")):
        parser.add_argument(option, action="append", default=[], dest=kind)
    told = parser.parse_args(words)
    user = told.allow_principal.removeprefix("User:")
    for operation in told.operation:
        for kind in RESOURCES:
            for name in getattr(told, kind):
                yield Right(user, operation, kind, name, told.resource_pattern_type)


def allow(bootstrap: str, rights: Iterable[Right], until: Callable[[Callable[[], bool], str], None]) -> None:
    """Gives exactly these rights, and takes all others away from everybody."""
    admin = AdminClient({"bootstrap.servers": bootstrap, **QUIET})
    everything = AclBindingFilter(
        *(ResourceType.ANY, None, ResourcePatternType.ANY, None, None, AclOperation.ANY, AclPermissionType.ANY)
    )
    for deleted in admin.delete_acls([everything]).values():
        deleted.result()
    wanted = {_binding(right) for right in rights}
    if wanted:
        for made in admin.create_acls(list(wanted)).values():
            made.result()
    until(lambda: set(admin.describe_acls(everything).result()) == wanted, "the broker goes by these rights")


def _binding(right: Right) -> AclBinding:
    kind, pattern, operation = RESOURCES[right.kind], PATTERNS[right.pattern], OPERATIONS[right.operation]
    user, everywhere = f"User:{right.user}", "*"
    return AclBinding(kind, right.name, pattern, user, everywhere, operation, AclPermissionType.ALLOW)
