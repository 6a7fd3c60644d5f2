"""A start that cannot succeed: one sentence with the remedy, exit code 2, and nothing else."""

import re
import shutil
import socket
import subprocess
import sys

import pytest
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

from tests.kafka.broker import ROOT, Broker, free_ports
from tests.kafka.topics import QUIET
from tests.service.network import told
from tests.service.stage import Stage, serving


def nowhere(tmp_path, bundle="nowhere") -> Stage:
    """A stage on a port where nobody listens."""
    return Stage(f"127.0.0.1:{free_ports(1)[0]}", "t-", tmp_path, tmp_path / bundle)


# --- the file -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"kafka": {"grup": "x"}}, r"line \d+, column 3: `grup` is no key of `kafka` \(did you mean `group`\?\)\."),
        ({"surprise": 1}, r"`surprise` is no key of the document; known are alarms, bundle,"),
        (
            {"kafka": {"batch_records": "many"}},
            r"`kafka\.batch_records` is the text 'many'; allowed is a whole number from 1 to 100,000\.",
        ),
        (
            {"minutes": {"late_minutes": 60}},
            r"`minutes\.late_minutes` is 60; allowed is a whole number from 0 to 59 or `auto`\.",
        ),
        (
            {"minutes": {"min_coverage": True}},
            r"`minutes\.min_coverage` is true; allowed is a number above 0 and up to 1\.",
        ),
        ({"kafka": {"start": "middle"}}, r"`kafka\.start` is the text 'middle'; allowed is `earliest` or `latest`\."),
        (
            {"log": {"level": "loud"}},
            r"`log\.level` is the text 'loud'; allowed is `debug` or `error` or `info` or `warning`\.",
        ),
        (
            {"kafka": {"producer": {"transactional.id": "mine"}}},
            r"`kafka\.producer\.transactional\.id` must not be set: it is made of kafka\.group and kafka\.instance",
        ),
        ({"kafka": {"consumer": {"isolation.level": "read_uncommitted"}}}, r"isolation\.level` must not be set"),
        (
            {"runtime": {"stall_seconds": 33}},
            r"`runtime\.stall_seconds` is 33, which is below 34: a failing transaction is abandoned after 30 s, and"
            r" that must not end the process; raise it",
        ),
        ({"kafka": {"common": {"acks": 1}}}, r"`kafka\.common\.acks` must not be set"),
        (
            {"kafka": {"common": {"sasl.password": "${FAULTLINE_NO_SUCH_SECRET}"}}},
            r"`kafka\.common\.sasl\.password`: \$\{FAULTLINE_NO_SUCH_SECRET\} is not set in the environment;"
            r" export FAULTLINE_NO_SUCH_SECRET",
        ),
    ],
)
def test_a_knob_that_cannot_be_is_named_with_its_place(tmp_path, refusal, changes, sentence):
    assert re.search(sentence, refusal("run", "--config", nowhere(tmp_path).config(**changes)))


def test_a_file_without_an_address_says_what_it_lacks(tmp_path, refusal):
    path = tmp_path / "config.yaml"
    path.write_text("bundle: here\n")
    said = refusal("run", "--config", path)
    assert "`kafka.common` lacks bootstrap.servers; give it host:port of a broker." in said


@pytest.mark.parametrize("text", ["", "bundle", "[1, 2]", "bundle: [", "1: 2", "bundle: null", "a: &a [*a]", "\x00"])
def test_a_file_that_is_no_configuration_is_refused(tmp_path, refusal, text):
    path = tmp_path / "config.yaml"
    path.write_text(text)
    assert str(path) in refusal("run", "--config", path)


def test_a_file_that_is_not_there_is_asked_for(tmp_path, refusal):
    assert "give the file with --config." in refusal("run", "--config", tmp_path / "none.yaml")


def test_a_secret_comes_from_the_environment(tmp_path, monkeypatch, refusal):
    monkeypatch.setenv("FAULTLINE_TEST_BUNDLE", "filled-in")
    stage = nowhere(tmp_path)
    path = stage.config(bundle="${FAULTLINE_TEST_BUNDLE}/x")
    assert "filled-in/x" in refusal("check", "--offline", "--config", path)


def test_the_exit_code_is_two_in_a_process_of_its_own(tmp_path):
    command = [sys.executable, "-m", "detector", "run", "--config", str(nowhere(tmp_path).config(surprise=1))]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=ROOT, check=False)
    assert ended.returncode == 2
    assert re.fullmatch(r"faultline: .*`surprise` is no key of the document.*\.\n", ended.stderr)
    assert ended.stdout == ""


# --- the cluster ----------------------------------------------------------------------------------------------------


def test_a_broker_that_does_not_answer_is_named(tmp_path, refusal):
    stage = nowhere(tmp_path)
    said = refusal("run", "--config", stage.config(kafka={"reach_seconds": 1}))
    assert said.startswith(f"Kafka at {stage.bootstrap}: ")
    assert said.endswith("check kafka.common.bootstrap.servers, and that the broker runs.")


@pytest.mark.broker
@pytest.mark.parametrize("missing", ["minutes", "alarms", "active", "labels", "deadletters"])
def test_a_topic_that_is_missing_is_named(bare_stage, refusal, missing):
    bare_stage.create_topics(**{missing: None})
    said = refusal("run", "--config", bare_stage.config())
    assert f"topic {bare_stage.topic(missing)} does not exist; create it with `faultline topics --create`." in said


@pytest.mark.broker
def test_open_alarms_need_as_many_partitions_as_minutes(bare_stage, refusal):
    bare_stage.create_topics(active={"partitions": 3, "config": {"cleanup.policy": "compact"}})
    minutes, active = bare_stage.topic("minutes"), bare_stage.topic("active")
    said = refusal("run", "--config", bare_stage.config())
    assert f"{minutes} has 2 partitions and topic {active} has 3;" in said
    assert f"give {active} as many." in said


@pytest.mark.broker
@pytest.mark.parametrize(
    ("section", "properties"),
    [
        ("common", {"no.such.property": 1}),
        ("consumer", {"no.such.property": 1}),
        ("producer", {"no.such.property": 1}),
        ("consumer", {"session.timeout.ms": "soon"}),
        ("producer", {"message.max.bytes": "many"}),
    ],
)
def test_a_property_that_librdkafka_refuses_is_named(stage, refusal, section, properties):
    (name,) = properties
    assert name in refusal("run", "--config", stage.config(kafka={section: properties}))


@pytest.mark.broker
def test_a_port_that_is_taken_is_named(stage, refusal):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = refusal("run", "--config", stage.config(http={"port": port}))
    assert f"http: cannot listen on 127.0.0.1:{port}: another process listens there" in said
    assert said.endswith("set http.port to a free port.")


@pytest.mark.broker
def test_a_broken_bundle_is_refused_before_anything_is_joined(stage, bundle, tmp_path, refusal):
    broken = tmp_path / "broken"
    shutil.copytree(bundle, broken)
    (broken / "weights.npz").unlink()
    said = refusal("run", "--config", stage.config(bundle=str(broken)))
    assert said == f"{broken}: weights.npz is missing; copy the bundle again."


SASL = 'org.apache.kafka.common.security.plain.PlainLoginModule required user_faultline="secret";'


@pytest.fixture
def guarded(topics, tmp_path, bundle):
    """A stage on a broker that asks for a password and allows its user what a test allows it."""
    properties = {
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS",
        "listener.name.secured.sasl.enabled.mechanisms": "PLAIN",
        "listener.name.secured.plain.sasl.jaas.config": SASL,
    }
    with Broker(properties, {"SECURED": "SASL_PLAINTEXT"}) as broker:
        made = Stage(broker.bootstrap, topics, tmp_path, bundle).create_topics()
        made.secured = {
            "bootstrap.servers": broker.address("SECURED"),
            "security.protocol": "SASL_PLAINTEXT",
            "sasl.mechanism": "PLAIN",
            "sasl.username": "faultline",
            "sasl.password": "secret",
        }
        yield made
        made.close()


def allow(stage, kind, name, *operations):
    """Lets User:faultline do these things to what begins with `name`."""
    bindings = [
        AclBinding(kind, name, ResourcePatternType.PREFIXED, "User:faultline", "*", operation, AclPermissionType.ALLOW)
        for operation in operations
    ]
    admin = AdminClient({"bootstrap.servers": stage.bootstrap, **QUIET})  # kept: its futures die with it
    for done in admin.create_acls(bindings).values():
        done.result()


@pytest.mark.broker
def test_each_permission_that_is_lacking_is_asked_for(guarded, refusal):
    """As an operator would come to it: one refusal after the other, until it runs."""
    prefix, operation = guarded.prefix, AclOperation
    records = told(0, 2)
    guarded.tell(records)

    wrong = guarded.config(kafka={"reach_seconds": 5, "common": {**guarded.secured, "sasl.password": "wrong"}})
    assert refusal("run", "--config", wrong).endswith("check the user and password in kafka.common.")

    config = guarded.config(kafka={"common": guarded.secured})
    assert f"topic {prefix}" in refusal("run", "--config", config)

    allow(guarded, ResourceType.TOPIC, prefix, operation.DESCRIBE, operation.WRITE)
    said = refusal("run", "--config", config)
    for name in ("minutes", "active", "labels"):
        assert (
            f"topic {guarded.topic(name)}: this user may not read it; allow this user to read it: `kafka-acls" in said
        )

    allow(guarded, ResourceType.TOPIC, prefix, operation.READ)
    said = refusal("run", "--config", config)
    assert f"allow this user to read the groups {prefix}group and {prefix}group-tables" in said

    allow(guarded, ResourceType.GROUP, prefix, operation.READ)
    assert f"transactional id {prefix}group-faultline-0" in refusal("run", "--config", config)

    allow(guarded, ResourceType.TRANSACTIONAL_ID, prefix, operation.WRITE, operation.DESCRIBE)
    with serving(config):
        guarded.wait_taken(len(records))
