"""How far a consumer is behind, by what a real broker says."""

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from detector.config.schema import Config, Kafka, Topics
from detector.kafka.broker_monitor import BrokerMonitor
from detector.kafka.consumer import MinuteConsumer
from detector.kafka.lag import Lag
from tests.eventually import eventually
from tests.kafka.broker import Broker, ExternalBroker
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


def test_nothing_is_left_behind_aborted_records(broker: Broker | ExternalBroker, topics: str) -> None:
    """What a consumer of committed records will never be given is no lag."""
    bootstrap, topic = broker.bootstrap, f"{topics}minutes"
    create_topics(bootstrap, {topic: {"partitions": 1}, f"{topics}active": {"partitions": 1}})
    produce(bootstrap, topic, [(b"key", b"value", None)] * 3)
    feeder = Producer({"bootstrap.servers": bootstrap, "transactional.id": topic, **QUIET})
    feeder.init_transactions(30)
    for _ in range(3):
        feeder.begin_transaction()
        for _ in range(20):
            feeder.produce(topic, b"value", b"key")
        feeder.flush(30)
        feeder.abort_transaction(30)
    kafka = Kafka(
        common={"bootstrap.servers": bootstrap},
        group=topic,
        start="earliest",
        topics=Topics(minutes=topic, active=f"{topics}active"),
    )
    config = Config(bundle="none", kafka=kafka)
    consumer = MinuteConsumer(config, BrokerMonitor(config.kafka))
    received = 0

    def is_read() -> bool:
        nonlocal received
        received += sum(len(records) for records in consumer.poll().records)
        return received == 3 and consumer.lag() == {0: 0}

    eventually(is_read, "three records are read and nothing is behind")
    consumer.close()
