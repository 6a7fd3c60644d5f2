"""Offsets are asked for again while their topic or its leader is on its way, and not for ever."""

import threading
from collections.abc import Callable

import pytest

from detector.config.schema import Kafka
from detector.errors import ClusterError
from detector.kafka.offsets import TopicOffsets
from tests.kafka.broker import Broker, ExternalBroker
from tests.kafka.topics import create_topics, produce

pytestmark = pytest.mark.broker

PARTITIONS = 7


def meanwhile(act: Callable[[], object], seconds: float = 0.5) -> threading.Timer:
    """Act on another thread while the question is asked."""
    timer = threading.Timer(seconds, act)
    timer.start()
    return timer


def test_every_question_is_answered_for_all_partitions(broker: Broker | ExternalBroker, topics: str) -> None:
    topic = f"{topics}minutes"
    create_topics(broker.bootstrap, {topic: {"partitions": PARTITIONS, "config": {"retention.ms": "-1"}}})
    produce(broker.bootstrap, topic, [(b"k", b"v", None, 1000 * (n + 1), n) for n in range(1, PARTITIONS)])
    offsets = TopicOffsets(Kafka(common={"bootstrap.servers": broker.bootstrap}), topic)
    numbers = range(PARTITIONS)
    assert offsets.begins(numbers) == dict.fromkeys(numbers, 0)
    assert offsets.ends(numbers) == offsets.committed_ends(numbers) == {0: 0, **dict.fromkeys(numbers[1:], 1)}
    assert offsets.at(numbers, 4000) == {0: None, 1: None, 2: None, **dict.fromkeys(numbers[3:], 0)}
    assert offsets.at(numbers, -5) == {0: None, **dict.fromkeys(numbers[1:], 0)}
    assert offsets.begins([]) == {}


def test_a_topic_that_is_just_being_made_is_waited_for(broker: Broker | ExternalBroker, topics: str) -> None:
    topic = f"{topics}minutes"
    offsets = TopicOffsets(Kafka(common={"bootstrap.servers": broker.bootstrap}, reach_seconds=60), topic)
    making = meanwhile(lambda: create_topics(broker.bootstrap, {topic: {"partitions": 2}}))
    assert offsets.ends([0, 1]) == {0: 0, 1: 0}
    making.join()


def test_a_topic_that_nobody_makes_is_not_waited_for_long(broker: Broker | ExternalBroker, topics: str) -> None:
    """The client calls it a topic without leaders."""
    kafka = Kafka(common={"bootstrap.servers": broker.bootstrap}, reach_seconds=1)
    with pytest.raises(ClusterError, match=f"topic {topics}absent: .*; check that the topic exists"):
        TopicOffsets(kafka, f"{topics}absent").begins([0])


@pytest.mark.slow
def test_a_broker_that_comes_back_answers(mortal_broker: Broker, topics: str) -> None:
    topic = f"{topics}minutes"
    create_topics(mortal_broker.bootstrap, {topic: {"partitions": 2}})
    offsets = TopicOffsets(Kafka(common={"bootstrap.servers": mortal_broker.bootstrap}, reach_seconds=60), topic)
    mortal_broker.pause()
    resuming = meanwhile(mortal_broker.resume, 6)
    assert offsets.ends([0, 1]) == {0: 0, 1: 0}
    resuming.join()


def test_a_broker_that_stays_away_is_named(mortal_broker: Broker, topics: str) -> None:
    offsets = TopicOffsets(Kafka(common={"bootstrap.servers": mortal_broker.bootstrap}, reach_seconds=1), "minutes")
    mortal_broker.pause()
    with pytest.raises(ClusterError, match=r"check kafka\.common\.bootstrap\.servers, and that the broker runs"):
        offsets.ends([0])
