"""The rights that the runbook names are enough, and none is too many: with each of them taken away something ends with
a sentence that says what is missing."""

import re
from collections.abc import Iterator

import pytest
from confluent_kafka import Consumer, KafkaException
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource

from detector.__main__ import main
from detector.config.loader import read_config
from detector.config.schema import Kafka
from detector.errors import ClusterError
from detector.kafka.cluster.checks import cluster_findings
from detector.kafka.producer import RecordProducer
from tests.eventually import eventually
from tests.kafka.broker import Broker
from tests.kafka.rights import Right, allow, told_rights
from tests.kafka.topics import QUIET
from tests.service.network import CATALOGUE, MINUTES, STRANGE, Trouble, told
from tests.service.stage import TOPICS, Stage, serving
from tests.teaching.test_preview import clock
from tests.trainer.files import write_catalogue
from trainer.__main__ import main as trainer

pytestmark = [pytest.mark.broker, pytest.mark.usefixtures("kept_process")]

RIGHTS = told_rights()

USERS = sorted({right.user for right in RIGHTS})

LOGINS = " ".join(f'user_{user}="secret"' for user in USERS)

PROPERTIES = {
    "listener.name.secured.sasl.enabled.mechanisms": "PLAIN",
    "listener.name.secured.plain.sasl.jaas.config": (
        f"org.apache.kafka.common.security.plain.PlainLoginModule required {LOGINS};"
    ),
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "super.users": "User:ANONYMOUS",
    "log.retention.ms": "-1",
}

OUTAGE = (Trouble(STRANGE, "power", 70, 105),)

NAMED = {
    "Read topic cells.minutes": "topic {prefix}minutes is denied",
    "Write topic cells.alarms": "topic {prefix}alarms is denied",
    "Read topic cells.alarms.active": "topic {prefix}active: ",
    "Write topic cells.alarms.active": "{prefix}active",
    "Read topic cells.labels": "topic {prefix}labels is denied",
    "Write topic cells.deadletters": "topic {prefix}deadletters is denied",
    "Read group faultline": "groups {prefix}group and ",
    "Describe group faultline-tables": " and {prefix}group-tables",
    "Write id faultline-": "transactional id {prefix}group-faultline-0",
}
"""What the sentence says where the daemon lacks a right."""


@pytest.fixture(scope="module")
def guarded() -> Iterator[Broker]:
    with Broker(PROPERTIES, listeners={"SECURED": "SASL_PLAINTEXT"}) as broker:
        yield broker


@pytest.fixture
def bare(guarded, topics, tmp_path, bundle):
    made = Stage(guarded.bootstrap, topics, tmp_path, bundle)
    yield made
    made.close()


@pytest.fixture
def guarded_stage(bare):
    return bare.create_topics()


def of(user: str) -> list[Right]:
    return [right for right in RIGHTS if right.user == user]


def each(*users: str) -> list[Right]:
    return [right for user in users for right in of(user)]


def give(stage: Stage, rights: list[Right]) -> None:
    """These rights alone, for the names that the stage has in place of the usual ones."""
    usual = {"cells.alarms.active": "active", "cells.": "", **{f"cells.{name}": name for name in TOPICS}}
    names = {name: stage.prefix + own for name, own in usual.items()}
    names |= {f"faultline{end}": f"{stage.prefix}group{end}" for end in ("", "-", "-tables")}
    allow(
        stage.bootstrap,
        [right._replace(name=names.get(right.name, stage.prefix + right.name)) for right in rights],
        eventually,
    )


def login(guarded: Broker, user: str) -> dict[str, str]:
    return {
        "bootstrap.servers": guarded.address("SECURED"),
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "PLAIN",
        "sasl.username": user,
        "sasl.password": "secret",
    }


def without(right: Right) -> list[Right]:
    return [other for other in RIGHTS if other != right]


def config_for(stage: Stage, guarded: Broker, user: str):
    return stage.config(kafka={"common": login(guarded, user), "reach_seconds": 5})


def run_denied(stage: Stage, config) -> None:
    """Starts, gives it something to do, and waits for its end."""
    with serving(config) as service:
        stage.tell(told(0, MINUTES))
        eventually(lambda: service.error is not None, "it ends")


@pytest.mark.parametrize("missing", of("faultline"), ids=str)
def test_a_right_that_the_daemon_lacks_ends_it_with_a_sentence(guarded, guarded_stage, missing):
    give(guarded_stage, without(missing))
    with pytest.raises(ClusterError) as raised:
        run_denied(guarded_stage, config_for(guarded_stage, guarded, "faultline"))
    named = NAMED[f"{missing.operation} {missing.kind} {missing.name}"]
    assert named.format(prefix=guarded_stage.prefix) in str(raised.value)
    assert "allow this user to" in str(raised.value)


@pytest.mark.parametrize("missing", of("faultline"), ids=str)
def test_a_right_that_the_daemon_lacks_is_told_by_a_check(guarded, guarded_stage, missing):
    """All others are left, and so there is one error and no more: rights that are there are not asked for."""
    give(guarded_stage, without(missing))
    findings = cluster_findings(read_config(config_for(guarded_stage, guarded, "faultline")))
    [error] = [finding.text for finding in findings if finding.level == "error"]
    named = NAMED[f"{missing.operation} {missing.kind} {missing.name}"]
    assert named.format(prefix=guarded_stage.prefix) in error
    assert re.search(r"allow this user to .*: `kafka-acls\.sh .* --operation (Read|Write) --\S+ \S+", error)


def test_the_rights_of_the_runbook_satisfy_a_check(guarded, guarded_stage):
    give(guarded_stage, RIGHTS)
    ok, warning = cluster_findings(read_config(config_for(guarded_stage, guarded, "faultline")))
    assert (ok.level, warning.level) == ("ok", "warning")
    assert "--operation DescribeConfigs --topic " in warning.text


def test_a_fix_that_is_not_allowed_says_what_to_allow(guarded, guarded_stage, capfd):
    """Who may not read the settings is told of no deviation; who may not alter them is told of the right."""
    give(guarded_stage, [*RIGHTS, Right("faultline", "DescribeConfigs", "topic", "cells.", "prefixed")])
    config = config_for(guarded_stage, guarded, "faultline")
    alter(guarded_stage, "labels", "cleanup.policy", "delete")
    assert faultline("topics", config, "--fix", "--yes") == 3
    printed = capfd.readouterr().out
    assert "not altered: this user may not alter the topic; allow AlterConfigs and Alter on it" in printed
    assert f"--alter --topic {guarded_stage.topic('labels')} --add-config cleanup.policy=compact" in printed


def alter(stage: Stage, name: str, setting: str, value: str) -> None:
    entry = ConfigEntry(setting, value, incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ConfigResource.Type.TOPIC, stage.topic(name), incremental_configs=[entry])
    admin = AdminClient({"bootstrap.servers": stage.bootstrap, **QUIET})
    for future in admin.incremental_alter_configs([resource]).values():
        future.result()


def faultline(verb: str, config, *more: str) -> int:
    return main([verb, "--config", str(config), *more])


LESSON = ("--cell", STRANGE, "--at", clock(70), "--until", clock(90), "--class", "power_loss")


def test_nothing_more_is_needed_by_daemon_engineer_and_collector(guarded, guarded_stage, tmp_path):
    """Each with its own rights and no others, on one network."""
    give(guarded_stage, RIGHTS)
    before, after = told(0, 90, OUTAGE), told(90, 110, OUTAGE)
    guarded_stage.tell(before)
    with serving(config_for(guarded_stage, guarded, "faultline")) as service:
        guarded_stage.wait_taken(len(before))
        engineer = config_for(guarded_stage, guarded, "engineer")
        assert faultline("teach", engineer, *LESSON) == 0
        service.wait_metric('faultline_exemplars{kind="fault"}', 1)
        assert faultline("labels", engineer) == 0
        guarded_stage.tell(after)
        guarded_stage.wait_taken(len(before + after))
    assert guarded_stage.alarms()[STRANGE]
    assert collect(guarded_stage, config_for(guarded_stage, guarded, "collector"), tmp_path) == 0


def collect(stage: Stage, config, folder) -> int:
    write_catalogue(CATALOGUE, folder / "features.yaml")
    files = ["--catalogue", str(folder / "features.yaml"), "--out", str(folder / "history")]
    return trainer(["collect", "--config", str(config), "--until", "now", *files])


def sentence(said: str, stage: Stage) -> str:
    """The one that was left."""
    lines = [line for line in said.splitlines() if line.startswith("faultline")]
    assert len(lines) == 1, said
    assert re.search(r"denied|authoriz|allow this user|does not exist", lines[0]), lines
    assert stage.prefix in lines[0]
    return lines[0]


@pytest.mark.parametrize("missing", of("engineer"), ids=str)
def test_a_right_that_the_engineer_lacks_ends_a_verb_with_a_sentence(guarded, guarded_stage, missing, capfd):
    give(guarded_stage, without(missing))
    guarded_stage.tell(told(0, 90, OUTAGE))
    config = config_for(guarded_stage, guarded, "engineer")
    verb = "labels" if missing.name == "cells.alarms" else "teach"
    assert faultline(verb, config, *(LESSON if verb == "teach" else ())) == 2
    sentence(capfd.readouterr().err, guarded_stage)


@pytest.mark.parametrize("missing", of("collector"), ids=str)
def test_a_right_that_the_collector_lacks_ends_it_with_a_sentence(guarded, guarded_stage, missing, tmp_path, capfd):
    give(guarded_stage, without(missing))
    guarded_stage.tell(told(0, 10))
    assert collect(guarded_stage, config_for(guarded_stage, guarded, "collector"), tmp_path) == 2
    sentence(capfd.readouterr().err, guarded_stage)


@pytest.mark.parametrize("missing", [None, *of("builder")], ids=str)
def test_topics_are_created_with_the_builders_rights_and_with_no_fewer(guarded, bare, missing, capfd):
    give(bare, without(missing) if missing else RIGHTS)
    config = config_for(bare, guarded, "builder")
    code = faultline("topics", config, "--create", "--partitions", "2", "--replication", "1")
    assert code == (2 if missing else 0)
    if missing:
        sentence(capfd.readouterr().err, bare)


@pytest.mark.parametrize("missing", [None, *of("feed")], ids=str)
def test_the_feed_writes_minutes_with_its_right_alone(guarded, guarded_stage, missing):
    give(guarded_stage, without(missing) if missing else RIGHTS)
    publisher = RecordProducer(Kafka(reach_seconds=5, common=login(guarded, "feed")))
    records = [(b"cell", b"{}", 0)]
    if missing is None:
        publisher.publish(guarded_stage.topic("minutes"), records)
    else:
        with pytest.raises(ClusterError, match="allow this user"):
            publisher.publish(guarded_stage.topic("minutes"), records)


@pytest.mark.parametrize("missing", [None, *of("noc")], ids=str)
def test_alarms_are_read_with_the_rights_named_for_it_alone(guarded, guarded_stage, missing):
    give(guarded_stage, without(missing) if missing else RIGHTS)
    reading = {"group.id": f"{guarded_stage.prefix}noc", "enable.partition.eof": True, "auto.offset.reset": "earliest"}
    consumer = Consumer({**login(guarded, "noc"), **reading, **QUIET})
    heard: list[object] = []
    try:
        consumer.subscribe([guarded_stage.topic("alarms")])

        def said() -> bool:
            message = consumer.poll(0.1)
            if message is not None:
                heard.append(message.error().name())
            return message is not None

        eventually(said, "the topic's end, or a refusal")
    except KafkaException as error:
        heard.append(error.args[0].name())
    finally:
        consumer.close()
    assert ("AUTHORIZATION" in str(heard[0])) == (missing is not None)
