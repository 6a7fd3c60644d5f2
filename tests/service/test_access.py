"""One right at a time is taken away: each ends a start, or the daemon, with one sentence that names what is missing."""

from collections.abc import Iterator

import pytest
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

from detector.errors import ClusterError
from tests.kafka.broker import Broker
from tests.kafka.topics import QUIET
from tests.service.network import MINUTES, told
from tests.service.stage import Stage, serving, wait_until

pytestmark = pytest.mark.broker

LOGIN = 'org.apache.kafka.common.security.plain.PlainLoginModule required user_cell="secret";'

PROPERTIES = {
    "listener.name.secured.sasl.enabled.mechanisms": "PLAIN",
    "listener.name.secured.plain.sasl.jaas.config": LOGIN,
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "super.users": "User:ANONYMOUS",
}

CELL = {
    "security.protocol": "SASL_PLAINTEXT",
    "sasl.mechanism": "PLAIN",
    "sasl.username": "cell",
    "sasl.password": "secret",
}

TOPIC, GROUP, IDENTITY = ResourceType.TOPIC, ResourceType.GROUP, ResourceType.TRANSACTIONAL_ID
READ, WRITE = AclOperation.READ, AclOperation.WRITE

NEEDED = {
    "read minutes": (TOPIC, "minutes", READ),
    "write alarms": (TOPIC, "alarms", WRITE),
    "read active": (TOPIC, "active", READ),
    "write active": (TOPIC, "active", WRITE),
    "read labels": (TOPIC, "labels", READ),
    "write deadletters": (TOPIC, "deadletters", WRITE),
    "read the group": (GROUP, "group", READ),
    "read the tables' group": (GROUP, "group-tables", READ),
    "write the transactional id": (IDENTITY, "group-faultline-0", WRITE),
}
"""What the daemon needs; to read or write includes to describe."""

NAMED = {
    "read minutes": "topic {prefix}minutes is denied",
    "write alarms": "topic {prefix}alarms is denied",
    "read active": "topic {prefix}active: ",
    "write active": "{prefix}active",
    "read labels": "topic {prefix}labels is denied",
    "write deadletters": "topic {prefix}deadletters is denied",
    "read the group": "groups {prefix}group and ",
    "read the tables' group": " and {prefix}group-tables.",
    "write the transactional id": "transactional id {prefix}group-faultline-0.",
}
"""What the sentence says of each."""

ANY, ALLOW, ALL = ResourceType.ANY, AclPermissionType.ALLOW, AclPermissionType.ANY


@pytest.fixture(scope="module")
def guarded() -> Iterator[Broker]:
    with Broker(PROPERTIES, listeners={"SECURED": "SASL_PLAINTEXT"}) as broker:
        yield broker


def allow(stage: Stage, *rights: str) -> None:
    bindings = [
        AclBinding(kind, stage.prefix + name, ResourcePatternType.LITERAL, "User:cell", "*", operation, ALLOW)
        for kind, name, operation in (NEEDED[right] for right in rights)
    ]
    admin = AdminClient({"bootstrap.servers": stage.bootstrap, **QUIET})
    for future in admin.create_acls(bindings).values():
        future.result()
    ours = AclBindingFilter(ANY, None, ResourcePatternType.ANY, "User:cell", None, AclOperation.ANY, ALL)
    wait_until(lambda: set(bindings) <= set(admin.describe_acls(ours).result()), "the broker goes by them")


def run_denied(stage: Stage, address: str) -> None:
    """Starts, gives it something to do, and waits for its end."""
    with serving(stage.config(kafka={"common": {"bootstrap.servers": address, **CELL}})) as service:
        stage.tell(told(0, MINUTES))
        wait_until(lambda: service.error is not None, "it ends")


@pytest.mark.parametrize("missing", NEEDED)
def test_a_right_that_is_missing_ends_it_with_a_sentence(guarded, topics, tmp_path, bundle, missing):
    stage = Stage(guarded.bootstrap, topics, tmp_path, bundle).create_topics()
    allow(stage, *(right for right in NEEDED if right != missing))
    with pytest.raises(ClusterError) as raised:
        run_denied(stage, guarded.address("SECURED"))
    assert NAMED[missing].format(prefix=stage.prefix) in str(raised.value)
    assert "allow this user to" in str(raised.value)
    stage.close()


def test_nothing_more_is_needed(guarded, topics, tmp_path, bundle):
    stage = Stage(guarded.bootstrap, topics, tmp_path, bundle).create_topics()
    allow(stage, *NEEDED)
    stage.tell(told(0, 20))
    with serving(stage.config(kafka={"common": {"bootstrap.servers": guarded.address("SECURED"), **CELL}})):
        stage.wait_taken(len(told(0, 20)))
    stage.close()
