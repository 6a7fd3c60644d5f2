"""Strangers in the consumer group and under the transactional id: named, survived where that is safe, never obeyed."""

import re
from contextlib import contextmanager

import pytest
from confluent_kafka import Consumer, KafkaException, Producer
from confluent_kafka.admin import AdminClient

from detector.config.loader import read_config
from detector.errors import ClusterError
from detector.kafka.readers.group_members import (
    GroupMember,
    foreign_members,
    foreign_sentence,
    list_members,
    read_assignment,
)
from tests.eventually import eventually
from tests.kafka.topics import QUIET
from tests.service.hostile import one_sentence
from tests.service.network import PARTITIONS, told
from tests.service.stage import serving

pytestmark = pytest.mark.broker

FOREIGN = "faultline_group_foreign_members"

STATIC = {"session.timeout.ms": 6000}
"""A static member leaves by its session's end alone, and this is the shortest that a broker allows."""

COOPERATIVE = {"partition.assignment.strategy": "cooperative-sticky", "heartbeat.interval.ms": 200}


@contextmanager
def stranger(stage, topic="minutes", **settings):
    """A consumer in our group that has what it wants, or keeps asking for it."""
    consumer = Consumer(
        {
            "bootstrap.servers": stage.bootstrap,
            "group.id": f"{stage.prefix}group",
            "client.id": "console-consumer",
            "enable.auto.commit": False,
            **settings,
            **QUIET,
        }
    )
    consumer.subscribe([stage.topic(topic)])
    try:
        yield consumer
    finally:
        consumer.close()


def joined(consumer):
    return consumer.poll(0.05) is not None or bool(consumer.assignment())


def test_a_consumer_of_another_kind_that_came_first_is_named_until_it_goes(stage):
    with stranger(stage) as other:
        eventually(lambda: joined(other), "it has joined")
        with serving(stage.config()) as service:
            eventually(lambda: service.metrics()[FOREIGN] == 1 and joined(other), "it is counted")
            said = service.get("/readyz").body
            assert re.fullmatch(
                rf"no partition is assigned: group {stage.prefix}group has a consumer that is not Faultline: client"
                rf" console-consumer at [\d.]+ \(member id console-consumer-[\w-]+\), which holds {PARTITIONS}"
                rf" partitions of {stage.prefix}minutes; stop it, or give it another group\n",
                said,
            )
            assert service.get("/livez").status == 200
            other.close()
            service.wait_metric("faultline_ready", 1)
            service.wait_metric(FOREIGN, 0)
            lines = service.log.above_info()
            assert len(lines) == 2, lines
            assert "cannot be joined while a consumer with another assignor is in it" in "".join(lines)
            assert "has a consumer that is not Faultline: client console-consumer" in "".join(lines)


@pytest.mark.parametrize(
    ("settings", "topic"),
    [
        (COOPERATIVE, "minutes"),
        ({"group.protocol": "consumer"}, "minutes"),
        (COOPERATIVE, "deadletters"),
        ({**COOPERATIVE, **STATIC, "client.id": "faultline", "group.instance.id": "faultline-elsewhere"}, "alarms"),
    ],
)
def test_a_consumer_that_shares_our_group_in_peace_is_named_too(stage, settings, topic):
    """No error tells of it, and the partitions that it holds are watched by nobody."""
    with serving(stage.config()) as service:
        service.wait_metric("faultline_ready", 1)
        with stranger(stage, topic, **settings) as other:
            eventually(
                lambda: joined(other) and other.assignment() and service.metrics()[FOREIGN] == 1, "it is counted", 40
            )
            (line,) = [line for line in service.log.above_info() if "not Faultline" in line]
            assert "stop it, or give it another group" in line
            assert "; their partitions are watched by nobody" in line
            assert (f"reads topic {stage.topic(topic)}" in line) == (topic != "minutes")
        eventually(lambda: service.metrics()[FOREIGN] == 0, "it has gone", 40)


def test_other_instances_are_no_strangers(stage):
    second = {"instance": "two", "common": {"client.id": "elsewhere"}}
    with serving(stage.config(kafka={"instance": "one"})) as one, serving(stage.config(kafka=second)) as two:
        for service in (one, two):
            service.wait_metric("faultline_partitions_assigned", 1)
        group = f"{stage.prefix}group"
        admin = AdminClient({"bootstrap.servers": stage.bootstrap, **QUIET})  # its futures die with it
        listing = list_members(admin, group, stage.topic("minutes"))
        assert sorted(member.instance for member in listing.members) == ["one", "two"]
        assert foreign_members(listing, read_config(stage.config())) == ()
        assert one.metrics()[FOREIGN] == two.metrics()[FOREIGN] == 0


def test_many_strangers_make_one_sentence(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("bundle: none\nkafka: {common: {bootstrap.servers: x}}\n")
    members = tuple(
        GroupMember(f"id-{number}", "\x1b[31mclient\n", "10.0.0.1", "", frozenset({"cells.minutes"}), 3)
        for number in range(40)
    )
    sentence = one_sentence(foreign_sentence(members, read_config(path)) + ".")
    assert "40 consumers that are not Faultline" in sentence
    assert "and 37 more; stop them, or give them another group" in sentence


@pytest.mark.parametrize("cut", range(-1, 21))
def test_an_assignment_that_is_cut_short_is_read_as_far_as_it_goes(cut):
    whole = b"\x00\x01\x00\x00\x00\x01\x00\x02ab" + b"\x00\x00\x00\x02" + bytes(8)
    read = dict(read_assignment(whole if cut < 0 else whole[:cut]))
    assert read == ({"ab": 2} if cut < 0 or cut >= 14 else {})


def take_id(stage, instance="faultline-0"):
    """Another producer under an instance's transactional id."""
    producer = Producer(
        {"bootstrap.servers": stage.bootstrap, "transactional.id": f"{stage.prefix}group-{instance}", **QUIET}
    )
    producer.init_transactions(30)
    return producer


def test_a_transactional_id_taken_once_is_taken_back_and_nothing_is_lost_or_said_twice(stage, undisturbed):
    records = told(0, 40)
    with serving(stage.config(kafka={"batch_records": 20})) as service:
        stage.tell(records[: len(records) // 2])
        stage.wait_taken(1)
        zombie = take_id(stage)
        stage.tell(records[len(records) // 2 :])
        stage.wait_taken(len(records))
        (line,) = [line for line in service.log.above_info() if "transactional id" in line]  # the client has its own
        assert f"transactional id {stage.prefix}group-faultline-0 was taken by another process" in line
        assert "it is taken back" in line
        assert service.metrics()['faultline_transactions_total{outcome="aborted"}'] == 1
        zombie.begin_transaction()
        zombie.produce(stage.topic("alarms"), b"{}", b"zombie")
        with pytest.raises(KafkaException, match="fenced"):
            zombie.commit_transaction(30)
    keys = [message.key() for message in stage.read("alarms")]
    assert b"zombie" not in keys


def test_a_transactional_id_taken_again_and_again_ends_in_a_sentence(stage):
    records, taken = told(0, 60), 0
    with serving(stage.config(kafka={"batch_records": 10})) as service:
        while service.error is None:
            take_id(stage)
            stage.tell(records[taken : taken + 20])
            taken += 20
            eventually(lambda: service.error is not None or stage.taken() >= taken, "it goes on, or ends")  # noqa: B023
            assert taken < len(records)
        error, service._error = service.error, None
    assert isinstance(error, ClusterError)
    assert re.search(
        rf"transactional id {stage.prefix}group-faultline-0 is used by another program, which took it 3 times within 10"
        r" minutes .*; give that program another transactional\.id, or this one another kafka\.instance\.$",
        one_sentence(str(error)),
    )
