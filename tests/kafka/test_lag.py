"""How far a consumer is behind, by what a real broker says."""

import pytest
from confluent_kafka import Consumer, TopicPartition

from detector.config.schema import Kafka
from detector.kafka.lag import Lag
from tests.eventually import eventually
from tests.kafka.broker import Broker
from tests.kafka.topics import QUIET, create_topics, produce

pytestmark = pytest.mark.broker


def test_the_end_is_told_again_when_its_broker_has_come_back(
    mortal_broker: Broker, topics: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To a client that fetches nothing, and so knows of the end by asking alone."""
    monkeypatch.setattr("detector.kafka.lag.EVERY_SECONDS", 0.1)
    bootstrap, topic = mortal_broker.bootstrap, f"{topics}minutes"
    create_topics(bootstrap, {topic: {"partitions": 1}})
    produce(bootstrap, topic, [(b"key", b"value", None)] * 3)
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": topic, **QUIET})
    consumer.assign([TopicPartition(topic, 0, 0)])
    consumer.pause([TopicPartition(topic, 0)])
    lag = Lag(consumer, Kafka(common={"bootstrap.servers": bootstrap}))
    lag.set_start(TopicPartition(topic, 0, 0))
    eventually(lambda: lag.measure().get(0) == 3, "the end is told")
    mortal_broker.kill()
    mortal_broker.restart()
    produce(bootstrap, topic, [(b"key", b"value", None)] * 2)
    eventually(lambda: lag.measure().get(0) == 5, "the new end is told")
    consumer.close()
