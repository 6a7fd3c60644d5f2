"""An alarm that its topic has no room for costs its evidence, or itself; never the others of its poll."""

import msgspec
import pytest
from confluent_kafka import Consumer

from detector.alarms.notifications import Context, notification_message, open_alarm_message
from detector.config.loader import read_config
from detector.core.lifecycle import NEW, Alarm, Event
from detector.kafka.broker_monitor import BrokerMonitor
from detector.kafka.cluster.checks import check_topics
from detector.kafka.sink import Sink
from detector.timestamps import iso_time
from tests.eventually import eventually
from tests.kafka.topics import QUIET
from tests.service.network import PARTITIONS, T0
from tests.service.stage import TOPICS

pytestmark = pytest.mark.broker

LIMIT = 20_000


def small(name, limit=LIMIT):
    return {**TOPICS[name], "config": {**TOPICS[name]["config"], "max.message.bytes": str(limit)}}


def raised(cell, evidence):
    event = Event(NEW, 0, Alarm(cell, "drop_storm", T0, "minor"), T0 + 5, evidence={"nearest": evidence})
    return 0, notification_message(event, Context("ManagementSystem=faultline", "digest")), open_alarm_message(event)


@pytest.fixture
def member(bare_stage):
    """Of the group, without which no offsets can go into a transaction."""
    bare_stage.create_topics(alarms=small("alarms"))
    consumer = Consumer({"bootstrap.servers": bare_stage.bootstrap, "group.id": f"{bare_stage.prefix}group", **QUIET})
    consumer.subscribe([bare_stage.topic("minutes")])
    eventually(lambda: consumer.poll(0.05) is None and len(consumer.assignment()) == PARTITIONS, "it has joined")
    yield consumer
    consumer.close()


def test_what_is_too_long_is_shortened_once_and_then_dead_lettered(bare_stage, member):
    config = read_config(bare_stage.config())
    sink = Sink(config, BrokerMonitor(config.kafka), check_topics(config).record_bytes)
    long, hopeless = "long", "h" * (LIMIT // 3)
    told = [raised("short", "x"), raised(long, "x" * LIMIT), raised(hopeless, "x"), *[raised("more", "x" * 900)] * 50]

    cut = sink.publish(told, [], {0: (1, None)}, member.consumer_group_metadata())

    assert cut == {"shortened": 1, "dead_lettered": 1}
    alarms = {message.key().decode(): msgspec.json.decode(message.value()) for message in bare_stage.read("alarms")}
    assert alarms.keys() == {"short", "long", "more"}
    kept = {"onset": iso_time(T0), "bundle": "digest", "shortened": True}
    assert alarms["long"]["additionalInformation"] == kept
    assert "shortened" not in alarms["short"]["additionalInformation"]
    assert len(bare_stage.read("alarms")) == 52
    (letter,) = bare_stage.read("deadletters")
    assert dict(letter.headers())["__connect.errors.topic"] == bare_stage.topic("alarms").encode()
    assert {message.key() for message in bare_stage.read("active")} == {opened.key for _, _, opened in told}


def test_a_topic_with_no_room_for_any_alarm_is_refused(bare_stage, refusal):
    bare_stage.create_topics(alarms=small("alarms", 1000))
    said = refusal("run", "--config", bare_stage.config())
    problem = "alarms: max.message.bytes is 1000, and an alarm may need 16384;"
    assert said.endswith(f"{problem} `faultline topics --fix --yes` sets it to 1048588.")
